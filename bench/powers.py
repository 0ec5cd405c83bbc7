"""Networks in other units: `python -m bench.powers` prints how many random networks times 2**-k have other integers.

None should: weights, biases, thresholds, ranges and gains are so much smaller, so the membranes are, too, and every spike is
the same.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count
from typing import Any

import numpy as np

from bench.scales import head_values
from snn2hw.errors import Snn2hwError
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import (
    Circulate,
    Feedback,
    Network,
    Neuron,
    Node,
    Potential,
    Single,
)
from snn2hw.ir.program import Op
from snn2hw.layers import Add, BatchNorm, Conv2d, IntConv2d, IntLinear, Linear, MatMul
from snn2hw.passes.base import Compilation
from snn2hw.passes.pipeline import run_pipeline

NETWORKS, POWERS = 100, range(61)


def scaled(net: Network, k: int) -> Network | None:
    """The network with weights, biases, thresholds and ranges times 2**-k, which computes 2**-k times the same membranes.

    None where an addition joins what is scaled with what cannot be: sums with spikes.
    """
    nodes: list[Node] = []
    shift: dict[str, int] = {}  # of the value of every node: it is times 2**-shift
    for node in net.nodes:
        entering = [shift[i] for i in node.inputs if i in shift]
        shift[node.name] = entering[0] if entering else 0
        made = node
        if isinstance(node, Conv2d | Linear):
            made = replace(node, weight=node.weight * 2.0 ** (entering[0] - k), bias=node.bias * 2.0**-k)
            shift[node.name] = k
        elif isinstance(node, BatchNorm):
            made = replace(node, shift=node.shift * 2.0 ** -entering[0])
        elif isinstance(node, Neuron):
            made = _scaled_neuron(node, k, entering[0])
            shift[node.name] = k if isinstance(node.firing, Potential) else 0
        elif isinstance(node, Feedback):
            shift[node.name] = 0
        elif isinstance(node, MatMul):
            shift[node.name] = sum(entering)
        elif isinstance(node, Add) and len(set(entering)) > 1:
            return None
        nodes.append(made)
    return replace(net, nodes=tuple(nodes))


def _scaled_neuron(node: Neuron, k: int, entering: int) -> Neuron:
    f, firing, current = 2.0**-k, node.firing, node.current
    if isinstance(firing, Single):
        firing = Single(firing.threshold * f)
    elif isinstance(firing, Circulate):
        firing = replace(firing, thresholds=tuple(t * f for t in firing.thresholds))
    if current is not None:
        current = replace(current, state_range=(current.state_range[0] * f, current.state_range[1] * f))
    return replace(
        node,
        coefficients=node.coefficients * f ** (1.0 - np.arange(node.coefficients.shape[1])),
        gain=node.gain * 2.0 ** (entering - k),
        firing=firing,
        current=current,
        state_range=(node.state_range[0] * f, node.state_range[1] * f),
        reset_value=node.reset_value * f,
    )


def raw(net: IntegerNetwork) -> list[Any]:
    """Every integer of a network: weights, biases, and the programs without their binary points."""
    arrays = [(n.name, n.weight.tolist(), n.bias.tolist()) for n in net.nodes if isinstance(n, IntConv2d | IntLinear)]
    return [arrays, [_instructions(n) for n in net.neurons]]


def _instructions(node: IntNeuron) -> list[Any]:
    """Of a program, its head as the integers that it gives: it needs no instruction for a gain of 1, and one for 2**-k."""
    lines, roles = node.program.instructions, node.program.roles
    if roles is None:
        return [(i.op, i.args, i.attrs) for i in lines]
    behind = list(node.program.by_name).index(roles.entering) + 1
    ends: tuple[Any, ...] = node.program.input.attrs
    given, _ = head_values(node, np.linspace(ends[0], ends[1], 65).round().astype(np.int64)[:, None])
    rest = [(i.op, tuple("head" if a == roles.entering else a for a in i.args), i.attrs) for i in lines[behind:]]
    return [[i.attrs for i in lines[:behind] if i.op is Op.STATE], given.tolist(), *rest]


def cases(networks: int = NETWORKS) -> Iterator[Any]:
    """So many random networks that can be scaled, every third of them with recurrent edges."""
    from tests.random_networks import RECURRENT, random_case

    seeds = chain.from_iterable((2 * n, 2 * n + 1, RECURRENT + n) for n in count())
    found = (case for case in map(random_case, seeds) if scaled(case.network, 1) is not None)
    for _ in range(networks):
        yield next(found)


def integers(net: Network, case: Any) -> list[Any] | str:
    """What the network, in place of the case's own, compiles to; or what it is refused for."""
    from tests.random_networks import target_of

    try:
        return raw(run_pipeline(Compilation(net, target_of(case.target), case.options, case.sample)).network)
    except Snn2hwError as error:
        return error.what


def main() -> None:
    """Print the counts of one part of the networks, or of all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="1/1", help="PART/PARTS: one network in so many, from the first, second, ... on")
    part, parts = map(int, parser.parse_args().part.split("/"))
    warnings.simplefilter("ignore")
    start, same, refused, other = time.perf_counter(), 0, 0, list[str]()
    drawn = list(cases())[part - 1 :: parts]
    for case in drawn:
        before = integers(case.network, case)
        refused += isinstance(before, str)
        for k in POWERS:
            small = scaled(case.network, k)
            assert small is not None
            after = integers(small, case)
            if after == before:
                same += 1
            else:
                other.append(f"seed {case.seed}, k = {k}" + (f": {after}" if isinstance(after, str) else ""))
    print(f"powers, part {part} of {parts}: {len(drawn)} random networks ({refused} refused as they are) times 2**-k, "
          f"k = {POWERS[0]} to {POWERS[-1]}, in {time.perf_counter() - start:.0f} s")  # fmt: skip
    print(f"  {same} alike, {len(other)} with other integers or refused otherwise")
    print("".join(f"  other: {o}\n" for o in other[:20]), end="")


if __name__ == "__main__":
    main()
