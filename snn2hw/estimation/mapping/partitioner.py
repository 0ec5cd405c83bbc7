"""Mt-KaHyPar, where it is installed (extra `estimate`): a hypergraph into parts of about equal weight that cut few nets.

It knows one limit, the weight of a part; what it finds is then mended until every core keeps to all of them.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

import numpy as np

from snn2hw.errors import MissingExtraError
from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.loads import largest_of
from snn2hw.estimation.mapping.problem import OUTSIDE, Problem
from snn2hw.estimation.mapping.state import State

NAME = "mtkahypar"
SLACK = (0.03, 0.3)  # by how much the heaviest part may pass the mean
MANY, MOST = 100, 400  # blocks from which on only one partition is made, and none: it takes seconds, and blocks fill their cores
SCALE = 1000  # of weights, which it takes as whole numbers


def partitioner_name(how: str) -> str:
    """Its name where it is to be asked, "" where not.

    Raises:
        MissingExtraError: it was asked for by name and is not installed.
    """
    there = importlib.util.find_spec(NAME) is not None
    if how == NAME and not there:
        raise MissingExtraError(NAME, "estimate", "this way to find a mapping")
    return NAME if how in (NAME, "auto") and there else ""


def partitioned(problem: Problem, cores: int) -> list[Indices]:
    """Arrangements on so many cores and on fewer, every one within all limits.

    Args:
        problem: blocks and nets. cores: that another arrangement needs.
    """
    if not 3 <= len(problem.blocks) <= MOST or cores < 2:
        return []
    import mtkahypar

    made = _started()
    graph = _hypergraph(made, problem)
    found = []
    many = len(problem.blocks) > MANY
    for parts in sorted({cores} if many else {cores, max(2, _fewest(problem))}):
        for slack in SLACK[:1] if many else SLACK:
            context = made.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
            context.set_partitioning_parameters(parts, slack, mtkahypar.Objective.KM1)
            context.logging = False
            mtkahypar.set_seed(1)
            cut = graph.partition(context)
            found.append(_mended(problem, np.array([cut.block_id(b) for b in range(len(problem.blocks))], np.int64)))
    return found


@cache
def _started() -> Any:
    """The library, with one thread; it is started once for each process."""
    import mtkahypar

    return mtkahypar.initialize(1)


def _hypergraph(made: Any, problem: Problem) -> Any:
    import mtkahypar

    context = made.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
    nets, weights = list[list[int]](), list[int]()
    top = max(float(problem.net_spikes.max(initial=0.0)), 1e-12)
    for net, source in enumerate(problem.net_source.tolist()):
        pins = {*problem.targets(net).tolist(), *([source] if source != OUTSIDE else [])}
        if len(pins) > 1 and problem.net_spikes[net] > 0:
            nets.append(sorted(pins))
            weights.append(1 + int(SCALE * problem.net_spikes[net] / top))
    sizes = 1 + (SCALE * _share(problem)).astype(np.int64)
    return made.create_hypergraph(context, len(problem.blocks), len(nets), nets, sizes.tolist(), weights)


def _share(problem: Problem) -> Any:
    """[blocks] the share of a core that a block takes, of the limit that is scarcest on it."""
    shares = [each / largest_of(problem, name) for name, each in problem.needs.items()]
    for name, kept in problem.kept.items():
        shares.append(np.array([sum(size for _, size in each) for each in kept]) / largest_of(problem, name))
    return np.max(shares, axis=0) if shares else np.full(len(problem.blocks), 1.0 / len(problem.blocks))


def _fewest(problem: Problem) -> int:
    totals = [int(np.ceil(each.sum() / largest_of(problem, name))) for name, each in problem.needs.items()]
    return max([2, *totals])


def _mended(problem: Problem, core: Indices) -> Indices:
    """Block after block on the core that it was given, or on one of its neighbours, or on a new one, where it has no room."""
    state, parts = State(problem), int(core.max(initial=0)) + 1
    for block, wanted in enumerate(core.tolist()):
        state.put(block, wanted)
        if state.fit(state.touched(block)):
            continue
        others = sorted(state.near(block), key=lambda c: -state.gain(block, c))
        if not any(state.tried([(block, other)]) for other in others):
            state.move(block, parts)
            parts += 1
    return state.array()
