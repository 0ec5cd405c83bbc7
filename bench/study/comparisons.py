"""Which neuron is compared with which, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.study.figures import Mean, Result, claimed, paired
from bench.study.nets import BASE, FIRST, VARIANTS

Pair = tuple[str, str]  # a variant, and the one that it is compared with


@dataclass(frozen=True)
class Comparison:
    """A neuron against another on a task.

    Args:
        name, base: the two. difference: in accuracy, name less base.
        claimed: whether it is, in its family. in_one_family: whether it would be, were all differences of the task in one.
    """

    task: str
    name: str
    base: str
    difference: Mean
    claimed: bool
    in_one_family: bool


def compared(results: Sequence[Result], tasks: Sequence[str]) -> list[Comparison]:
    """Every neuron and what it is compared with, where they have a seed in common.

    Differences of a task are corrected for together, whichever table shows them: they are of the same trainings. What the study
    was begun for does not pay for what was added; what would be claimed if it did is known, too.
    """
    pairs = [(name, BASE) for name in VARIANTS if name != BASE]
    pairs += [(name, variant.base) for name, variant in VARIANTS.items() if variant.base != BASE]
    found = []
    for task in tasks:
        there = {pair: paired(results, task, pair[0], "float", pair[1]) for pair in pairs}
        known = {pair: d for pair, d in there.items() if d is not None}
        families = [[p for p in known if set(p) <= set(FIRST)], [p for p in known if not set(p) <= set(FIRST)]]
        told = {pair: t for own in families for pair, t in _told(own, known).items()}
        as_one = _told(list(known), known)
        found += [Comparison(task, *pair, d, told[pair], as_one[pair]) for pair, d in known.items()]
    return found


def _told(family: Sequence[Pair], known: Mapping[Pair, Mean]) -> dict[Pair, bool]:
    return dict(zip(family, claimed([known[pair] for pair in family]), strict=True))
