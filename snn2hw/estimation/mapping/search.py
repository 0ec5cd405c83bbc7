"""Arrangements that send few spikes: blocks are joined where they talk most, then moved and exchanged as long as that helps.

All of it is a function of the problem and a seed; nothing depends on a clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.loads import compact
from snn2hw.estimation.mapping.problem import OUTSIDE, Problem
from snn2hw.estimation.mapping.state import State, state_of

FEW = 24  # blocks that a net reaches, up to which all pairs of them are weighed
PASSES = 8  # over all blocks
TINY, KICKS = 24, 60  # blocks of a problem of which every exchange is tried, and how often it is shaken
SHAKEN = 64  # blocks of a problem that is shaken at all
WORK = 60_000  # changes of a net, over all that is tried from one start


def greedy(problem: Problem) -> Indices:
    """Block after block, in the order of the network, on the core of the one before, or on the next where it has no room."""
    state = State(problem)
    core = 0
    for block in range(len(problem.blocks)):
        state.put(block, core)
        if len(state.on[core]) > 1 and not state.fit(state.touched(block)):
            core += 1
            state.move(block, core)
    return state.array()


def alone(problem: Problem) -> Indices:
    """Every block on a core of its own."""
    return np.arange(len(problem.blocks), dtype=np.int64)


def joined(problem: Problem) -> Indices:
    """Blocks that talk most are laid on one core, as long as there is room, the pair that saves most first."""
    state = state_of(problem, alone(problem))
    weights = [dict[int, float]() for _ in problem.blocks]
    for a, b, saved in _pairs(state):
        weights[a][b] = weights[a].get(b, 0.0) + saved
        weights[b][a] = weights[b].get(a, 0.0) + saved
    heap = [(-saved, a, b) for a, near in enumerate(weights) for b, saved in near.items() if a < b]
    heapq.heapify(heap)
    while heap:
        saved, a, b = heapq.heappop(heap)
        if a not in state.on or b not in state.on or weights[a].get(b) != -saved:
            continue
        into, gone = (a, b) if len(state.on[a]) >= len(state.on[b]) else (b, a)
        if not state.tried([(block, into) for block in sorted(state.on[gone])]):
            weights[a].pop(b), weights[b].pop(a)
            continue
        weights[into].pop(gone, None)
        for other, weight in weights[gone].items():
            weights[other].pop(gone, None)
            if other != into:
                total = weights[into].get(other, 0.0) + weight
                weights[into][other] = weights[other][into] = total
                heapq.heappush(heap, (-total, min(into, other), max(into, other)))
        weights[gone].clear()
    return compact(state.array())


def _pairs(state: State) -> Iterator[tuple[int, int, float]]:
    """(block, block, spikes that are saved where both lie on one core)."""
    for net, targets in enumerate(state.targets):
        own, spikes = state.source[net], state.spikes[net]
        if own != OUTSIDE:
            yield from ((own, t, spikes) for t in targets if t != own)
        if len(targets) <= FEW:
            yield from ((a, b, spikes) for a, b in combinations(targets, 2))


def improved(problem: Problem, core: Indices, most_cores: int, seed: int = 0, effort: float = 1.0) -> Indices:
    """An arrangement that sends no more spikes than this one.

    Args:
        problem: blocks and nets. core: [blocks] the core of each. most_cores: that there are; no further one is taken.
        seed: of the order in which blocks are looked at, and of what is shaken. effort: how much is tried, 1 as a rule.
    """
    return compact(_Search(problem, core, most_cores, seed, effort).run())


class _Search:
    def __init__(self, problem: Problem, core: Indices, most_cores: int, seed: int, effort: float) -> None:
        self.rng, self.most_cores = np.random.default_rng(seed), most_cores
        self.state = state_of(problem, core)
        self.tiny, self.blocks = len(core) <= TINY, len(core)
        links = (sum(map(len, self.state.into)) + sum(map(len, self.state.out))) / max(len(core), 1)
        self.left = int(effort * WORK / (4 * links + 20)) + 4 * len(core)  # moves that are tried

    def run(self) -> Indices:
        self.descend()
        best, score = self.state.array(), self.score()
        for _ in range(KICKS if 1 < self.blocks <= SHAKEN else 0):
            if self.left <= 0:
                break
            self.shake(best)
            self.descend()
            if _better(self.score(), score):
                best, score = self.state.array(), self.score()
            elif self.state.cost > 1.1 * score[0]:
                self.state = state_of(self.state.problem, best)
        return best

    def score(self) -> tuple[float, int]:
        return self.state.cost, len(self.state.on)

    def tried(self, *moves: tuple[int, int]) -> bool:
        self.left -= len(moves)
        return self.state.tried([*moves])

    def shake(self, best: Indices) -> None:
        for _ in range(1 + int(self.rng.integers(max(1, len(best) // 4)))):
            block = int(self.rng.integers(len(best)))
            cores = [*self.state.on, *self.free()]
            self.tried((block, cores[int(self.rng.integers(len(cores)))]))

    def free(self) -> list[int]:
        return [self.state.free()] if len(self.state.on) < self.most_cores else []

    def descend(self) -> None:
        """Move, and exchange, blocks as long as fewer spikes are sent, or as many from fewer cores."""
        for _ in range(PASSES):
            before = self.score()
            for block in self.rng.permutation(self.blocks).tolist():
                if self.left <= 0:
                    return
                self.move(block)
                if self.blocks <= SHAKEN:
                    self.exchange(block)
            self.join()
            if not _better(self.score(), before):
                return

    def move(self, block: int) -> None:
        state = self.state
        home, best = state.core[block], self.score()
        alone = len(state.on[home]) == 1
        near = [(state.gain(block, core), -core) for core in state.near(block)]
        goals = [(gain, -core) for gain, core in sorted(near, reverse=True) if self.tiny or gain > 0 or (alone and gain >= 0)]
        for _, core in [*goals, *((0.0, c) for c in self.free() if self.tiny and not alone)]:
            if self.tried((block, core)):
                if _better(self.score(), best):
                    return
                state.move(block, home)

    def exchange(self, block: int) -> None:
        state = self.state
        home, before = state.core[block], self.score()
        for core in sorted(state.near(block)):
            gain = 0.0 if self.tiny else state.gain(block, core)
            for other in sorted(state.on.get(core, ())):
                if not self.tiny and gain + state.gain(other, home) <= 0:
                    continue
                if self.tried((block, core), (other, home)):
                    if _better(self.score(), before):
                        return
                    state.move(other, core)
                    state.move(block, home)

    def join(self) -> None:
        """Empty cores onto others that have room, the smallest first."""
        state = self.state
        for core in sorted(state.on, key=lambda c: (len(state.on[c]), c)):
            blocks = sorted(state.on.get(core, ()))
            near = set[int]().union(*(state.near(b) for b in blocks)) - {core}
            before = self.score()
            for into in sorted(near):
                if self.left <= 0:
                    return
                if into in state.on and self.tried(*((b, into) for b in blocks)):
                    if _better(self.score(), before):
                        break
                    for b in blocks:
                        state.move(b, core)


def _better(now: tuple[float, int], before: tuple[float, int]) -> bool:
    slack = 1e-9 * (1.0 + abs(before[0]))
    return now[0] < before[0] - slack or (now[0] <= before[0] + slack and now[1] < before[1])
