"""Firing and reset, as the constants of a function state them, tried for every membrane value h."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.checker.neuron import MOST_TRIED, Neuron, Seen, chunks


class Firing:
    """The firing that a function's constants and comparisons state."""

    def __init__(self, neuron: Neuron) -> None:
        c, nodes = neuron.constants, neuron.nodes
        rounds = [s for s in ("", *map(str, range(1, len(nodes)))) if f"up{s}/flag" in nodes]
        self.thresholds = [int(c.get(f"threshold{s}", c.get("threshold", 0))) for s in rounds]
        self.amplitudes = [int(c.get(f"amplitude{s}", 1)) for s in rounds]
        self.signed = f"down{rounds[0]}/flag" in nodes
        self.strict = nodes[f"up{rounds[0]}/flag"].op == "Greater"
        self.reset = {"after": "value", "h": "none"}.get(nodes["out/u"].args[0], "subtract")
        self.reset_value = int(c.get("reset_value", 0)) if self.reset == "value" else 0

    def stated(self, h: Any) -> tuple[Any, Any, Any, Any]:
        """(payload, next state, what is left over, number of rounds that fire), round by round."""
        payload, r, fired = np.zeros_like(h), h, np.zeros_like(h)
        for theta, amplitude in zip(self.thresholds, self.amplitudes, strict=True):
            over, under = (r > theta, r < -theta) if self.strict else (r >= theta, r <= -theta)
            s = over.astype(np.int64) - (under & self.signed)
            payload, r, fired = payload + amplitude * s, r - theta * s, fired + np.abs(s)
        after = {"subtract": r, "value": np.where(fired > 0, self.reset_value, h), "none": h}[self.reset]
        return payload, after, r, fired


def try_firing(neuron: Neuron, held: Seen) -> tuple[dict[str, Any], list[int]]:
    """The claim about the firing, and values of h for which payload or next state is not what the constants state."""
    if held.hi - held.lo >= MOST_TRIED:
        raise ValueError(f"h takes [{held.lo}, {held.hi}], which is too much to try")
    firing, behind, known = Firing(neuron), [], {"h", *neuron.constants}
    for node in neuron.nodes.values():
        if node.name != "h" and known.issuperset(node.args):
            behind.append(node)
            known.add(node.name)
    wrong, lefts, rounds = list[int](), list[int](), 0
    for h in chunks(held.lo, held.hi):
        values = neuron.evaluated(behind, {"h": h})
        payload, after, left, fired = firing.stated(h)
        wrong += h[(values["out/spikes"] != payload) | (values["out/u"] != after)].tolist()[:1]
        lefts += [int(left.min()), int(left.max())]
        rounds = max(rounds, int(fired.max()))
    alike = {*zip(firing.thresholds, firing.amplitudes, strict=True)}
    found = {"closed_form": len(alike) == 1, "rounds_that_fire": rounds, "left_over": [min(lefts), max(lefts)]}
    return {**vars(firing), **found}, wrong
