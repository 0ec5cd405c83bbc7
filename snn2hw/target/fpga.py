"""What an FPGA has, for the synthesis of a design."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.target.facts import Fact, copy_from, impossible, plain_fact

MOST_SITES = 1 << 31  # of anything on an FPGA
KINDS = ("chip", "fpga", "microcontroller", "computer")


@dataclass(frozen=True)
class Fpga:
    """What an FPGA has, for the synthesis of a design.

    Args:
        family: ecp5, ice40, gowin or xilinx. device, package, speed, die: as place and route names them; '' where it does not.
        luts, ffs, brams, dsps: look-up tables, flip-flops, blocks of memory and multipliers, of the smallest kind.
        pins: for clock, input and output of a measurement, where place and route cannot choose any.
    """

    family: str
    device: str
    luts: int
    ffs: int
    brams: int
    dsps: int
    package: str = ""
    speed: str = ""
    die: str = ""
    pins: tuple[str, ...] = ()


def read_fpga(data: Mapping[str, Any], where: str) -> tuple[Fpga | None, dict[str, Fact]]:
    """The section [fpga] of a file that says kind = "fpga", and its facts; none of any other.

    Raises:
        TargetError: one without the other, or a field that is unknown, missing or impossible.
    """
    kind, section = data.get("kind", "chip"), data.get("fpga")
    if kind not in KINDS or (kind == "fpga") != isinstance(section, dict):
        raise TargetError(
            "a target file does not say what it is",
            where=where,
            got=f"kind = {kind!r}, " + ("a section [fpga]" if isinstance(section, dict) else "no section [fpga]"),
            expected=f'kind = "fpga" and a section [fpga], or neither of them; a kind is one of {", ".join(KINDS)}',
            do=copy_from("ecp5-85k", "both"),
        )
    if not isinstance(section, dict):
        return None, {}
    known = {f.name: f for f in fields(Fpga)}
    lacking = [n for n, f in known.items() if n not in section and f.default is MISSING]
    if wrong := [*lacking, *sorted(set(section) - set(known))]:
        raise TargetError(
            f"a target file {'lacks' if lacking else 'has an unknown field'} '{wrong[0]}'",
            where=f"{where} [fpga]",
            got=", ".join(section),
            expected=", ".join(known),
            do=copy_from("ecp5-85k", "the section"),
        )
    read = {name: plain_fact(name, entry, where) for name, entry in section.items()}
    for name, fact in read.items():
        allowed, says = _FPGA_VALUES.get(str(known[name].type), (_words, "a list of words of letters, digits and . / + -"))
        if not allowed(fact.value):
            raise impossible(name, f"{where} [fpga]", repr(fact.value), says)
    values: dict[str, Any] = {name: fact.value for name, fact in read.items()}
    return Fpga(**{**values, "pins": tuple(values.get("pins", ()))}), read


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_SITES


def _word(value: Any) -> bool:
    """What may be given to a tool as a name: it is not taken for an option."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./+-]{0,63}", value) is not None


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(map(_word, value))


_FPGA_VALUES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "int": (_count, "a whole number from 0"),
    "str": (_word, "a word of letters, digits and . / + -"),
}
