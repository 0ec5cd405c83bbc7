"""Driving our two ONNX graphs: the step graph for traces, the sequence graph for the readout. Shared by all ONNX executors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.export.onnx_layers import value_name
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.onnx_terms import payload_dtype, state_dtype
from snn2hw.ir.program import initial_value
from snn2hw.trace import Ints, Trace

Array = npt.NDArray[Any]
Session = Callable[[Mapping[str, Array]], dict[str, Array]]  # inputs by name -> outputs by name


def run_onnx(artefact: Artefact, payloads: Ints, traces: bool, open_session: Callable[[bytes], Session]) -> Trace:
    """The readout from model.onnx as a user would run it; spikes and states, where asked for, from step.onnx."""
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
    states = _initial(net, x.shape[1])
    held = {value_name(n): np.zeros((x.shape[1], *n.shape), np.int32) for n in net.feedbacks}
    spikes: dict[str, list[Array]] = {n.name: [] for n in net.neurons}
    history: dict[str, list[Array]] = {name: [] for name in states}
    for frame in x:
        outputs = session({"x": frame, **{f"state/{k}": v for k, v in states.items()}, **held})
        held = {name: outputs[f"next/{name}"] for name in held}
        states = {name: outputs[f"next/{name}"] for name in states}
        for name, values in spikes.items():
            values.append(outputs[f"spikes/{name}"])
        for name, values in history.items():
            values.append(states[name])
    return _stacked(spikes), _stacked(history)


def _initial(net: IntegerNetwork, samples: int) -> dict[str, Array]:
    initial = {}
    for n in net.neurons:
        for name, state in n.program.states.items():
            dtype = state_dtype(state.format)
            initial[f"{n.name}.{name}"] = np.full((samples, *n.shape), initial_value(state), dtype)
    return initial


def _stacked(lists: dict[str, list[Array]]) -> dict[str, Ints]:
    return {name: np.stack(values).astype(np.int64) for name, values in lists.items()}
