"""One random program, everywhere: Python integers against every executor, from a pasteable reproducer on failure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.onnx import reference as onnx_reference
from snn2hw.backends.onnx import runtime as onnxruntime
from snn2hw.backends.reference import step
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntReadout
from snn2hw.ir.program import Program, declared_interval, initial_value
from snn2hw.ir.program_text import program_from_text, program_to_text
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.layers import IntFlatten
from snn2hw.num import Interval
from snn2hw.store import make_artefact

Ints = npt.NDArray[np.int64]
STEPS, SAMPLES = 3, 8
OPENERS = {"onnxruntime": onnxruntime._open, "onnx-reference": onnx_reference._open}


def network_of(program: Program) -> IntegerNetwork:
    """input -> the program -> flatten -> readout; two neurons in every channel."""
    payload = program.outputs["spikes"]
    shape = (program.channels, 2)
    x, y = declared_interval(program.input), ranges(program)[payload.name]
    source = IntInput("x", (), shape, program.input.format, x, unit=1.0, static=False, counts=True)
    neuron = IntNeuron("n", ("x",), shape, payload.format, y, program=program)
    flat = IntFlatten("f", ("n",), (2 * program.channels,), payload.format, y)
    readout = IntReadout("out", ("f",), flat.shape, payload.format, y)
    net = IntegerNetwork(STEPS, "generic", (source, neuron, flat, readout))
    check_integer(net)
    return net


def draws(interval: Interval, rng: np.random.Generator, shape: tuple[int, ...]) -> Ints:
    """Integers of the interval; its ends, zero, and places next to powers of two come often."""
    ends = [interval.lo, interval.hi, interval.lo + 1, interval.hi - 1, 0, 1, -1]
    ends += [s * ((1 << k) + d) for k in (7, 15, 16, 23, 24, 31) for d in (-1, 0, 1) for s in (1, -1)]
    ends = [e for e in ends if e in interval]
    anywhere = rng.integers(interval.lo, interval.hi, shape, endpoint=True)
    return np.where(rng.random(shape) < 0.5, rng.choice(np.array(ends, np.int64), shape), anywhere)


def stimuli(program: Program, seed: int) -> tuple[Ints, dict[str, Ints]]:
    """Payloads [T, N, C, 2], and states [N, C, 2] for one step from anywhere; the first samples take every corner of two."""
    rng = np.random.default_rng(seed)
    shape = (SAMPLES, program.channels, 2)
    x = declared_interval(program.input)
    payloads = draws(x, rng, (STEPS, *shape))
    payloads[:, :4] = np.array([x.lo, x.hi, x.lo, x.hi])[None, :, None, None]
    states = {}
    for name, state in program.states.items():
        declared = declared_interval(state)
        states[name] = draws(declared, rng, shape)
        states[name][:4] = np.array([declared.lo, declared.lo, declared.hi, declared.hi])[:, None, None]
    return payloads, states


def law_step(program: Program, x: Ints, states: Mapping[str, Ints]) -> dict[str, Ints]:
    """'spikes' and every next state of one step, neuron by neuron, on Python integers."""
    results = {to: np.zeros(x.shape, np.int64) for to in program.outputs}
    for place in np.ndindex(x.shape):
        here = {name: int(value[place]) for name, value in states.items()}
        values = evaluate_scalar(program, int(x[place]), here, channel=place[1])
        for to, output in program.outputs.items():
            results[to][place] = values[output.name]
    return results


def law_trace(program: Program, payloads: Ints) -> dict[str, Ints]:
    """The trace of `network_of(program)` by Python integers, in the names of Trace.arrays()."""
    states = {name: np.full(payloads.shape[1:], initial_value(s), np.int64) for name, s in program.states.items()}
    history: list[dict[str, Ints]] = []
    for x in payloads:
        results = law_step(program, x, states)
        states = {name: results[name] for name in states}
        history.append(results)
    spikes = np.stack([h["spikes"] for h in history])
    next_states = {f"states/n.{s}": np.stack([h[s] for h in history]) for s in states}
    return {"readout": spikes.sum(0).reshape(payloads.shape[1], -1), "spikes/n": spikes, **next_states}


def one_step(name: str, artefact: Artefact, x: Ints, states: Mapping[str, Ints]) -> dict[str, Ints]:
    """One step of the program by an executor, from the given states."""
    program = artefact.network.neurons[0].program
    if name in OPENERS:
        types = _types(artefact.step)
        feeds: dict[str, Any] = {"x": x.astype(types["x"])}
        feeds |= {f"state/n.{s}": v.astype(types[f"state/n.{s}"]) for s, v in states.items()}
        outputs = OPENERS[name](artefact.step)(feeds)
        return {"spikes": outputs["spikes/n"], **{s: outputs[f"next/n.{s}"] for s in states}}
    if name == "torch":
        import torch

        from snn2hw.backends.torch.program import step as torch_step

        spikes, after = torch_step(program, torch.as_tensor(x), {s: torch.as_tensor(v) for s, v in states.items()})
        return {"spikes": spikes.numpy(), **{s: v.numpy() for s, v in after.items()}}
    payload, following = step(program, x, states)
    return {"spikes": payload, **following}


@lru_cache(maxsize=1)
def _types(step_graph: bytes) -> dict[str, Any]:
    """The type that the step graph declares for each of its inputs."""
    import onnx

    inputs = onnx.load_model_from_string(step_graph).graph.input
    return {i.name: onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type) for i in inputs}


def check(program: Program, payloads: Any, states: Mapping[str, Any], executors: Collection[str]) -> None:
    """Every value of every executor is that of the Python integers, else an AssertionError that can be pasted."""
    payloads = np.asarray(payloads, np.int64)
    states = {name: np.asarray(value, np.int64) for name, value in states.items()}
    expected, expected_step = law_trace(program, payloads), law_step(program, payloads[0], states)
    found = []
    try:
        net = network_of(program)
        artefact = make_artefact(net) if OPENERS.keys() & set(executors) else Artefact(net, b"", b"", {})
        for name in executors:
            got = EXECUTORS[name].run(artefact, payloads).arrays()
            found += _differences(f"{name}, {STEPS} steps", got, expected)
            found += _differences(f"{name}, one step", one_step(name, artefact, payloads[0], states), expected_step)
    except Exception as error:  # whatever is raised belongs to the reproducer
        raise AssertionError(f"{type(error).__name__}: {error}\n{reproducer(program, payloads, states, executors)}") from error
    assert not found, "\n".join([*found, reproducer(program, payloads, states, executors)])


def _differences(where: str, got: Mapping[str, Any], expected: Mapping[str, Ints]) -> list[str]:
    found = [] if set(got) == set(expected) else [f"{where}: {sorted(got)} instead of {sorted(expected)}"]
    for signal in expected.keys() & got.keys():
        if got[signal].shape != expected[signal].shape:
            found.append(f"{where}: {signal} has shape {got[signal].shape} instead of {expected[signal].shape}")
        elif (wrong := got[signal] != expected[signal]).any():
            place = tuple(int(n) for n in np.argwhere(wrong)[0])
            values = f"{got[signal][place]} instead of {expected[signal][place]}"
            found.append(f"{where}: {signal}{list(place)} is {values}, {wrong.sum()} differ")
    return found


def reproducer(program: Program, payloads: Ints, states: Mapping[str, Ints], executors: Collection[str]) -> str:
    """Shell lines that run the same check again, from the root of the repository."""
    shown = {name: value.tolist() for name, value in states.items()}
    return (
        f"cat > /tmp/program.txt <<'END'\n{program_to_text(program)}END\n"
        '.venv/bin/python -c "from tests.ir.program_check import again; '
        f"again('/tmp/program.txt', {payloads.tolist()}, {shown}, {tuple(executors)})\""
    )


def again(path: str, payloads: Any, states: Mapping[str, Any], executors: Collection[str]) -> None:
    """What the reproducer calls."""
    with open(path, encoding="utf-8") as file:
        check(program_from_text(file.read()), payloads, states, executors)
    print("no difference")
