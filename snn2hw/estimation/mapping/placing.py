"""Which chip, and which core of it, each core of an arrangement becomes: few spikes between chips, and sizes that fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.loads import Arrangement
from snn2hw.estimation.mapping.problem import OUTSIDE, Floats
from snn2hw.target import Cores

PASSES = 6
MOST = 2048  # cores up to which every pair of them is looked at


@dataclass(frozen=True, eq=False)
class Places:
    """[cores] the chip and the core of it, both counted from 0; `unplaced` are cores for which the chips have none left."""

    chip: Indices
    position: Indices
    unplaced: int = 0


def place(arrangement: Arrangement) -> Places:
    """A chip and a core of it for every core of an arrangement."""
    cores, n = arrangement.problem.cores, arrangement.cores
    sizes = _sizes(arrangement)
    chip = _filled(n, cores.per_chip, sizes, cores)
    if 1 < n <= MOST and chip[-1] > 0:
        chip = _exchanged(chip, _traffic(arrangement), sizes, cores)
    position = np.zeros(n, np.int64)
    unplaced = 0
    order = np.argsort(chip, kind="stable")
    for here in np.split(order, np.flatnonzero(np.diff(chip[order])) + 1):
        found = _matched(arrangement, here) if _unlike(cores) else list(range(len(here)))
        position[here] = [p if p is not None else -1 for p in found]
        unplaced += sum(p is None for p in found)
    return Places(chip, position, unplaced)


def spikes_between_chips(arrangement: Arrangement, chip: Indices) -> float:
    """Spikes that go from a core to one of another chip, each counted once for each core that it reaches."""
    source, target, _, spikes = arrangement.routes
    inside = source != OUTSIDE
    return float(spikes[inside][chip[source[inside]] != chip[target[inside]]].sum())


def chip_loads(arrangement: Arrangement, chip: Indices) -> dict[str, Indices]:
    """Limit -> [chips] of what a whole chip may hold, of all that it states."""
    return {name: np.bincount(chip, weights=each).astype(np.int64) for name, each in _sizes(arrangement).items()}


def _sizes(arrangement: Arrangement) -> dict[str, Indices]:
    """[cores] of what chips limit as a whole."""
    each = {"neurons_per_chip": arrangement.neurons, "synapses_per_chip": arrangement.synapses}
    return {name: size for name, size in each.items() if name in arrangement.problem.cores.facts}


def _filled(n: int, per_chip: int, sizes: dict[str, Indices], cores: Cores) -> Indices:
    """Chip after chip, in the order of the cores."""
    chip, now, count = np.zeros(n, np.int64), 0, 0
    used = dict.fromkeys(sizes, 0)
    for core in range(n):
        each = {name: int(size[core]) for name, size in sizes.items()}
        full = any(used[name] + each[name] > int(cores.facts[name].low) for name in sizes)
        if count and (count == per_chip or full):
            now, count, used = now + 1, 0, dict.fromkeys(sizes, 0)
        chip[core], count = now, count + 1
        used = {name: used[name] + each[name] for name in sizes}
    return chip


def _traffic(arrangement: Arrangement) -> Floats:
    """[cores, cores] spikes in both directions."""
    source, target, _, spikes = arrangement.routes
    found = np.zeros((arrangement.cores, arrangement.cores))
    inside = (source != OUTSIDE) & (source != target)
    np.add.at(found, (source[inside], target[inside]), spikes[inside])
    both: Floats = found + found.T
    return both


def _exchanged(chip: Indices, traffic: Floats, sizes: dict[str, Indices], cores: Cores) -> Indices:
    """Cores of two chips change places as long as fewer spikes go from chip to chip."""
    chip, n = chip.copy(), len(chip)
    chips = int(chip.max()) + 1
    to = np.stack([traffic[:, chip == k].sum(1) for k in range(chips)], axis=1)
    used = {name: np.bincount(chip, weights=size, minlength=chips).astype(np.float64) for name, size in sizes.items()}
    room = {name: (each, int(cores.facts[name].low)) for name, each in used.items()}
    for _ in range(PASSES):
        moved = False
        for a in range(n):
            gain = (to[a, chip] - to[a, chip[a]]) + (to[np.arange(n), chip[a]] - to[np.arange(n), chip]) - 2 * traffic[a]
            gain[chip == chip[a]] = 0
            for b in np.argsort(-gain, kind="stable")[:4].tolist():
                if gain[b] <= 1e-9 * (1 + traffic[a].sum()) or not _swappable(a, b, chip, sizes, room):
                    continue
                for name, size in sizes.items():
                    used[name][chip[a]] += size[b] - size[a]
                    used[name][chip[b]] += size[a] - size[b]
                one, other = chip[a], chip[b]
                to[:, one] += traffic[:, b] - traffic[:, a]
                to[:, other] += traffic[:, a] - traffic[:, b]
                chip[a], chip[b] = other, one
                moved = True
                break
        if not moved:
            break
    return chip


def _swappable(a: int, b: int, chip: Indices, sizes: dict[str, Indices], room: dict[str, tuple[Floats, int]]) -> bool:
    for name, size in sizes.items():
        used, most = room[name]
        if used[chip[a]] + size[b] - size[a] > most or used[chip[b]] + size[a] - size[b] > most:
            return False
    return True


def _unlike(cores: Cores) -> bool:
    return any(isinstance(f.value, list) and name not in ("weight_bits", "strides", "pools") for name, f in cores.facts.items())


def _matched(arrangement: Arrangement, here: Indices) -> list[int | None]:
    """A core of the chip for each of these, where the cores of a chip differ: a matching of as many as can be."""
    cores, loads = arrangement.problem.cores, arrangement.loads
    fits = [
        [k for k in range(cores.per_chip) if all(load[core] <= (cores.stated(name, k) or 0) for name, load in loads.items())]
        for core in here
    ]
    taken = dict[int, int]()

    def seat(i: int, seen: set[int]) -> bool:
        for k in fits[i]:
            if k not in seen:
                seen.add(k)
                if k not in taken or seat(taken[k], seen):
                    taken[k] = i
                    return True
        return False

    for i in sorted(range(len(here)), key=lambda i: len(fits[i])):
        seat(i, set())
    seats: dict[int, int] = {i: k for k, i in taken.items()}
    return [seats.get(i) for i in range(len(here))]
