"""The float network and the integers, which differ by rounding, are measured against each other; equality is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.ir.network import Reals
from snn2hw.passes.findings import Finding
from snn2hw.shown import brief
from snn2hw.trace import Ints
from snn2hw.verification.agreement import Counted, Tally


@dataclass(frozen=True)
class LayerEvaluation:
    """One neuron layer on the samples: shares are of all its neurons at all steps of all samples.

    What needs the float network is None where there is none at hand, or no layer of this name in it.

    Args:
        values: their number.
        rate, float_rate: share of the values that are not 0, of the integers and of the float network.
        spike_mismatch, mismatches: share and number of the integers' values that differ from the float network's. What an
            earlier layer did is in it.
        own_mismatch, own_mismatches: the same of the float layer given what the integers fired before it at every step,
            with float states of its own: what begins in this layer. own_rate: its share of values that are not 0.
        unexplained: how many values still differ when the float layer has the integers' state before the step as well, and
            no comparison in it is as close as the rounding of the layer's weights, and 4 units of its state, may take it.
        sum_error: root mean square of what the rounding of weights and biases changes in the layer's synaptic input,
            relative to the input itself.
        saturation: share of the values at which a bound of the state range held the membrane back, but for a bound at
            which it rests; float_saturation: the same of the equation, from the integers' states.
        dead: the integers fire nothing. died: and the float network does.
    """

    values: int
    rate: float
    saturation: float
    float_rate: float | None = None
    own_rate: float | None = None
    spike_mismatch: float | None = None
    mismatches: int | None = None
    own_mismatch: float | None = None
    own_mismatches: int | None = None
    unexplained: int | None = None
    sum_error: float | None = None
    float_saturation: float | None = None

    __repr__ = brief

    @property
    def dead(self) -> bool:
        """Whether the integers fire nothing."""
        return self.rate == 0

    @property
    def died(self) -> bool:
        """Whether the integers fire nothing where the float network fires."""
        return self.dead and bool(self.float_rate)


@dataclass(frozen=True)
class Evaluation:
    """How far the integers are from the labels, and from the float network. Not an equivalence.

    What needs labels or the float network is None without them.

    Args:
        samples, steps: how many. executor: which one ran the integers.
        layers: of every neuron layer, by name.
        accuracy, float_accuracy: share of the samples whose largest readout is at their label.
        mean_squared_error, float_mean_squared_error: over samples and outputs, of (readout * scale - label) in real units,
            where labels are real numbers.
        same_prediction: share of the samples for which both networks predict the same, of every output with more than one
            value; None where no output has.
        readout_error: root mean square of the difference of both readouts, in the readout's real units; readout_size: of the
            float readout itself.
        scale: the real value of one unit of the readout.
        findings: what was lost, as warnings say it.
    """

    samples: int
    steps: int
    executor: str
    scale: float
    layers: Mapping[str, LayerEvaluation]
    accuracy: float | None = None
    float_accuracy: float | None = None
    mean_squared_error: float | None = None
    float_mean_squared_error: float | None = None
    same_prediction: float | None = None
    readout_error: float | None = None
    readout_size: float | None = None
    findings: tuple[Finding, ...] = ()

    __repr__ = brief

    @property
    def first_unexplained(self) -> str | None:
        """The first layer with a difference that its own rounding does not explain."""
        return next((name for name, layer in self.layers.items() if layer.unexplained), None)

    def to_document(self) -> dict[str, Any]:
        """All of it as numbers, texts, lists and dictionaries, for JSON; what is None is left out."""
        said = {k: v for k, v in asdict(self).items() if v is not None and k != "layers"}
        layers = {name: {**_known(layer), "dead": layer.dead} for name, layer in self.layers.items()}
        first = self.first_unexplained
        return {**said, "findings": [asdict(f) for f in self.findings], "layers": layers, "first_unexplained": first}


def _known(layer: LayerEvaluation) -> dict[str, Any]:
    return {k: v for k, v in asdict(layer).items() if v is not None}


@dataclass(frozen=True)
class Truth:
    """What the readout should be.

    Args:
        classes: whole numbers [N]; None where there are `values`, real numbers [N, outputs].
        chosen: which values of the readout are meant.
    """

    classes: Ints | None
    values: Reals | None
    chosen: slice

    def right(self, readout: npt.NDArray[Any], some: slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Of which samples the largest readout is at their class.

        Args:
            readout: [n, ...] of these samples, all of it. some: which samples they are.
        """
        assert self.classes is not None
        found: npt.NDArray[np.bool_] = readout[:, self.chosen].argmax(1) == self.classes[some]
        return found


def evaluated(tally: Tally, executor: str, outputs: Mapping[str, slice], truth: Truth | None = None) -> Evaluation:
    """What a tally says.

    Args:
        tally: of all samples. executor: name of the one that ran.
        outputs: which values of the readout each output that is asked for has. truth: of the samples; None: unknown.
    """
    readout = np.concatenate(tally.readouts)
    floats = np.concatenate(tally.float_readouts) if tally.float_readouts else None
    layers = {name: _layer(tally, name, counted) for name, counted in tally.layers.items()}
    found: dict[str, Any] = {} if floats is None else _alike(readout, floats, outputs)
    if truth is not None:
        for prefix, each in (("", readout), ("float_", floats)):
            found |= {} if each is None else {prefix + k: v for k, v in _scored(each, truth).items()}
    return Evaluation(len(readout), tally.net.steps, executor, tally.scale, layers, **found)


def _layer(tally: Tally, name: str, c: Counted) -> LayerEvaluation:
    layer = tally.watched[name]
    alone = LayerEvaluation(c.values, c.fired / c.values, c.held_back / c.values)
    if layer.real is None:
        return alone
    tells = layer.tells
    return replace(
        alone,
        float_rate=c.float_fired / c.values,
        own_rate=c.own_fired / c.values,
        spike_mismatch=c.mismatches / c.values if tells else None,
        mismatches=c.mismatches if tells else None,
        own_mismatch=c.own_mismatches / c.values if tells else None,
        own_mismatches=c.own_mismatches if tells else None,
        unexplained=c.unexplained if tells and layer.scale is not None else None,
        sum_error=float(np.sqrt(c.lost / c.entered)) if c.entered else None,
        float_saturation=None if layer.equation is None else c.float_held_back / c.values,
    )


def _alike(readout: Reals, floats: Reals, outputs: Mapping[str, slice]) -> dict[str, float | None]:
    chosen = [(readout[:, s], floats[:, s]) for s in outputs.values()]
    same = [a.argmax(1) == b.argmax(1) for a, b in chosen if a.shape[1] > 1]
    return {
        "same_prediction": float(np.all(same, axis=0).mean()) if same else None,
        "readout_error": _root_mean_square(np.concatenate([(a - b).ravel() for a, b in chosen])),
        "readout_size": _root_mean_square(np.concatenate([b.ravel() for _, b in chosen])),
    }


def _root_mean_square(values: Reals) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _scored(readout: Reals, truth: Truth) -> dict[str, float]:
    if truth.classes is not None:
        return {"accuracy": float(truth.right(readout).mean())}
    assert truth.values is not None
    return {"mean_squared_error": float(np.mean((readout[:, truth.chosen] - truth.values) ** 2))}
