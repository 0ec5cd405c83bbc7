"""LIF networks of a NIR file in Loihi's integers, by the scheme with which the NIR paper took its file to a Loihi 2 chip.

    dv = int(dt/tau * 4095)    du = 4095    vth = int(v_threshold * 131071) >> 9    weight = int(w * dt/tau * 256)

Weights and threshold are both in units of 1/256 so; all `int` are toward zero, in the file's own float32.
Source: NIR repository, paper/01_lif/lif_sim_lava.ipynb (commit 54180819), which has w = 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.errors import UnsupportedError, UsageError
from snn2hw.formats.nir.file import NirNode, read_nir
from snn2hw.formats.nir.parameters import array, sizes
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.loihi import ALIGN_BITS, loihi_lif, widest_input
from snn2hw.ir.program import SPIKES
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.layers import IntLinear
from snn2hw.num import Format, Interval

CHIP_DT = 1e-4


def lava_integers(path: str | Path, steps: int, dt: float = CHIP_DT) -> IntegerNetwork:
    """Input, then Affine or Linear and LIF in turn, then Output, in the chip's integers.

    Loihi takes one step from layer to layer; here a step evaluates the whole graph, so layer k of the chip at step t is this
    network's at step t - k.

    Args:
        path: of the .nir file.
        steps: T of a sample, whose events [T, N, inputs] are 0 or 1.
        dt: seconds of a step.

    Raises:
        Snn2hwError: a file that cannot be read, or that asks for what the scheme does not have.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError(
            "steps is no number of steps",
            where=str(path),
            got=repr(steps),
            expected="1, 2, 3, ...",
            do="give the number of steps that the network runs for",
        )
    first, *others, last = read_nir(Path(path))
    events = Interval(0, 1)
    shape = sizes(first, "input_type")
    nodes: list[IntNode] = [IntInput("input", (), shape, Format.holding(events, 0), events, 1.0, False, True, source=first.where)]
    if len(others) % 2 or not others:
        raise _refused(last, f"{len(others)} nodes before it", "pairs of a synapse and a LIF")
    for synapse, neuron in zip(others[::2], others[1::2], strict=True):
        _layer(nodes, synapse, neuron, dt)
    end = nodes[-1]
    nodes.append(IntReadout("readout", (end.name,), end.shape, end.format, end.interval, source=last.where))
    net = IntegerNetwork(steps, "loihi2", tuple(nodes))
    check_integer(net)
    return net


def _layer(nodes: list[IntNode], synapse: NirNode, neuron: NirNode, dt: float) -> None:
    if synapse.kind not in ("Affine", "Linear") or len(synapse.sources) != 1:
        raise _refused(synapse, synapse.kind, "Affine or Linear, entered by one edge")
    if neuron.kind != "LIF" or neuron.sources != (synapse.name,):
        raise _refused(neuron, f"{neuron.kind} behind {', '.join(neuron.sources)}", f"a LIF behind '{synapse.name}'")
    bias = array(synapse, "bias", 1) if synapse.kind == "Affine" else np.zeros(1)
    if bias.any():
        raise _refused(synapse, "a bias that is not 0", "no bias")
    tau, threshold = _one(neuron, "tau"), _one(neuron, "v_threshold")
    for name, neutral in (("r", 1.0), ("v_leak", 0.0), ("v_reset", 0.0)):
        if _one(neuron, name) != neutral:
            raise _refused(neuron, f"{name} = {_one(neuron, name):g}", f"{name} = {neutral:g}")
    rate = np.float32(dt) / tau
    weight = np.trunc(array(synapse, "weight", 2) * np.float64(rate) * 256)
    if np.abs(weight).max() > 127 or (weight.min() < 0 < weight.max()):
        raise _refused(
            synapse,
            f"integer weights from {weight.min():g} to {weight.max():g}",
            "one sign and at most 127, as a Dense of Lava keeps",
        )
    entering = nodes[-1]
    integers, zeros = weight.astype(np.int8), np.zeros(len(weight), np.int32)
    draft = IntLinear(synapse.name, (entering.name,), (), Format(1, 0), Interval(0, 0), integers, zeros, source=synapse.where)
    shape, sums = draft.output_shape([entering.shape]), draft.sum_interval(entering.interval)
    point = Format.holding(sums, -ALIGN_BITS)
    nodes.append(IntLinear(synapse.name, draft.inputs, shape, point, sums, integers, zeros, source=synapse.where))
    program = loihi_lif(4095, int(rate * 4095), int(threshold * 131071) >> 9, input_bits=widest_input(sums))
    fired = ranges(program)[program.outputs[SPIKES].name]
    nodes.append(IntNeuron(neuron.name, (synapse.name,), shape, program.payload, fired, source=neuron.where, program=program))


def _one(node: NirNode, name: str) -> Any:
    """A parameter that is one number for the layer, in float32 as the file has it."""
    values = np.unique(np.asarray(getattr(node.content, name), np.float32))
    if values.size != 1:
        raise _refused(node, f"{values.size} different values of {name}", "one for the layer")
    return values[0]


def _refused(node: NirNode, got: str, expected: str) -> UnsupportedError:
    return UnsupportedError(
        "the chip's scheme for NIR does not have this",
        where=node.where,
        got=got,
        expected=expected,
        do="read the file as real numbers, with from_nir and a convention",
    )
