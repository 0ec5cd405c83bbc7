"""No value lies where another is still to be read; what has been read gives its place away."""

from __future__ import annotations

import re
from itertools import combinations
from math import prod

import numpy as np
import pytest

from snn2hw.backends.c import memory as room
from snn2hw.backends.c.memory import memory, of_a_step, sums_elements
from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntConv2d, IntLinear
from tests.backends.c.folders import random_network
from tests.backends.c.needed import calls_that_need
from tests.hand_networks import compiled, counts, every_kind, every_kind_sample, integrate, linear, network, readout
from tests.random_networks import RECURRENT
from tests.refused import refused


def spans(net: IntegerNetwork) -> list[tuple[str, int, range, set[int]]]:
    """(name, pool, elements, positions of the calls that need them) of every value and every place's sums."""
    laid, found = memory(net), []
    call = {n.name: k for k, n in enumerate(net.nodes)}
    call |= {synapse: call[neuron] for neuron, synapse in laid.fused.items()}
    needed = calls_that_need(net, laid.fused, laid.loops)
    sizes = {n.name: laid.values[n.name].steps * prod(n.shape) for n in net.nodes}
    for n in net.nodes:
        if laid.pointers.get(n.name) not in (None, "input", "readout"):
            held = needed[n.name]
            found.append((n.name, laid.pointers[n.name], sizes[n.name], held))
            found += [(f"a state of {n.name}", at, prod(n.shape), held) for at in laid.states.get(n.name, [])]
        if isinstance(n, IntConv2d | IntLinear):
            elements = sums_elements(n, laid.values[n.inputs[0]])
            found.append((f"sums of {n.name}", laid.sums[n.name], elements, {call[n.name]}))
    parsed = []
    for name, pointer, size, calls in found:
        match = re.fullmatch(r"(?:\(u?int(\d+)_t \*\))?memory->w(\d+)(?: \+ (\d+))?", pointer)
        assert match
        assert match[1] in (None, match[2])
        start = int(match[3] or 0)
        assert start + size <= laid.pools[int(match[2])]
        parsed.append((name, int(match[2]), range(start, start + size), calls))
    return parsed


def test_what_is_needed_at_the_same_time_lies_apart() -> None:
    nets = [found[0] for seed in range(2_100, 2_120) if (found := random_network(seed))]
    assert len(nets) >= 13
    shared = 0
    nets += [found[0] for seed in range(RECURRENT, RECURRENT + 3) if (found := random_network(seed))]
    assert sum(bool(memory(net).loops) for net in nets) >= 2
    for net in [compiled(every_kind(), every_kind_sample()).network, *nets]:
        for (a, pool, here, calls), (b, other, there, others) in combinations(spans(net), 2):
            if pool == other and here.start < there.stop and there.start < here.stop:
                assert not calls & others, (a, b)
                shared += 1
    assert shared > 15


def test_the_size_is_that_of_the_pools() -> None:
    laid = memory(compiled(every_kind(), every_kind_sample()).network)
    total = sum(bits // 8 * n for bits, n in laid.pools.items())
    assert total <= laid.size < total + 4
    assert laid.size % 4 == 0


def test_more_than_an_int_counts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compiled(network(50, counts(2), linear("fc", "input", np.eye(2)), integrate("if", "fc"), readout("if"))).network
    size = memory(net).size
    monkeypatch.setattr(room, "MOST_BYTES", size)
    memory(net)
    monkeypatch.setattr(room, "MOST_BYTES", size - 1)
    with refused(
        UnsupportedError,
        f"""
        the network takes more memory than the C folder can address
          where:    all steps of its layers
          got:      {size} bytes
          expected: at most {size - 1}
          do:       {room.STEPWISE}
        """,
    ):
        memory(net)
    assert room.STEPWISE.startswith("write it with --streaming (streaming=True), which holds one step at a time; ")
    step = memory(of_a_step(net), streaming=True).size
    monkeypatch.setattr(room, "MOST_BYTES", step - 1)
    of_both = (False, "all steps of its layers", size), (True, "one step of its layers, and the states of its neurons", step)
    for streaming, where, got in of_both:
        with refused(
            UnsupportedError,
            f"""
            the network takes more memory than the C folder can address
              where:    {where}
              got:      {got} bytes
              expected: at most {step - 1}
              do:       compile it for fewer steps or smaller samples, or run it with the executor 'fast'
            """,
        ):
            memory(of_a_step(net) if streaming else net, streaming)
