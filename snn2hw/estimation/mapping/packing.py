"""Cores that have room for each other become one: fewer cores, and no spike more."""

from __future__ import annotations

import numpy as np

from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.loads import Arrangement, compact, largest_of

APART = ("destinations_per_core", "destinations_per_neuron")  # no sum of what two cores need


def packed(arrangement: Arrangement) -> Arrangement:
    """The same arrangement with cores laid together where the sum of what they need keeps to every limit.

    What two cores need together is at most the sum: what both keep is kept once, what both hear is heard once, and what both
    send to is sent once. So no limit is broken, and spikes from core to core become fewer or stay.
    """
    names = [n for n in arrangement.loads if n not in APART]
    if not names or arrangement.cores < 2:
        return arrangement
    most = np.array([largest_of(arrangement.problem, n) for n in names], np.float64)
    share = np.stack([arrangement.loads[n] for n in names], axis=1) / most
    into = np.arange(arrangement.cores)
    open_share = np.zeros_like(share)
    count = 0
    for core in np.argsort(-share.max(1), kind="stable").tolist():
        fits = np.flatnonzero((open_share[:count] + share[core] <= 1.0).all(1))
        # Of the cores with room the one that is fullest afterwards where this one asks most.
        best = int(fits[np.argmax((open_share[fits] * share[core]).sum(1) + open_share[fits].max(1))]) if len(fits) else count
        count += best == count
        open_share[best] += share[core]
        into[core] = best
    joined: Indices = compact(into[arrangement.core])
    found = Arrangement(arrangement.problem, joined)
    worse = len([*found.over()]) > len([*arrangement.over()])
    return arrangement if worse or found.cores == arrangement.cores else found
