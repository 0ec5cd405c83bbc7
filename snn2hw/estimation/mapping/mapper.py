"""From what a network needs to a network on cores: cut, arrange, place."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

import numpy as np

from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.bound import fewest_cores, fewest_spikes
from snn2hw.estimation.mapping.cutting import cut_layers, refined
from snn2hw.estimation.mapping.loads import Arrangement, compact
from snn2hw.estimation.mapping.needs import Cut
from snn2hw.estimation.mapping.packing import packed
from snn2hw.estimation.mapping.partitioner import partitioned, partitioner_name
from snn2hw.estimation.mapping.placing import place
from snn2hw.estimation.mapping.problem import Problem, Spikes, make_problem
from snn2hw.estimation.mapping.result import Mapping
from snn2hw.estimation.mapping.search import alone, greedy, improved, joined
from snn2hw.estimation.resources import Resources
from snn2hw.shown import one_of
from snn2hw.target import Chip, Cores

FINE = 48  # blocks that a small network is cut into, so that there is something to choose from
TRIES = 12  # to cut further where axons of several layers together break a limit
SMALLER, MANY = 2, 20_000  # times that blocks are halved where there are too few cores, and blocks that there may be then
JOINED = 4000  # blocks up to which pairs are weighed
ANY = 1 << 40  # chips, where nobody says how many work together
HOW = ("auto", "greedy", "search", "mtkahypar")


def map_network(
    found: Resources,
    chip: Chip,
    spikes: Spikes | None = None,
    *,
    how: str = "auto",
    effort: float = 1.0,
    seed: int = 0,
    network: str = "",
) -> Mapping | None:
    """The network on the cores of a chip, or of several; None where a layer has no room, however it is cut.

    Args:
        found: what the layers need (`resources(net)`).
        chip: a target with cores.
        spikes: of each value of a layer or of the input, per sample, by its name: as many numbers as the layer has values.
            Layers without an entry send one spike a value.
        how: "greedy"; "search"; "mtkahypar", which needs the extra `estimate`; "auto", the best of what is installed.
        effort: how much is tried; 0.1 takes a tenth of the time. seed: of the search.
        network: how the network is called in the result.

    Raises:
        UsageError: a chip without cores, or an unknown `how`. ShapeError, ValueRangeError: spikes that are not of this network.
        MissingExtraError: mtkahypar was asked for and is not installed.
    """
    cores = chip.cores
    if cores is None:
        raise UsageError(
            "nothing is known of the cores of this target", got=chip.name, expected="a target with a section [cores]",
            do="name another target, or copy its file and state what a core holds",
        )  # fmt: skip
    if how not in HOW:
        raise UsageError("unknown way to find a mapping", got=repr(how), expected=", ".join(HOW), do=one_of(str(how), HOW))
    counted = checked_spikes(found, spikes or {})
    mean = {name: float(np.mean(each)) for name, each in counted.items()}
    cut = cut_layers(found, cores, mean)
    if len(cut) < len(found.placed):
        return None
    problem = _feasible(found, cores, cut, counted)
    if problem is None:
        return None

    def better(problem: Problem, core: Indices, most: int) -> Arrangement:
        return Arrangement(problem, improved(problem, core, most, seed, effort))

    first = Arrangement(problem, compact(greedy(problem)))
    best, by = _best(problem, first, how, better)
    most = _available(cores)
    if best.cores > most >= fewest_cores(found, cores) and how != "greedy" and "cores_per_layer" not in cores.facts:
        best, by = _crowded(best, found, counted, most, better), "search"
    least = fewest_spikes(found, cores, counted), fewest_cores(found, cores)
    return Mapping(chip, network, best, place(best), first.crossing, *least, by, bool(spikes))


def _feasible(found: Resources, cores: Cores, cut: dict[str, Cut], spikes: Spikes) -> Problem | None:
    """Blocks each of which has room on a core of its own; None where nothing was found."""
    layers = {layer.name: layer for layer in found.placed}
    if "cores_per_layer" not in cores.facts and "kernel_words" not in cores.facts:
        cut = refined(cut, layers, FINE)
    for _ in range(TRIES):
        problem = make_problem(found, cores, cut, spikes)
        single = Arrangement(problem, alone(problem))
        broken = {problem.blocks[core].layer for core, limit, _ in single.over() if not limit.startswith("destinations")}
        if not broken:
            return problem
        finer = {name: _finer(c, layers[name].population.view) if name in broken else c for name, c in cut.items()}
        if "cores_per_layer" in cores.facts or finer == cut or sum(map(prod, finer.values())) > 1 << 16:
            return None
        cut = finer
    return None


def _finer(cut: Cut, view: Cut) -> Cut:
    sizes = [-(-n // k) for n, k in zip(view, cut, strict=True)]
    axis = max(range(3), key=lambda a: sizes[a])
    c, h, w = (min(n, 2 * k) if a == axis else k for a, (n, k) in enumerate(zip(view, cut, strict=True)))
    return c, h, w


Better: TypeAlias = "Callable[[Problem, Indices, int], Arrangement]"


def _available(cores: Cores) -> int:
    return cores.per_chip * (cores.stated("chips") or ANY)


def _crowded(best: Arrangement, found: Resources, spikes: Spikes, most: int, better: Better) -> Arrangement:
    """Where there are too few cores for whole blocks: smaller ones, of which those go together that ask for different things."""
    problem = best.problem
    for _ in range(SMALLER):
        layers = {layer.name: layer for layer in found.placed}
        cut = {name: _finer(now, layers[name].population.view) for name, now in problem.cut.items()}
        problem = make_problem(found, problem.cores, cut, spikes)
        single = Arrangement(problem, alone(problem))
        if len(problem.blocks) > MANY or any(not limit.startswith("destinations") for _, limit, _ in single.over()):
            break
        tight = packed(single)
        if tight.cores <= most:
            return better(problem, tight.core, most)
        best = tight if tight.cores < best.cores else best
    return best


def _best(problem: Problem, first: Arrangement, how: str, better: Better) -> tuple[Arrangement, str]:
    """The arrangement that sends fewest spikes, then the one with fewest cores, and what found it."""
    if how == "greedy":
        return first, "greedy"
    together = Arrangement(problem, np.zeros(len(problem.blocks), np.int64))
    if not any(together.over()):
        return together, "search"
    most = _available(problem.cores)
    starts = {"search": [first.core]}
    if len(problem.blocks) <= JOINED:
        starts["search"].append(joined(problem))
    if name := partitioner_name(how):
        starts[name] = partitioned(problem, first.cores)
    found = [(first, "greedy")]
    for by, cores_of in starts.items():
        found += [(better(problem, core, max(most, first.cores)), by) for core in cores_of]
    tight = [(packed(a), by) for a, by in found]
    return min(tight, key=lambda f: (len([*f[0].over()]), f[0].cores > most, round(f[0].crossing, 6), f[0].cores))


def checked_spikes(found: Resources, spikes: Spikes) -> dict[str, np.ndarray]:
    """Spikes of each value [C, H, W] of every layer and of the input.

    Raises:
        UsageError: of a layer that there is not. ShapeError: another number of values. ValueRangeError: negative ones, or NaN.
    """
    populations = found.graph.populations
    if unknown := sorted(set(spikes) - set(populations)):
        raise UsageError("spikes of a layer that sends none", got=unknown[0], expected=", ".join(populations), do="leave it out")
    counted = dict[str, np.ndarray]()
    for name, p in populations.items():
        each = np.asarray(spikes.get(name, np.ones(p.size)), np.float64)
        if each.size != p.size:
            raise ShapeError(
                "the spikes are not those of this layer", where=p.where, got=f"{list(each.shape)}",
                expected=f"{p.size} numbers, as {list(p.shape)}", do="count them on this network",
            )  # fmt: skip
        if not (np.isfinite(each).all() and (each >= 0).all()):
            raise ValueRangeError(
                "spikes are counted, or their mean is taken",
                where=p.where,
                got="a negative number, or none",
                expected="0 or more",
                do="give counts, or counts divided by the number of samples",
            )
        counted[name] = each.reshape(p.view)
    return counted
