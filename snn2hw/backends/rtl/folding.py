"""How many lanes each layer gets: the fastest design that fits a budget, or the smallest that is fast enough.

Every layer begins with one lane. The layer that holds up a sample longest gets twice as many, again and again, until it has
as many as it can use, or the budget would be passed, or samples come often enough. (The idea is FINN's folding.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from snn2hw.backends.rtl.blocks import BLOCK
from snn2hw.backends.rtl.build import build, lanes_of
from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.estimate import Activity, cycles, latency, resources
from snn2hw.backends.rtl.families import Resources
from snn2hw.backends.rtl.parts import Folding
from snn2hw.errors import UsageError
from snn2hw.ir.integer import IntegerNetwork

KINDS = ("luts", "brams", "dsps")
MOST_LANES = 1024


@dataclass(frozen=True)
class Budget:
    """What a design may take: look-up tables, blocks of memory, multipliers; None where it does not matter."""

    luts: int | None = None
    brams: int | None = None
    dsps: int | None = None

    def short(self, needs: Resources) -> list[str]:
        """What there is too little of, in words."""
        pairs = ((kind, getattr(needs, kind), getattr(self, kind)) for kind in KINDS)
        return [f"{kind}: about {need:,} of {has:,}" for kind, need, has in pairs if has is not None and need > has]


@dataclass(frozen=True)
class Folded:
    """A choice.

    Args:
        folding, design: what was chosen. needs: what it is expected to take. busy: cycles of a sample in its slowest module.
    """

    folding: Folding
    design: Design
    needs: Resources
    busy: float

    def said(self, lanes: Mapping[str, int], activity: Activity) -> str:
        """The choice in a sentence.

        Args:
            lanes: of every layer. activity: how many events its layers have.
        """
        few, many = min(lanes.values()), max(lanes.values())
        needs = self.needs
        return (
            f"lanes: {few}{f' to {many}' * (many > few)}; expected: about {needs.luts:,} look-up tables of four inputs, "
            f"{_number(needs.brams, 'block')} of {BLOCK} kbit, {_number(needs.dsps, 'multiplier')}, "
            f"{latency(self.design, activity):,.0f} cycles for a sample that comes alone "
            "(--synthesise counts what tools make of it)"
        )


def fastest(network: IntegerNetwork, budget: Budget, activity: Activity, megahertz: float) -> Folded:
    """The design with the most lanes where they count that is expected to fit.

    Args:
        network: of the integer stage. budget: what it may take. activity: how many events its layers have. megahertz: the clock.

    Raises:
        UsageError: one lane everywhere is too much already; what is short, and by how much, is named.
    """
    chosen = folded(network, Folding(megahertz=megahertz), activity)
    if short := budget.short(chosen.needs):
        least = ",".join(f"{kind}={getattr(chosen.needs, kind)}" for kind in KINDS)
        raise UsageError(
            "the budget is too small for this network",
            got="; ".join(short),
            expected=f"about {least} at least, which is one lane everywhere",
            do="give more, choose a larger board, or compile with fewer weight_bits or smaller layers",
        )
    while (wider := _wider(network, chosen, activity)) is not None and not budget.short(wider.needs):
        chosen = wider
    return chosen


def smallest(network: IntegerNetwork, rate: float, activity: Activity, megahertz: float) -> Folded:
    """The design with the fewest lanes that is expected to take so many samples a second.

    Args:
        network: of the integer stage. rate: samples a second. activity: how many events its layers have. megahertz: the clock.

    Raises:
        UsageError: no number of lanes is enough; what can be reached is named.
    """
    chosen = folded(network, Folding(megahertz=megahertz), activity)
    while chosen.busy * rate > megahertz * 1e6:
        wider = _wider(network, chosen, activity)
        if wider is None:
            raise UsageError(
                "this rate is out of reach",
                got=f"{rate:g} samples a second at {megahertz:g} MHz",
                expected=f"up to about {megahertz * 1e6 / chosen.busy:,.0f}",
                do="state a lower rate, or a faster clock (megahertz)",
            )
        chosen = wider
    return chosen


def folded(network: IntegerNetwork, folding: Folding, activity: Activity) -> Folded:
    """The design with these lanes, and what is expected of it.

    Args:
        network: of the integer stage. folding: its lanes. activity: how many events its layers have.
    """
    design = build(network, folding)
    busy = max(cycles(design, activity).values())
    return Folded(folding, design, resources(design), busy)


def _wider(network: IntegerNetwork, before: Folded, activity: Activity) -> Folded | None:
    """Twice the lanes for the slowest layers; None where that changes nothing."""
    busy = cycles(before.design, activity)
    lanes = lanes_of(network, before.folding)
    slowest = max(busy, key=lambda name: busy[name])
    node = next(m.node for m in before.design.modules if m.name == slowest)
    wanted: Mapping[str, int] = {**before.folding.of, **{n: 2 * lanes[n] for n in _together(network, lanes, node)}}
    if max(wanted.values()) > MOST_LANES:
        return None
    after = folded(network, replace(before.folding, of=wanted), activity)
    return after if after.busy < before.busy else None


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _together(network: IntegerNetwork, lanes: Mapping[str, int], node: str) -> list[str]:
    """The layers whose lanes are the same because words pass from one to the other, of which one is this node."""
    changed = [n for n in lanes if lanes_of(network, Folding(of={n: 2}, lanes=MOST_LANES))[node] == 2]
    return changed or [node]
