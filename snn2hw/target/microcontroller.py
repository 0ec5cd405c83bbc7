"""What a microcontroller has, for a network in C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.target.facts import Fact, copy_from, impossible, plain_fact

CPUS = ("cortex_m0plus", "cortex_m3", "cortex_m4", "cortex_m7", "cortex_m33")  # that the compiler and the emulator know
MOST_BYTES = 1 << 40
FIELDS = ("cpu", "flash_bytes", "ram_bytes")


@dataclass(frozen=True)
class Microcontroller:
    """What a microcontroller has, for a network in C.

    Args:
        cpu: one of CPUS. flash_bytes: for code and weights. ram_bytes: for states, sums and the stack.
    """

    cpu: str
    flash_bytes: int
    ram_bytes: int


def read_microcontroller(data: Mapping[str, Any], where: str) -> tuple[Microcontroller | None, dict[str, Fact]]:
    """The section [microcontroller] of a file that says kind = "microcontroller", and its facts; none of any other.

    Args:
        data: what TOML made of the file. where: the file, for messages.

    Raises:
        TargetError: one without the other, or a field that is unknown, missing or impossible.
    """
    kind, section = data.get("kind"), data.get("microcontroller")
    if (kind == "microcontroller") != isinstance(section, dict):
        raise TargetError(
            "a target file does not say what it is",
            where=where,
            got=f"kind = {kind!r}, " + ("a" if isinstance(section, dict) else "no") + " section [microcontroller]",
            expected='kind = "microcontroller" and a section [microcontroller], or neither of them',
            do=copy_from("cortex-m4", "both"),
        )
    if not isinstance(section, dict):
        return None, {}
    where = f"{where} [microcontroller]"
    if set(section) != set(FIELDS):
        wrong = sorted(set(section) ^ set(FIELDS))[0]
        raise TargetError(
            f"a target file {'has an unknown field' if wrong in section else 'lacks'} '{wrong}'",
            where=where, got=", ".join(section), expected=", ".join(FIELDS), do=copy_from("cortex-m4", "the section"),
        )  # fmt: skip
    read = {name: plain_fact(name, entry, where) for name, entry in section.items()}
    for name, fact in read.items():
        if name == "cpu" and fact.value not in CPUS:
            raise impossible(name, where, repr(fact.value), ", ".join(CPUS))
        if name != "cpu" and not (type(fact.value) is int and 1 <= fact.value <= MOST_BYTES):
            raise impossible(name, where, repr(fact.value), f"a whole number of bytes from 1 to {MOST_BYTES:,}")
    return Microcontroller(**{name: fact.value for name, fact in read.items()}), read
