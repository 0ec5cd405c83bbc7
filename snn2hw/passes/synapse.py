"""The integer weights and biases of one synaptic layer, at scales that the target has room for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snn2hw import layers
from snn2hw.errors import WidthError
from snn2hw.ir import network as real
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.num import Interval
from snn2hw.passes.base import Compilation
from snn2hw.passes.findings import Finding, emptied, lost_weights, zeroed
from snn2hw.passes.room import INT32, Behind, behind, ceilings, excess, held_point, takes_input
from snn2hw.passes.weights import choose_scales

READOUT_ERROR = 0.05  # relative square error of an output from which 'auto' gives each output a scale of its own


@dataclass(frozen=True)
class ScaledSynapse:
    """Whole numbers: weight ~ real * 2**exponents in units of what enters, bias likewise.

    Args:
        exponents: binary points of the sum, one for the layer or one per channel.
        findings: channels whose weights became 0.
    """

    weight: Reals
    bias: Reals
    exponents: tuple[int, ...]
    findings: tuple[Finding, ...]


def scaled_synapse(
    node: layers.Synapse, entering: Interval, scale: Scale, c: Compilation, reach: Mapping[str, float]
) -> ScaledSynapse:
    """The best scales for which every sum, and all that is made of it up to the next neuron, keeps within the target.

    Args:
        node: the float layer. c: gives the network, the calibration, the target and the options.
        entering: raw integers that enter, which `scale` gives a meaning. reach: `magnitudes` of the network.

    Raises:
        WidthError: a bias for which no scale leaves room.
    """
    limits, options = c.target.lowering, c.options
    unit, seen = float(scale.unit), c.observed[node.name].rows
    assert seen is not None
    weight, bias, rows = node.weight * unit, node.bias * 2.0**scale.frac, seen / unit * 2.0**scale.frac
    readers = list(behind(node.name, c.real))
    readout = _is_read_out(node.name, c.real)
    allowed = options.scales if _by_channel(node.name, c.real) else "layer"
    ceiling = ceilings(node, entering, unit * 2.0**-scale.frac, c.real, reach, limits, c.state_bits).moved(scale.frac)
    most = min(INT32, 2.0 ** (limits.synapse_bits - 1) - 1)
    while True:
        chosen = choose_scales(weight, bias, rows, _bits(node.name, c), allowed, ceiling, READOUT_ERROR if readout else 0.0)
        exponents = tuple(e + scale.frac for e in chosen.exponents)
        rounded = np.floor(node.bias * 2.0 ** np.array(exponents) + 0.5)
        largest = _largest(chosen.integers, rounded, entering)
        if (largest > most).any():  # by what rounding adds
            ceiling = ceiling.below(np.where(largest > most, np.array(chosen.exponents) - 1.0, np.inf))
            continue
        over = _over(exponents, int(largest.max()), readers, c)
        if not over:
            break
        weightless: npt.NDArray[np.bool_] = np.count_nonzero(weight.reshape(len(weight), -1), axis=1) == 0
        ceiling = ceiling.below(_coarser(np.array(chosen.exponents, np.float64), over, weightless))
    if np.abs(rounded).max(initial=0) > INT32:
        raise WidthError(
            "a bias does not fit int32",
            where=node.source or node.name,
            got=f"{np.abs(rounded).max():g}",
            expected="below 2**31",
            do="scale the layer's weights up or its bias down",
        )
    lost = lost_channels(node, chosen.integers, exponents, entering, scale, c)
    return ScaledSynapse(chosen.integers, rounded, exponents, tuple(lost))


def lost_channels(
    node: layers.Synapse,
    integers: npt.NDArray[np.generic],
    exponents: Sequence[int],
    entering: Interval,
    scale: Scale,
    c: Compilation,
    *,
    trained: bool = False,
) -> Iterator[Finding]:
    """Channels whose weights became 0, where a state or the readout can tell.

    Args:
        node: the float layer. integers: what became of its weights. exponents: binary points of its sums.
        entering: raw integers that enter, which `scale` gives a meaning. c: gives the network, the target and the options.
        trained: whether training went through these integers, at a scale that was chosen before it.
    """
    if not emptied(node, integers).any():  # what follows takes far longer
        return
    unit = float(scale.unit) * 2.0**-scale.frac
    loss = zeroed(node, integers, entering.magnitude * unit)
    told = np.multiply(loss, _told(list(behind(node.name, c.real)), c.state_bits), out=np.zeros_like(loss), where=loss > 0)
    steps = 2.0 ** -np.array(exponents, np.float64) / unit
    yield from lost_weights(node, integers, steps, told, _by_channel(node.name, c.real), _bits(node.name, c), trained=trained)


def _bits(name: str, c: Compilation) -> int:
    return min(c.options.bits_of(name), c.target.lowering.weight_bits)


def _by_channel(name: str, net: real.Network) -> bool:
    """Whether each channel of the layer may have its own scale."""
    return _is_read_out(name, net) or _feeds_neuron_by_channel(name, net)


def _told(readers: Sequence[Behind], state_bits: Callable[[str], int]) -> float:
    """Units of a state per unit of the sum, of the reader that tells most; a readout tells whatever there is."""
    told = [0.0]
    for reader in readers:
        if isinstance(reader.node, real.Readout):
            return float("inf")
        if takes_input(reader.node):
            told.append(2.0 ** held_point(reader.node, state_bits(reader.node.name)))
    return max(told)


def _largest(weight: Reals, bias: Reals, entering: Interval) -> Reals:
    """Per channel, the largest magnitude of any partial sum, which is also that of the sum."""
    fan_in = np.abs(weight.reshape(len(weight), -1)).sum(1)
    return np.asarray(fan_in * entering.magnitude + np.abs(bias), np.float64)


def _over(exponents: tuple[int, ...], widest: int, readers: list[Behind], c: Compilation) -> int:
    """Bits that are missing where the channels of the sum are brought to one binary point: at heads and at the readout."""
    if len(set(exponents)) == 1:
        return 0
    missing = [0]
    for reader in readers:
        if takes_input(reader.node):
            state = held_point(reader.node, c.state_bits(reader.node.name))
            missing.append(excess(exponents, state, widest * reader.taps, 2.0 ** (c.target.lowering.accumulator_bits - 2)))
        elif isinstance(reader.node, real.Readout):
            missing.append(excess(exponents, max(exponents), widest * reader.taps, INT32 / c.real.steps))
    return max(missing)


def _coarser(exponents: Reals, over: int, weightless: npt.NDArray[np.bool_]) -> Reals:
    """Ceilings [O] where bits are missing: of the finest; channels without weights give way first, down to the others' finest.

    Args:
        exponents: [O], for which the target lacks `over` bits. weightless: [O], of whose sums the bias is all.
    """
    lower, driven = exponents.max() - max(1, over // 2), exponents[~weightless]
    if driven.size and exponents.max() > driven.max():
        return np.where(weightless, max(lower, driven.max()), np.inf)
    return np.full(len(exponents), lower)


def _is_read_out(name: str, net: real.Network) -> bool:
    """Whether the readout, and nothing else, reads the value: then each class may have its own scale until it is read."""
    readers = [n for n in net.nodes if name in n.inputs]
    return len(readers) == 1 and isinstance(readers[0], real.Readout)


def _feeds_neuron_by_channel(name: str, net: real.Network) -> bool:
    """Whether every reader is a neuron, or a pool that leads to one: then each channel may have its own scale."""
    readers = [n for n in net.nodes if name in n.inputs]
    return bool(readers) and all(
        isinstance(r, real.Neuron | real.EquationNeuron)
        or (isinstance(r, layers.Operator) and r.by_channel and _feeds_neuron_by_channel(r.name, net))
        for r in readers
    )
