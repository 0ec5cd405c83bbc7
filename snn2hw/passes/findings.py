"""What quantisation takes from a network although it compiles: found by the passes, kept in the manifest, and warned of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from snn2hw import layers
from snn2hw.errors import Snn2hwWarning
from snn2hw.ir import network as real
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Program, values_of

KEPT = 0.01  # of a channel's weights that are not 0: one with a smaller share of them left is lost
VISIBLE = 0.5  # state LSB of a synaptic input, below which no state tells that weights are missing
HEAD_LSB = 4.0  # of a neuron's head; a state is told from another by one
SHOWN = 4  # channels that are named
MOVED = 0.25  # of an amplitude, beyond which rounding it is worth a word
SILENT = "this layer can never fire"
TRAINED_SO = "keep it if the prepared model is accurate enough: it was trained with these integers"


class LossWarning(Snn2hwWarning):
    """A finding as Python warns of it; the manifest holds the same."""


@dataclass(frozen=True)
class Finding:
    """One loss: what was found, where, what it shows in, what it comes from, and what to do about it."""

    what: str
    where: str
    got: str
    cause: str
    remedy: str

    def warning(self) -> LossWarning:
        """The finding as Python warns of it."""
        return LossWarning(self.what, where=self.where, got=self.got, cause=self.cause, do=self.remedy)


class LostConstant(Finding):
    """Of constants, which no training changes."""


def warned(findings: Sequence[Finding], stacklevel: int) -> list[dict[str, str]]:
    """The findings for the manifest, after Python has warned of each."""
    for finding in findings:
        warnings.warn(finding.warning(), stacklevel=stacklevel)
    return [asdict(f) for f in findings]


def emptied(node: layers.Synapse, integers: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """[O], the channels of a synapse of whose weights that are not 0 hardly one is left in `integers` [O, ...]."""
    given, kept = _nonzero(node.weight), _nonzero(integers)
    found: npt.NDArray[np.bool_] = (given > 0) & (kept <= KEPT * given)
    return found


def _nonzero(weight: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.count_nonzero(weight.reshape(len(weight), -1), axis=1)
    return found


def lost_weights(
    node: layers.Synapse,
    integers: npt.NDArray[np.generic],
    steps: Reals,
    loss: Reals,
    by_channel: bool,
    bits: int,
    *,
    trained: bool = False,
) -> Iterator[Finding]:
    """Channels whose weights became 0, where that can be seen behind them.

    Args:
        node: the synapse with its real weights [O, ...]. integers: what became of them.
        steps: the real weight that one integer stands for, [1] or [O].
        loss: [O], the largest change of the channel's output that what became 0 can make, in units that its reader tells.
        by_channel: whether the layer could have a scale per channel. bits: width of a weight.
        trained: whether training went through these integers, at a scale that was chosen before it.
    """
    lost = np.flatnonzero(emptied(node, integers) & (loss > VISIBLE))
    if not len(lost):
        return
    given, kept = _nonzero(node.weight), _nonzero(integers)
    largest = np.abs(node.weight.reshape(len(given), -1)).max(1)
    outlier = int(largest.argmax())
    more = "" if len(lost) <= SHOWN else ", ..."
    named = ", ".join(map(str, lost[:SHOWN].tolist())) + more
    total = (int((given - np.minimum(kept, given)).sum()), int(given.sum()))
    own = len(steps) > 1 or not by_channel
    if trained:
        scales = "" if own else ' or scales="channel"'
        remedy = f"{TRAINED_SO}; else train with less weight decay, or prepare the float model with more weight bits{scales}"
    elif own:
        remedy = "use more weight bits (--weight-bits), or train with weights of similar size in all channels"
    else:
        remedy = 'compile with scales="channel" (--scales channel), use more weight bits, or train without the outlier'
    first = int(lost[0])
    least = f"{bits} bits hold no weight below {steps[first if len(steps) > 1 else 0] / 2:.3g}"
    yield Finding(
        "quantisation sets the weights of whole channels to 0",
        node.source or node.name,
        f"{len(lost)} of {len(given)} channels ({named}); {total[0]} of {total[1]} weights became 0",
        (
            f"at the scale that `prepare` chose {least}"
            if trained
            else f"the largest weight is {largest[outlier]:g}, in channel {outlier}; beside it {least}"
        )
        + f", and the largest of channel {first} is {largest[first]:.3g}",
        remedy,
    )


def lost_constants(node: real.Node, lost: int, unit: float) -> LostConstant:
    """Constants of a forward that are smaller than half a unit of the value that they are added to.

    Args:
        node: the layer that adds them. lost: how many channels. unit: the real value of one integer.
    """
    return LostConstant(
        "the constants that are added to whole channels become 0",
        node.source or node.name,
        f"{lost} of {node.shape[0]} channels",
        f"one unit of the value that they are added to is {unit:.3g}, and they are below half of it",
        "use larger constants, or add them to the sums of a layer, whose bias takes them",
    )


def zeroed(node: layers.Synapse, integers: npt.NDArray[np.generic], unit: float) -> Reals:
    """Per channel, the largest change that the weights which became 0 can make, for inputs up to `unit` in magnitude.

    Args:
        node: the synapse with its real weights [O, ...]. integers: what became of them, same shape.
    """
    gone = np.where((integers == 0) & (node.weight != 0), np.abs(node.weight), 0.0)
    found: Reals = gone.reshape(len(gone), -1).sum(1) * unit
    return found


def silent(node: real.Neuron, highest: float, threshold: float) -> Finding:
    """A layer that cannot fire, whatever enters.

    Args:
        node: the layer. highest: the largest membrane that it reaches. threshold: its lowest, in the same
            real units.
    """
    above = threshold > node.state_range[1]
    return Finding(
        SILENT,
        node.source or node.name,
        f"its membrane reaches at most {highest:g}, its threshold is {threshold:g}",
        f"the threshold is above the state range, whose upper bound is {node.state_range[1]:g}"
        if above
        else "neither its state nor the largest synaptic input reaches the threshold",
        "use a larger state_range or a smaller threshold" if above else "use a smaller threshold, or larger weights before it",
    )


def silent_equation(node: real.EquationNeuron) -> Finding:
    """A layer that a user wrote and that cannot fire, whatever enters."""
    return Finding(
        SILENT,
        node.source or node.name,
        f"the spikes of {node.equation.kind}.step are 0 for every state and every synaptic input",
        "what it compares with its thresholds does not reach them, or lies outside the range of a state",
        "use smaller thresholds, a larger range of the state, or larger weights before it",
    )


def changed_negatives(
    node: real.Neuron, negatives: Sequence[float], program: Program, *, learned: bool = False
) -> Iterator[Finding]:
    """Amplitudes of negative spikes that become 0 in integers, or that rounding moves by more than a quarter.

    Args:
        node: the layer. negatives: the amplitudes as given or learned, one for each level; none where all are 1.
        program: the layer's program, whose constants are what is sent. learned: whether training found them.
    """
    firing = program.roles.firing if program.roles else None
    constants = [program.by_name[s.negative] for s in (firing.spikes if firing else ()) if s.negative is not None]
    if not negatives or not constants:
        return
    sent = [values_of(i)[0] * 2.0**-i.format.frac for i in constants]
    said = f"amplitudes {_listed(negatives)} of negative spikes"
    unit = f"one unit of an 8-bit spike value that holds the positive ones, too, is {2.0 ** -constants[0].format.frac:g}"
    both = list(zip(negatives, sent, strict=True))
    if any(a != 0 and b == 0 for a, b in both):
        given = "a larger one, or learn it (learn_negative_amplitude=True)"
        found = "fewer levels, whose unit is finer, or train on from a larger one"
        remedy = f"use negative_amplitude=0 if that is meant, else {found if learned else given}"
        yield Finding("negative spikes send nothing: their amplitude becomes 0", node.source or node.name, said, unit, remedy)
    elif any(abs(b - a) > MOVED * abs(a) for a, b in both):
        what = f"rounding moves the amplitude of negative spikes by more than {MOVED:.0%}"
        remedy = f"{TRAINED_SO if learned else 'use a multiple of that unit'}; else use fewer levels, whose unit is finer"
        yield Finding(what, node.source or node.name, f"{said} become {_listed(sent)}", unit, remedy)


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{v:.3g}" for v in values)


def coarse_head(node: real.Neuron, errors: Reals) -> Finding:
    """A synaptic input that reaches the state with an error of several of its units."""
    worst = int(errors.argmax())
    return Finding(
        "the synaptic input reaches the state with an error that the state can tell",
        node.source or node.name,
        f"{errors[worst]:.1f} state LSB in channel {worst}, "
        f"{int((errors > HEAD_LSB).sum())} of {len(errors)} channels above {HEAD_LSB:g}",
        "the target's accumulator has no room for a factor that is precise enough for every channel",
        'use fewer state bits (--state-bits), scales="layer", or a target with a wider accumulator',
    )
