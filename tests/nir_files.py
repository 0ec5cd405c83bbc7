"""Small NIR files, and what a float network does layer by layer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.formats.nir.presets import PRESETS
from snn2hw.ir.network import EquationNeuron, Network, Neuron, Node
from snn2hw.ir.real import neuron_step, run_real
from snn2hw.neurons import in_numpy

STATED = {name: replace(c, unsaid=()) for name, c in PRESETS.items()}  # nothing is left to be warned of


def graph(*nodes: Any, shape: Sequence[int], out: Sequence[int]) -> Any:
    """A chain: Input, the nodes as '0', '1', ..., Output."""
    import nir

    named = {"input": nir.Input(np.array(shape)), **{str(i): n for i, n in enumerate(nodes)}, "output": nir.Output(np.array(out))}
    names = list(named)
    return nir.NIRGraph(named, list(itertools.pairwise(names)), type_check=False)


def write(path: Path, made: Any) -> Path:
    import nir

    nir.write(path, made)
    return path


def lif(n: int | tuple[int, ...], **given: Any) -> Any:
    """A LIF with tau 0.002, r 1, threshold 1, where nothing else is given: one value or an array."""
    import nir

    values = {"tau": 2e-3, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, **given}
    return nir.LIF(**{k: np.broadcast_to(np.asarray(v, np.float64), n).copy() for k, v in values.items()})


def integrator(n: int | tuple[int, ...], **given: Any) -> Any:
    import nir

    values = {"r": 1.0, "v_threshold": 1.0, "v_reset": 0.0, **given}
    return nir.IF(**{k: np.broadcast_to(np.asarray(v, np.float64), n).copy() for k, v in values.items()})


def cuba_lif(n: int | tuple[int, ...], **given: Any) -> Any:
    """A CubaLIF with tau_mem 0.004, tau_syn 0.002, r 1, w_in 1, threshold 1, where nothing else is given."""
    import nir

    values = {"tau_mem": 4e-3, "tau_syn": 2e-3, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, "w_in": 1.0, **given}
    return nir.CubaLIF(**{k: np.broadcast_to(np.asarray(v, np.float64), n).copy() for k, v in values.items()})


def looped(neuron: Any, weight: Any = None, back: Any = None) -> Any:
    """Input -> '0' -> the neuron '1' -> Output, and from it through '2' back to it."""
    import nir

    n = len(neuron.v_threshold)
    nodes = {"input": nir.Input(np.array([n if weight is None else np.shape(weight)[1]]))}
    nodes |= {"0": affine(np.eye(n) if weight is None else weight), "1": neuron}
    nodes |= {"2": nir.Linear(np.eye(n) if back is None else back), "output": nir.Output(np.array([n]))}
    edges = [("input", "0"), ("0", "1"), ("1", "output"), ("1", "2"), ("2", "1")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def affine(weight: Any, bias: Any = None) -> Any:
    import nir

    weight = np.asarray(weight, np.float64)
    return nir.Affine(weight, np.zeros(len(weight)) if bias is None else np.asarray(bias, np.float64))


def conv2d(
    size: tuple[int, int], weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    import nir

    bias = np.zeros(len(weight)) if bias is None else bias
    return nir.Conv2d(size, weight, stride, padding, dilation, groups, bias)


def run_layers(net: Network, x: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(spikes, membranes after the reset) [T, N, ...] of every neuron layer on samples [T, N, ...]."""
    spikes: dict[str, list[Any]] = {}
    membranes: dict[str, list[Any]] = {}
    states: dict[str, dict[str, Any]] = {}

    def observe(node: Node, inputs: Sequence[Any], value: Any) -> None:
        if isinstance(node, EquationNeuron):
            start = states.get(node.name) or in_numpy.initial(node.equation, value.shape)
            states[node.name] = in_numpy.step(node.equation, node.parameters, start, inputs[0])[1]
            membranes.setdefault(node.name, [np.zeros_like(value)]).append(states[node.name]["u"])
            spikes.setdefault(node.name, []).append(value)
        elif isinstance(node, Neuron):
            before = membranes.setdefault(node.name, [np.zeros_like(value)])
            before.append(neuron_step(node, before[-1], inputs[0])[1])
            spikes.setdefault(node.name, []).append(value)

    run_real(net, np.asarray(x, np.float64), observe)
    return {k: np.stack(v) for k, v in spikes.items()}, {k: np.stack(v[1:]) for k, v in membranes.items()}
