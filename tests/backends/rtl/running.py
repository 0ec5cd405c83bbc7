"""A network through its SystemVerilog and through the reference, integer by integer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl.beats import trace
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.executor import stepped
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.simulation import COMPILER, VERILATOR, Run, Simulator, Stress, simulator
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints, Trace

TOOLS = VERILATOR, COMPILER


def simulated(net: IntegerNetwork, folding: Folding | None = None, still: bool | None = None) -> Simulator:
    """The simulation of a network; `still`: whether images are shown T times, by default wherever the network says so."""
    return simulator(build(stepped(net, net.input.static if still is None else still), folding))


def differing(net: IntegerNetwork, sim: Simulator, run: Run, expected: Trace) -> dict[str, int]:
    """Of every signal how many integers differ; all of them were recorded."""
    got = trace(sim.design, net, run.readout, run.recorded).arrays()
    there = expected.arrays()
    assert got.keys() == there.keys()
    assert all(got[k].shape == there[k].shape for k in there)
    return {k: int((got[k] != v).sum()) for k, v in there.items() if (got[k] != v).any()}


def compared(net: IntegerNetwork, payloads: Ints, folding: Folding | None = None, stress: Stress | None = None) -> int:
    """How many integers were compared; none differs."""
    sim = simulated(net, folding, still_in(net, payloads))
    expected = interpret(net, payloads)
    wrong = differing(net, sim, sim.run(payloads, stress=stress), expected)
    assert not wrong, f"{wrong} integers differ, with {folding} and {stress}"
    return sum(v.size for v in expected.arrays().values())


def still_in(net: IntegerNetwork, payloads: Ints) -> bool:
    return net.input.static and bool((payloads == payloads[:1]).all())


def spread(net: IntegerNetwork, samples: int, seed: int) -> Ints:
    """Spike values [T, N, ...] of a network; each sample has a share of zeros of its own, the first is empty, the last full."""
    rng = np.random.default_rng(seed)
    lo, hi = net.input.interval.lo, net.input.interval.hi
    shape = (1 if net.input.static else net.steps, samples, *net.input.shape)
    share = np.linspace(0, 1, samples).reshape(1, -1, *(1 for _ in net.input.shape))
    drawn = np.where(rng.random(shape) < share, rng.integers(lo, hi, shape, endpoint=True), 0)
    drawn[:, -1] = hi
    return np.array(np.broadcast_to(drawn, (net.steps, *shape[1:])), np.int64)


def with_steps(net: IntegerNetwork, steps: int) -> IntegerNetwork:
    """The network, run for so many steps."""
    return replace(net, steps=steps)
