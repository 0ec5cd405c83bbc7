"""The short form of an evaluation, on the samples of calibration: made with every compilation that has the float network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.reference import Reference, interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network
from snn2hw.passes.calibrate import Calibrate, bytes_of_sample, spread
from snn2hw.passes.findings import Finding
from snn2hw.verification.accuracy import Evaluation, evaluated
from snn2hw.verification.agreement import Tally
from snn2hw.verification.losses import losses
from snn2hw.verification.verdict import batch_size

# At most, so that a compilation takes only a little longer; values are those of all neurons at all steps.
SAMPLES, PRODUCTS, VALUES = 32, 1 << 32, 1 << 21
DIGITS = 6  # of a number in the manifest: further ones may be those of a machine


def short_form(
    real: Network, net: IntegerNetwork, scale: float, sample: npt.NDArray[Any], known: Collection[Finding] = ()
) -> Evaluation:
    """The integers beside the float network, on up to 32 samples spread over those of calibration, fewer of a large network.

    Args:
        real: as it was read. net: what became of it. scale: the real value of one unit of the readout.
        sample: [N, ...], or [T, N, ...] where the input is temporal. known: what the passes have found.
    """
    axis = 0 if net.input.static else 1
    shown = affordable(real, net, sample.shape[axis])
    x = np.take(sample, spread(shown, sample.shape[axis]), axis)
    tally, size = Tally(net, real, scale), min(batch_size(net), max(1, Calibrate().memory // bytes_of_sample(real)))
    for start in range(0, shown, size):
        some = x[(slice(None),) * axis + (slice(start, start + size),)]
        payloads = encode(net, some)
        tally.add(some, payloads, interpret(net, payloads))
    found = evaluated(tally, Reference.name, net.readout.places)
    return replace(found, findings=losses(found, net, known))


def affordable(real: Network, net: IntegerNetwork, samples: int) -> int:
    """How many samples both networks run in a few seconds where NumPy runs them.

    Args:
        real, net: the networks. samples: how many there are.
    """
    few = min(SAMPLES, max(1, VALUES // max(1, net.steps * sum(prod(n.shape) for n in net.neurons))))
    return Calibrate(samples=few, products=PRODUCTS).shown(real, samples)


def for_manifest(found: Evaluation) -> dict[str, Any]:
    """What the manifest keeps of it; the findings stand among its warnings."""
    layers = {name: _rounded({**asdict(layer), "dead": layer.dead}) for name, layer in found.layers.items()}
    figures = {name: getattr(found, name) for name in ("samples", "same_prediction", "readout_error", "readout_size")}
    return {**_rounded(figures), "first_unexplained": found.first_unexplained, "layers": layers}


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    known = {k: v for k, v in values.items() if v is not None}
    return {k: float(f"{v:.{DIGITS}g}") if isinstance(v, float) else v for k, v in known.items()}
