"""What the compiler needs to know of a target, or, of one that is only estimated, what is public of its neurons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.num import Rounding
from snn2hw.num.format import MAX_WIDTH
from snn2hw.target.facts import Fact, copy_from, impossible, plain_fact


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


NAMES = frozenset(f.name for f in fields(Lowering))


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


def read_lowering(section: Mapping[str, Any], where: str) -> tuple[Lowering, dict[str, Fact]]:
    """The section [lowering], and its facts.

    Args:
        section: what TOML made of it. where: the file, for messages.

    Raises:
        TargetError: a field that is unknown, missing or impossible, or widths that contradict each other.
    """
    values, read = _values(section, where, "lowering")
    if lacking := sorted(NAMES - set(values)):
        raise TargetError(
            f"a target file lacks '{lacking[0]}'",
            where=f"{where} [lowering]",
            got="no such field",
            expected=f"{lacking[0]} = {{ value, confidence, source }}",
            do=copy_from("generic", "the field"),
        )
    lowering = Lowering(**values)
    if lowering.coefficient_bits + 2 > lowering.accumulator_bits or lowering.state_bits > lowering.accumulator_bits:
        raise TargetError(
            "a target file has widths that contradict each other",
            where=where,
            got=", ".join(f"{n} = {getattr(lowering, n)}" for n in ("accumulator_bits", "state_bits", "coefficient_bits")),
            expected="an accumulator at least as wide as the state, and wider than a coefficient",
            do="correct the widths",
        )
    return lowering, read


def read_neurons(section: Mapping[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Fact]]:
    """The section [neurons] of a target that is only estimated: some of the fields of [lowering], and their facts.

    Args:
        section: what TOML made of it. where: the file, for messages.

    Raises:
        TargetError: a field that is unknown or impossible.
    """
    return _values(section, where, "neurons")


def _values(section: Mapping[str, Any], where: str, name: str) -> tuple[dict[str, Any], dict[str, Fact]]:
    if unknown := sorted(set(section) - NAMES):
        raise TargetError(
            "a target file has an unknown field",
            where=f"{where} [{name}]",
            got=unknown[0],
            expected=", ".join(sorted(NAMES)),
            do="correct its name, or leave it out",
        )
    read = {k: plain_fact(k, v, where) for k, v in section.items()}
    return {k: _parsed(k, fact, f"{where} [{name}]") for k, fact in read.items()}, read


def _parsed(name: str, fact: Fact, where: str) -> Any:
    try:
        parse: Callable[[Any], Any] = _PARSERS.get(name, _bits)
        return parse(fact.value)
    except ValueError as error:
        raise impossible(name, where, repr(fact.value), str(error)) from error
