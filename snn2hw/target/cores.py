"""What the cores of a chip hold: the section [cores]. Every limit may be missing; those that are not public are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.shown import brief
from snn2hw.target import formula
from snn2hw.target.facts import Fact, copy_from, impossible, span_fact

MOST = 1 << 50  # of anything that a chip counts
MOST_CORES = 1 << 20  # of one chip


@dataclass(frozen=True)
class Row:
    """One field of the section.

    Args:
        says: what it counts, in words. of: whose limit it is: chip, core, layer, neuron, synapse, or what it is needed for.
        kind: count, each (a count, or one for each core of a chip), list (what is allowed), flag, formula.
    """

    says: str
    of: str
    kind: str = "count"


LIMITS: Mapping[str, Row] = {
    "cores_per_chip": Row("cores of a chip", "chip"),
    "chips": Row("chips that work together", "chip"),
    "neurons_per_chip": Row("neurons of a chip", "chip"),
    "synapses_per_chip": Row("synapses of a chip: weights that are kept, a kernel that is kept once among them once", "chip"),
    "input_channels": Row("values that enter a chip at a step", "chip"),
    "output_neurons": Row("values that leave a chip at a step", "chip"),
    "neurons": Row("neurons on a core", "core", "each"),
    "in_axons": Row("input axons on a core: neurons, or input values, that send spikes to it", "core", "each"),
    "out_axons": Row("output axons on a core: pairs of a neuron and a core that it sends spikes to", "core", "each"),
    "synapse_memory_bits": Row("bits of weights on a core", "core", "each"),
    "state_memory_bits": Row("bits of states on a core", "core", "each"),
    "shared_memory_bits": Row("bits of weights and states together on a core", "core", "each"),
    "parameter_sets": Row("distinct sets of constants of neurons on a core", "core", "each"),
    "threshold_sets": Row("distinct sets of thresholds of neurons on a core", "core", "each"),
    "instructions": Row("instructions of neuron programs on a core", "core", "each"),
    "layers_per_core": Row("layers on a core", "core"),
    "destinations_per_core": Row("layers on other cores that a core sends spikes to", "core"),
    "kernel_words": Row("words of kernels on a core", "core", "each"),
    "neuron_words": Row("words of states on a core", "core", "each"),
    "cores_per_layer": Row("cores that hold one layer", "layer"),
    "channels": Row("channels of a layer", "layer"),
    "input_extent": Row("rows, or columns, of the image that a layer reads", "layer"),
    "output_extent": Row("rows, or columns, of the image that a layer makes", "layer"),
    "kernel_extent": Row("rows, or columns, of a kernel", "layer"),
    "padding": Row("rows, or columns, of padding", "layer"),
    "strides": Row("strides of a convolution", "layer", "list"),
    "pools": Row("windows of a sum over neighbours", "layer", "list"),
    "fan_in": Row("synapses into a neuron", "neuron"),
    "fan_out": Row("synapses out of a neuron", "neuron"),
    "destinations_per_neuron": Row("cores that a neuron sends spikes to", "neuron"),
    "distinct_weights": Row("distinct weights of the synapses into a neuron", "neuron"),
    "weight_bits": Row("widths of a weight", "synapse", "list"),
}

# What is no limit, but says how something is counted.
RULES: Mapping[str, Row] = {
    "shared_convolution_weights": Row("whether a core keeps a kernel once for all places", "synapse_memory_bits", "flag"),
    "kernel_words_formula": Row("words of the kernels of a layer", "kernel_words", "formula"),
    "neuron_words_formula": Row("words of the states of a layer", "neuron_words", "formula"),
}
FIELDS: Mapping[str, Row] = {**LIMITS, **RULES}

_EXPECTED = {
    "count": f"a whole number from 1 to 2**{MOST.bit_length() - 1}",
    "each": f"a whole number from 1 to 2**{MOST.bit_length() - 1}, or a list with one for each core of a chip",
    "list": "a list of whole numbers from 1",
    "flag": "true or false",
    "formula": formula.EXPECTED,
}


@dataclass(frozen=True)
class Cores:
    """What the cores of a chip hold.

    Args:
        facts: field -> fact, of those that are stated. gaps: limits that the chip has and that are not public.
    """

    facts: Mapping[str, Fact]
    gaps: tuple[str, ...] = ()

    __repr__ = brief

    @property
    def per_chip(self) -> int:
        """Cores of a chip, the fewest that a source says."""
        return int(self.facts["cores_per_chip"].low)

    def stated(self, name: str, core: int = 0) -> int | None:
        """A limit, the lowest that a source says; None where there is none. `core` counts from 0 over all chips."""
        if name not in self.facts:
            return None
        low = self.facts[name].low
        return int(low[core % len(low)] if isinstance(low, list) else low)

    def allowed(self, name: str) -> tuple[int, ...] | None:
        """What a field of the kind `list` allows, sorted; None where it is not stated."""
        return tuple(sorted(self.facts[name].value)) if name in self.facts else None

    @property
    def shares_kernels(self) -> bool:
        """Whether a core keeps a kernel once for all places; where nobody says, it does not."""
        return bool(self.facts["shared_convolution_weights"].value) if "shared_convolution_weights" in self.facts else False

    def says(self, name: str, core: int = 0) -> str:
        """The limit as a message names it: "limit 4,096", or "limit 120 to 152, sources contradict each other"."""
        fact, low = self.facts[name], self.stated(name, core)
        if fact.high != fact.low:
            return f"limit {low:,} to {int(fact.high):,}, sources contradict each other"
        return f"limit {low:,}"

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not public, in words."""
        return tuple(f"not public: {FIELDS[name].says}" for name in self.gaps)


def read_cores(data: Mapping[str, Any], where: str) -> Cores | None:
    """The section [cores]; None of a file that has none.

    Args:
        data: what TOML made of the file. where: the file, for messages.

    Raises:
        TargetError: a field that is unknown or impossible, or a formula without what it limits.
    """
    if "cores" not in data:
        return None
    section, where = data["cores"], f"{where} [cores]"
    if not isinstance(section, dict) or "cores_per_chip" not in section:
        got = ", ".join(section) if isinstance(section, dict) else "no table"
        raise TargetError(
            "a target file lacks 'cores_per_chip'", where=where, got=got,
            expected="cores_per_chip = { value, confidence, source }", do=copy_from("loihi1", "the section"),
        )  # fmt: skip
    gaps = section.get("not_public", [])
    entries = {k: v for k, v in section.items() if k != "not_public"}
    known = ", ".join([*FIELDS, "not_public"])
    named = [*entries, *(gaps if isinstance(gaps, list) else [])]
    if unknown := [name for name in named if not isinstance(name, str) or name not in FIELDS]:
        raise TargetError(
            "a target file has an unknown field",
            where=where,
            got=str(unknown[0])[:200],
            expected=known,
            do="correct its name, or leave it out",
        )
    if not isinstance(gaps, list) or len({*gaps} - {*entries}) != len(gaps):
        raise impossible("not_public", where, repr(gaps), "a list of fields, each once, that are not stated")
    facts = {key: _fact(key, entry, where) for key, entry in entries.items()}
    _check_lists(facts, where)
    for name in RULES:
        limit = RULES[name].of
        if RULES[name].kind == "formula" and (name in facts) != (limit in facts):
            raise TargetError(
                f"a target file has one of '{limit}' and '{name}' only", where=where,
                got=limit if limit in facts else name, expected="both, or neither of them", do="state how the words are counted",
            )  # fmt: skip
    return Cores(facts, tuple(gaps))


def _fact(key: str, entry: Any, where: str) -> Fact:
    fact, kind = span_fact(key, entry, where), FIELDS[key].kind
    value = fact.value
    wrong = {
        "count": not (_count(fact.low) and _count(fact.high)),
        "each": not (_counts(value) if isinstance(value, list) else _count(fact.low) and _count(fact.high)),
        "list": not _counts(value),
        "flag": not isinstance(value, bool),
        "formula": kind == "formula" and bool(formula.problem(value)),
    }
    if wrong[kind] or (key == "cores_per_chip" and fact.high > MOST_CORES):
        more = f": {formula.problem(value)}" if kind == "formula" else ""
        raise impossible(key, where, repr(value) + more, _EXPECTED[kind])
    return fact


def _check_lists(facts: Mapping[str, Fact], where: str) -> None:
    cores = facts["cores_per_chip"].value
    for key, fact in facts.items():
        if FIELDS[key].kind == "each" and isinstance(fact.value, list) and len(fact.value) != cores:
            raise impossible(key, where, f"a list of {len(fact.value)}", f"a list of {cores}, one for each core of a chip")


def _count(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MOST


def _counts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_count, value))
