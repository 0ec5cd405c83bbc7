"""Driving our two ONNX graphs: the step graph for traces, the sequence graph for the readout. Shared by all ONNX executors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.formats.onnx.write_layers import value_name
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.onnx_terms import payload_dtype, state_dtype, state_name
from snn2hw.ir.program import initial_value
from snn2hw.trace import Ints, Trace

Array = npt.NDArray[Any]
Session = Callable[[Mapping[str, Array]], dict[str, Array]]  # inputs by name -> outputs by name


def run_onnx(artefact: Artefact, payloads: Ints, traces: bool, open_session: Callable[[bytes], Session]) -> Trace:
    """The readout from model.onnx as a user would run it; spikes and states, where asked for, from step.onnx.

    Args:
        artefact: with the bytes of model.onnx and step.onnx. payloads: [T, N, ...].
        traces: whether spikes and states are wanted.
        open_session: makes of such bytes what maps inputs to outputs, arrays by name.
    """
    net = artefact.network
    x = _as_input(net, payloads)
    readout = open_session(artefact.model)({"x": x})["readout"].astype(np.int64)
    if not traces:
        return Trace(readout)
    spikes, states = _steps(net, x, open_session(artefact.step))
    return Trace(readout, spikes, states)


def _as_input(net: IntegerNetwork, payloads: Ints) -> Array:
    return payloads.astype(payload_dtype(net.input.format))


def _steps(net: IntegerNetwork, x: Array, session: Session) -> tuple[dict[str, Ints], dict[str, Ints]]:
    samples = x.shape[1]
    states = {(n.name, s): i for n in net.neurons for s, i in n.program.states.items()}
    shapes = {n.name: n.shape for n in net.neurons}
    held = {value_name(n): np.zeros((samples, *n.shape), np.int32) for n in net.feedbacks}
    for (layer, s), i in states.items():
        start = np.full((samples, *shapes[layer]), initial_value(i), state_dtype(i.format))
        held[f"state/{state_name(layer, s)}"] = start
    spikes: dict[str, list[Array]] = {n.name: [] for n in net.neurons}
    history: dict[str, list[Array]] = {f"{layer}.{s}": [] for layer, s in states}
    for frame in x:
        outputs = session({"x": frame, **held})
        held = {name: outputs[f"next/{name.removeprefix('state/')}"] for name in held}
        for n in net.neurons:
            spikes[n.name].append(outputs[value_name(n)])
        for layer, s in states:
            history[f"{layer}.{s}"].append(held[f"state/{state_name(layer, s)}"])
    return _stacked(spikes), _stacked(history)


def _stacked(lists: dict[str, list[Array]]) -> dict[str, Ints]:
    return {name: np.stack(values).astype(np.int64) for name, values in lists.items()}
