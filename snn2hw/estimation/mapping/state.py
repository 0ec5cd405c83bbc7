"""An arrangement that is changed block by block; what every core needs, and what is sent, is kept up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.loads import largest_of
from snn2hw.estimation.mapping.problem import OUTSIDE, Problem

NOWHERE = -1


class State:
    """Which block lies on which core; blocks that lie nowhere need nothing and are sent nothing.

    `cost` are the spikes that go from core to core, and from outside; what sends to more cores than it can costs more than all.
    """

    def __init__(self, problem: Problem) -> None:
        p = self.problem = problem
        blocks = len(p.blocks)
        self.core = [NOWHERE] * blocks
        self.on: dict[int, set[int]] = {}
        self.cost = 0.0
        self.names = [*dict.fromkeys([*p.needs, *p.kept])] + [n for n in ("in_axons", "out_axons") if n in p.cores.facts]
        self.most = [largest_of(p, n) for n in self.names]
        place = {n: k for k, n in enumerate(self.names)}
        self._in, self._out = place.get("in_axons", -1), place.get("out_axons", -1)
        self._adds = [(place[n], each.tolist()) for n, each in p.needs.items()]
        self._kept = [(place[n], each) for n, each in p.kept.items()]
        self._has: dict[int, Counter[Any]] = {}
        self.used: dict[int, list[int]] = {}
        self.source, self.neurons, self.spikes = p.net_source.tolist(), p.net_neurons.tolist(), p.net_spikes.tolist()
        self.into: list[list[int]] = [[] for _ in range(blocks)]
        self.out: list[list[int]] = [[] for _ in range(blocks)]
        self.targets = [p.targets(net).tolist() for net in range(len(self.source))]
        for net, targets in enumerate(self.targets):
            for block in targets:
                self.into[block].append(net)
            if self.source[net] != OUTSIDE:
                self.out[self.source[net]].append(net)
        self.reach: list[dict[int, int]] = [{} for _ in self.source]
        fan = p.cores.stated("destinations_per_neuron")
        self.fan = fan if fan is not None else blocks + 1
        self.dear = 1.0 + float(p.net_spikes.sum())  # for a net that sends to more cores than it can, and each further one

    def put(self, block: int, core: int) -> None:
        """Lay a block that lies nowhere on a core."""
        self.core[block] = core
        self.on.setdefault(core, set()).add(block)
        used = self.used.setdefault(core, [0] * len(self.names))
        for k, each in self._adds:
            used[k] += each[block]
        has = self._has.setdefault(core, Counter())
        for k, kept in self._kept:
            for what, size in kept[block]:
                has[k, what] += 1
                if has[k, what] == 1:
                    used[k] += size
        for net in self.out[block]:
            reach = self.reach[net]
            if self._out >= 0:
                used[self._out] += self.neurons[net] * len(reach)
            if core in reach:
                self.cost -= self.spikes[net]
        for net in self.into[block]:
            reach = self.reach[net]
            reach[core] = reach.get(core, 0) + 1
            if reach[core] == 1:
                self._touch(net, core, 1)

    def take(self, block: int) -> None:
        """Take a block off its core."""
        core = self.core[block]
        for net in self.into[block]:
            reach = self.reach[net]
            reach[core] -= 1
            if not reach[core]:
                del reach[core]
                self._touch(net, core, -1)
        used, has = self.used[core], self._has[core]
        for net in self.out[block]:
            reach = self.reach[net]
            if self._out >= 0:
                used[self._out] -= self.neurons[net] * len(reach)
            if core in reach:
                self.cost += self.spikes[net]
        for k, each in self._adds:
            used[k] -= each[block]
        for k, kept in self._kept:
            for what, size in kept[block]:
                has[k, what] -= 1
                if not has[k, what]:
                    del has[k, what]
                    used[k] -= size
        self.core[block] = NOWHERE
        self.on[core].discard(block)
        if not self.on[core]:
            del self.on[core], self.used[core], self._has[core]

    def _touch(self, net: int, core: int, sign: int) -> None:
        """A net reaches a core more, or one less."""
        if self._in >= 0:
            self.used[core][self._in] += sign * self.neurons[net]
        source = self.source[net]
        own = NOWHERE if source == OUTSIDE else self.core[source]
        if own != NOWHERE and self._out >= 0:
            self.used[own][self._out] += sign * self.neurons[net]
        if own != core:
            self.cost += sign * self.spikes[net]
        if len(self.reach[net]) > self.fan - (sign < 0):
            self.cost += sign * self.dear

    def move(self, block: int, core: int) -> None:
        """From its core to another."""
        self.take(block)
        self.put(block, core)

    def touched(self, block: int) -> set[int]:
        """Cores whose needs change with where a block lies: its own, and those that send to it."""
        cores = {self.core[self.source[net]] for net in self.into[block] if self.source[net] != OUTSIDE}
        return (cores | {self.core[block]}) - {NOWHERE}

    def near(self, block: int) -> set[int]:
        """Cores that send to a block, that it sends to, or that hear the same."""
        found = self.touched(block)
        for net in (*self.out[block], *self.into[block]):
            found.update(self.reach[net])
        return found - {self.core[block], NOWHERE}

    def gain(self, block: int, core: int) -> float:
        """Spikes that are saved where a block is moved to a core; of a block that sends to itself about."""
        home, saved = self.core[block], 0.0
        for net in self.into[block]:
            reach, source = self.reach[net], self.source[net]
            own = NOWHERE if source == OUTSIDE else self.core[source]
            if own != home and reach[home] == 1:
                saved += self.spikes[net]
            if own != core and core not in reach:
                saved -= self.spikes[net]
        for net in self.out[block]:
            reach = self.reach[net]
            saved += self.spikes[net] * ((core in reach) - (home in reach))
        return saved

    def fit(self, cores: Iterable[int]) -> bool:
        """Whether these cores keep to every limit."""
        for core in cores:
            if core in self.used and any(u > m for u, m in zip(self.used[core], self.most, strict=True)):
                return False
        return True

    def may(self, moves: list[tuple[int, int]]) -> bool:
        """Whether what adds up leaves room for these moves; a quick look, before anything is moved."""
        for k, each in self._adds:
            change: dict[int, int] = {}
            for block, core in moves:
                change[core] = change.get(core, 0) + each[block]
                change[self.core[block]] = change.get(self.core[block], 0) - each[block]
            for core, more in change.items():
                if more > 0 and core in self.used and self.used[core][k] + more > self.most[k]:
                    return False
        return True

    def tried(self, moves: list[tuple[int, int]]) -> bool:
        """Make these moves; where a limit is then broken, undo them. Whether they were made."""
        if not self.may(moves):
            return False
        back = [(block, self.core[block]) for block, _ in moves]
        before = set().union(*(self.touched(block) for block, _ in moves))
        for block, core in moves:
            self.move(block, core)
        after = before.union(*(self.touched(block) for block, _ in moves))
        if self.fit(after):
            return True
        for block, core in reversed(back):
            self.move(block, core)
        return False

    def free(self) -> int:
        """A core that holds nothing."""
        core = len(self.on)
        while core in self.on:
            core += 1
        return core

    def array(self) -> Indices:
        """[blocks] the core of each."""
        return np.array(self.core, np.int64)


def state_of(problem: Problem, core: Indices) -> State:
    """The state of an arrangement."""
    state = State(problem)
    for block, at in enumerate(core.tolist()):
        state.put(block, at)
    return state
