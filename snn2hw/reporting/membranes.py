"""States of a few neurons step by step, of the integers and of the float model, and how far all of a layer are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.ir.network import EquationNeuron, Network, Neuron, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.reporting.digits import DRAWN, EVERY, significant
from snn2hw.trace import Ints, Trace
from snn2hw.verification.beside import Beside

MOST_STEPS = 512
MEMBRANES = 4  # neurons of a layer whose membrane is drawn


@dataclass(frozen=True, eq=False)
class FloatRun:
    """What the float network by itself does on a sample.

    Args:
        spikes: by node [T, 1, ...]. states: by neuron layer and by state of its equation [T, 1, ...], after each step.
    """

    spikes: Mapping[str, Reals]
    states: Mapping[str, Mapping[str, Reals]]


def float_run(real: Network, x: npt.NDArray[Any]) -> FloatRun:
    """Run one sample. Args: real: the float network. x: the sample as it takes it."""
    spikes: dict[str, list[Reals]] = {}
    states: dict[str, dict[str, list[Reals]]] = {}

    def keep(node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        spikes.setdefault(node.name, []).append(value)

    def after(node: Neuron | EquationNeuron, held: Mapping[str, Reals]) -> None:
        for name, value in held.items():
            states.setdefault(node.name, {}).setdefault(name, []).append(value)

    run_real(real, np.asarray(x, np.float64), keep, after=after)
    stacked = {name: {state: np.stack(values) for state, values in each.items()} for name, each in states.items()}
    return FloatRun({name: np.stack(values) for name, values in spikes.items()}, stacked)


def membranes(beside: Beside, trace: Trace, floats: FloatRun | None, fired: Ints, differs: npt.NDArray[np.bool_] | None) -> Any:
    """States in real units after each step: of the neurons that fire most and, beside a float model, of the one farthest from it.

    Args:
        beside: the layer. trace: of the integers. floats: the float model's run, where there is one.
        fired: [T, neurons] of the integers. differs: [T, neurons] where the float model fired otherwise.

    Returns:
        `neurons`, each with its `states`, those of the `float` model, how many units of the state the integers are `off`, and the
        steps in which it `fired` and `differs`; and `apart`, of each state over all neurons, in units of the state.
    """
    node = beside.node
    points = {name: 2.0**-state.format.frac for name, state in node.program.states.items()}
    raw = {name: trace.states[f"{node.name}.{name}"][:MOST_STEPS, 0].reshape(len(fired), -1) for name in points}
    given = {} if floats is None else floats.states.get(node.name, {})
    real = {beside.states[name]: values[:MOST_STEPS, 0].reshape(len(fired), -1) for name, values in given.items()}
    off = {name: raw[name] - real[name] / points[name] for name in real}
    found = []
    for neuron in _shown(fired, off):
        found.append({
            "neuron": neuron, "states": {name: significant(raw[name][:, neuron] * points[name], EVERY) for name in raw},
            "float": {name: significant(real[name][:, neuron], EVERY) for name in real},
            "off": {name: significant(off[name][:, neuron], DRAWN) for name in real},
            "fired": np.flatnonzero(fired[:, neuron]).tolist(),
            "differs": [] if differs is None else np.flatnonzero(differs[:, neuron]).tolist(),
        })  # fmt: skip
    return {"neurons": found, "apart": {name: _apart(values) for name, values in off.items()}}


def _shown(fired: Ints, off: Mapping[str, Reals]) -> list[int]:
    """Which neurons: those that fire most, the last of which gives way to the one that is farthest off."""
    busy: list[int] = np.argsort(-np.count_nonzero(fired, axis=0), kind="stable")[:MEMBRANES].tolist()
    if not off:
        return busy
    farthest = int(np.max([np.abs(values).max(0) for values in off.values()], axis=0).argmax())
    return busy if farthest in busy else [*busy[: MEMBRANES - 1], farthest]


def _apart(off: Reals) -> dict[str, Any]:
    """How far all neurons are off: in the mean and at most, units of the state, and where that is."""
    step, neuron = np.unravel_index(int(np.abs(off).argmax()), off.shape)
    mean, most = significant([np.abs(off).mean(), np.abs(off).max()], DRAWN)
    return {"mean": mean, "most": most, "step": int(step), "neuron": int(neuron)}
