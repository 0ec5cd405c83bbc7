"""What a chip can hold, as data: loads and validates targets/<name>.toml. Hardware is never written into the compiler."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.files.read import is_file, read_bytes, toml_value
from snn2hw.num import Rounding
from snn2hw.num.format import MAX_WIDTH
from snn2hw.shown import brief

MAX_BITS = 4096  # of whatever a chip counts in bits
MOST_SITES = 1 << 31  # of anything on an FPGA

CONFIDENCES = {
    "F": "read in the named public repository or document",
    "P": "from an excerpt of a public page",
    "K": "general knowledge or an assumption, not verified",
}


@dataclass(frozen=True)
class Fact:
    """One number of a chip: its value, how sure it is (F, P, K), and where it comes from."""

    value: Any
    confidence: str
    source: str


@dataclass(frozen=True)
class Lowering:
    """What the compiler needs to know of a target.

    Args:
        state_bits: widest neuron state.
        accumulator_bits: widest intermediate of a neuron program, products before their shift included.
        coefficient_bits: widest constant, and the width one factor of every product is kept to.
        synapse_bits: widest synaptic sum.
        payload_bits: widest value that a synapse may read, whoever made it: what neurons fire, but also the input, and sums
            of several spike values (additions, average pools), which reach a synapse as one value.
        weight_bits: widest synaptic weight.
        rounding: what a right shift does.
        state_multiply: whether a neuron can multiply two values neither of which is a constant.
        resets: subtract, value, none: those the neuron can do.
        comparisons: strict (>), inclusive (>=): those the neuron can do.
        payload_products: whether what two layers fire can be multiplied (attention).
    """

    state_bits: int
    accumulator_bits: int
    coefficient_bits: int
    synapse_bits: int
    payload_bits: int
    weight_bits: int
    rounding: Rounding
    state_multiply: bool
    resets: tuple[str, ...]
    comparisons: tuple[str, ...]
    payload_products: bool


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


@dataclass(frozen=True)
class Target:
    """A chip: its name, a line about it, what the compiler reads, and every fact with its source.

    Args:
        fpga: what there is on it for a design, of an FPGA; None of a chip that is programmed.
    """

    name: str
    says: str
    lowering: Lowering
    facts: Mapping[str, Fact]
    fpga: Fpga | None = None

    __repr__ = brief


def targets_folder() -> Path:
    """Where the target files are: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "targets"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "targets"


def target_names() -> list[str]:
    """Names of the targets that are shipped."""
    return sorted(p.stem for p in targets_folder().glob("*.toml"))


def load_target(name: str) -> Target:
    """A target by its name, or by the path of a TOML file of your own.

    Raises:
        TargetError: unknown name, unreadable TOML, a missing or impossible field.
    """
    path = Path(name) if name.endswith(".toml") else targets_folder() / f"{name}.toml"
    if not is_file(path):
        raise TargetError(
            "unknown target",
            got=repr(name),
            expected=", ".join(target_names()),
            do="name one of these, or the path of a TOML file of your own (copy one from targets/)",
        )
    try:
        data = toml_value(read_bytes(path))
    except OSError as error:
        raise TargetError(
            "a target file cannot be read", where=str(path), got=error.strerror or str(error), do="check the path"
        ) from error
    except ValueError as error:
        raise TargetError("a target file is not TOML", where=str(path), got=str(error), do="correct the line it names") from error
    return _target(data, str(path))


def _target(data: Mapping[str, Any], where: str) -> Target:
    for key, kind in (("name", str), ("says", str), ("lowering", dict), ("facts", dict)):
        if not isinstance(data.get(key), kind):
            raise TargetError(
                f"a target file lacks '{key}'",
                where=where,
                got=repr(data.get(key)),
                expected=f"a {kind.__name__}",
                do="copy the field from targets/generic.toml",
            )
    known = {f.name for f in fields(Lowering)}
    if unknown := sorted(set(data["lowering"]) - known):
        raise TargetError(
            "a target file has an unknown field", where=f"{where} [lowering]", got=unknown[0], expected=", ".join(sorted(known))
        )
    read = {k: _fact(k, v, where) for k, v in data["lowering"].items()}
    facts = {**{k: _other_fact(k, v, where) for k, v in data["facts"].items()}, **read}
    lowering = Lowering(**{name: _field(name, read, where) for name in known})
    if lowering.coefficient_bits + 2 > lowering.accumulator_bits or lowering.state_bits > lowering.accumulator_bits:
        raise TargetError(
            "a target file has widths that contradict each other",
            where=where,
            got=", ".join(f"{n} = {getattr(lowering, n)}" for n in ("accumulator_bits", "state_bits", "coefficient_bits")),
            expected="an accumulator at least as wide as the state, and wider than a coefficient",
            do="correct the widths",
        )
    fpga, more = _fpga(data, where)
    return Target(data["name"], data["says"], lowering, {**facts, **more}, fpga)


def _fpga(data: Mapping[str, Any], where: str) -> tuple[Fpga | None, dict[str, Fact]]:
    """The section [fpga] of a file that says kind = "fpga", and its facts."""
    kind, section = data.get("kind", "chip"), data.get("fpga")
    if kind not in ("chip", "fpga") or (kind == "fpga") != isinstance(section, dict):
        raise TargetError(
            "a target file does not say what it is",
            where=where,
            got=f"kind = {kind!r}, " + ("a section [fpga]" if isinstance(section, dict) else "no section [fpga]"),
            expected='kind = "fpga" and a section [fpga], or neither of them',
            do="copy both from targets/ecp5-85k.toml",
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
            do="copy the section from targets/ecp5-85k.toml",
        )
    read = {name: _fact(name, entry, where) for name, entry in section.items()}
    for name, fact in read.items():
        allowed, says = _FPGA_VALUES.get(str(known[name].type), (_words, "a list of words of letters, digits and . / + -"))
        if not allowed(fact.value):
            raise TargetError(
                f"'{name}' is impossible",
                where=f"{where} [fpga]",
                got=repr(fact.value)[:200],
                expected=says,
                do="correct the value",
            )
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


def _fact(key: str, entry: Any, where: str) -> Fact:
    complete = isinstance(entry, dict) and set(entry) == {"value", "confidence", "source"}
    if not complete or str(entry["confidence"]) not in CONFIDENCES or not str(entry["source"]).strip():
        raise TargetError(
            f"'{key}' must have a value, a confidence and a source",
            where=where,
            got=repr(entry),
            expected='{ value = ..., confidence = "F" | "P" | "K", source = "..." }',
            do="say where the number comes from",
        )
    return Fact(entry["value"], entry["confidence"], entry["source"])


def _other_fact(key: str, entry: Any, where: str) -> Fact:
    """A fact that the compiler does not read; it is printed."""
    fact = _fact(key, entry, where)
    bits = key.endswith("_bits")
    if not _sayable(fact.value) or (bits and not _some_bits(fact.value)):
        raise TargetError(
            f"'{key}' is impossible",
            where=f"{where} [facts]",
            got=repr(fact.value)[:200],
            expected=f"whole numbers from 0 to {MAX_BITS}" if bits else "a finite number, text, true, false, or a list of them",
            do="correct the value",
        )
    return fact


def _sayable(value: Any) -> bool:
    """What a fact may be: it is printed as JSON."""
    if isinstance(value, list):
        return all(_sayable(v) for v in value)
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _some_bits(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(type(v) is int and 0 <= v <= MAX_BITS for v in values)


def _bits(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WIDTH:
        raise ValueError(f"a number of bits from 1 to {MAX_WIDTH}")
    return value


def _weight_bits(value: Any) -> int:
    if _bits(value) > 8:
        raise ValueError("a number of bits from 1 to 8")
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _rounding(value: Any) -> Rounding:
    if not isinstance(value, str) or value not in {r.value for r in Rounding}:
        raise ValueError(" or ".join(r.value for r in Rounding))
    return Rounding(value)


def _some_of(*allowed: str) -> Callable[[Any], tuple[str, ...]]:
    def parse(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v in allowed for v in value):
            raise ValueError("a list of " + ", ".join(allowed))
        return tuple(value)

    return parse


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "rounding": _rounding,
    "state_multiply": _flag,
    "payload_products": _flag,
    "resets": _some_of("subtract", "value", "none"),
    "comparisons": _some_of("strict", "inclusive"),
    "weight_bits": _weight_bits,
}


def _field(name: str, facts: Mapping[str, Fact], where: str) -> Any:
    if name not in facts:
        raise TargetError(
            f"a target file lacks '{name}'",
            where=f"{where} [lowering]",
            got="no such field",
            expected=f"{name} = {{ value, confidence, source }}",
            do="copy the field from targets/generic.toml",
        )
    try:
        parse: Callable[[Any], Any] = _PARSERS.get(name, _bits)
        return parse(facts[name].value)
    except ValueError as error:
        raise TargetError(
            f"'{name}' is impossible",
            where=f"{where} [lowering]",
            got=repr(facts[name].value),
            expected=str(error),
            do="correct the value",
        ) from error
