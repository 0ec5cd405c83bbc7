"""Every limit of a chip's cores, and what of a network breaks it however the network is mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from snn2hw.estimation.mapping.needs import Needs
from snn2hw.estimation.mapping.words import kernel_of
from snn2hw.estimation.resources import Resources
from snn2hw.layers import IntConv2d, IntSumPool2d
from snn2hw.shown import plain
from snn2hw.target import Cores
from snn2hw.target.cores import LIMITS


@dataclass(frozen=True)
class Reason:
    """Why a chip does not hold a network: one layer, or the network, and one limit.

    Args:
        limit: the field of [cores], or of [neurons] and [lowering], that is broken; "" where none alone is.
    """

    limit: str
    text: str

    def __str__(self) -> str:
        return plain(self.text)


def broken(found: Resources, cores: Cores) -> list[Reason]:
    """Every limit that a layer breaks however the network is mapped."""
    reasons = list[Reason]()
    for limit, check in CHECKS.items():
        if limit in cores.facts:
            reasons += [Reason(limit, f"{where}: {said(limit, need, cores)}") for where, need in check(found, cores)]
    return reasons


def said(limit: str, need: int, cores: Cores) -> str:
    """What is needed, and what there is of it, in words.

    Args:
        limit: the field of [cores]. need: how much of it. cores: the chip's.
    """
    says = LIMITS[limit].says.partition(":")[0]
    if (allowed := cores.allowed(limit) if LIMITS[limit].kind == "list" else None) is not None:
        return f"{_ONE[limit].format(need)}, allowed {', '.join(map(str, allowed))}"
    return f"{need:,} {says}, {_limit(limit, cores)}"


_ONE = {"weight_bits": "weights of {} bits", "strides": "a stride of {}", "pools": "sums over windows of {}"}


def _limit(limit: str, cores: Cores) -> str:
    low = cores.facts[limit].low
    return f"limit {max(low):,} on the largest core" if isinstance(low, list) else cores.says(limit)


Check = Callable[[Resources, Cores], "Iterator[tuple[str, int]]"]


def _smallest(limit: str) -> Check:
    """A limit of a core, where a single neuron breaks it already."""

    def check(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
        for layer in found.placed:
            needs = Needs(found, layer, cores)
            cut = (1, 1, 1) if cores.stated("cores_per_layer") == 1 else needs.smallest
            for name, load in needs.over(cut):
                if name == limit:
                    yield layer.population.where, load

    return check


def _cores_per_layer(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    most = cores.stated("cores_per_layer") or 1
    for layer in found.placed:
        needed = Needs(found, layer, cores).fewest()
        if needed > most:
            yield layer.population.where, needed


def _above(limit: str, of: Callable[[Resources, str], int]) -> Check:
    def check(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
        for layer in found.layers.values():
            if (need := of(found, layer.name)) > (cores.stated(limit) or 0):
                yield layer.population.where, need

    return check


def _of_synapses(limit: str, values: Callable[[Resources, int], list[int]]) -> Check:
    """Numbers of every layer with weights; those that are not allowed, or above the limit."""

    def check(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
        seen = set[tuple[str, int]]()
        for k, s in enumerate(found.synapses):
            where = s.synapse.source or s.synapse.name
            for value in values(found, k):
                allowed = cores.allowed(limit) if LIMITS[limit].kind == "list" else None
                wrong = value not in allowed if allowed is not None else value > (cores.stated(limit) or 0)
                if wrong and (where, value) not in seen:
                    seen.add((where, value))
                    yield where, value

    return check


def _widths(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    """Weights may be kept wider than they are."""
    widest = max(cores.allowed("weight_bits") or (0,))
    for where, width in {s.synapse.source or s.synapse.name: s.width for s in found.synapses}.items():
        if width > widest:
            yield where, width


def _conv(found: Resources, k: int) -> IntConv2d | None:
    node = found.synapses[k].synapse
    return node if isinstance(node, IntConv2d) else None


def _pools(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    allowed, seen = cores.allowed("pools") or (), set[str]()
    for c in found.graph.connections:
        for node in c.through:
            if isinstance(node, IntSumPool2d) and node.name not in seen:
                seen.add(node.name)
                yield from ((node.source or node.name, k) for k in sorted({*node.window.kernel} - {*allowed}))


def _channels(found: Resources, name: str) -> int:
    return found.layers[name].population.view[0]


def _extent(found: Resources, name: str) -> int:
    return max(found.layers[name].population.view[1:])


def _input_extent(found: Resources, name: str) -> int:
    return max((max(a.of for a in c.axes[1:]) for c in found.graph.into(name)), default=0)


def _destinations(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    """Where a core holds one layer only, all that read it lie on others; else it is a matter of the mapping."""
    if cores.stated("layers_per_core") != 1:
        return
    for layer in found.placed:
        number = len({c.target for c in found.graph.out_of(layer.name)} - {layer.name})
        if number > (cores.stated("destinations_per_core") or 0):
            yield layer.population.where, number


def _inputs(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    yield from _ends(found, "input", cores.stated("input_channels") or 0)


def _outputs(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    yield from _ends(found, "readout", cores.stated("output_neurons") or 0)


def _ends(found: Resources, kind: str, most: int) -> Iterator[tuple[str, int]]:
    for layer in found.layers.values():
        if layer.population.kind == kind and layer.neurons > most:
            yield layer.population.where, layer.neurons


def _nothing(found: Resources, cores: Cores) -> Iterator[tuple[str, int]]:
    """Of the chips together: compared with the mapping, in `_of_chips`."""
    yield from ()


CHECKS: Mapping[str, Check] = {
    "cores_per_chip": _nothing,
    "chips": _nothing,
    "neurons_per_chip": _nothing,
    "synapses_per_chip": _nothing,
    "input_channels": _inputs,
    "output_neurons": _outputs,
    **{name: _smallest(name) for name in (
        "neurons", "in_axons", "out_axons", "synapse_memory_bits", "state_memory_bits", "shared_memory_bits", "parameter_sets",
        "threshold_sets", "instructions", "layers_per_core", "kernel_words", "neuron_words",
    )},
    "destinations_per_core": _destinations,
    "cores_per_layer": _cores_per_layer,
    "channels": _above("channels", _channels),
    "input_extent": _above("input_extent", _input_extent),
    "output_extent": _above("output_extent", _extent),
    "kernel_extent": _of_synapses("kernel_extent", lambda found, k: [max(kernel_of(found.synapses[k])[1:])]),
    "padding": _of_synapses("padding", lambda found, k: [max(n.window.padding)] if (n := _conv(found, k)) else []),
    "strides": _of_synapses("strides", lambda found, k: [*n.window.stride] if (n := _conv(found, k)) else []),
    "pools": _pools,
    "fan_in": _above("fan_in", lambda found, name: found.layers[name].fan_in),
    "fan_out": _above("fan_out", lambda found, name: found.layers[name].fan_out),
    "destinations_per_neuron": _nothing,
    "distinct_weights": _of_synapses("distinct_weights", lambda found, k: [found.synapses[k].distinct]),
    "weight_bits": _widths,
}  # fmt: skip
