"""Firing and reset, as the constants of a function state them, tried for every membrane value h."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from snn2hw.checker.neuron import MOST_TRIED, Neuron, Seen, chunks


class Firing:
    """The firing that a function's constants and comparisons state, tried for every h."""

    def __init__(self, neuron: Neuron, suffixes: Sequence[str]) -> None:
        c, first = neuron.constants, suffixes[0]
        self.thresholds = [int(c.get(f"threshold{s}", c.get("threshold", 0))) for s in suffixes]
        self.amplitudes = [int(c.get(f"amplitude{s}", 1)) for s in suffixes]
        self.signed = f"down{first}/flag" in neuron.by_name
        self.strict = neuron.by_name[f"up{first}/flag"].op_type == "Greater"
        self.reset = {"after": "value", "h": "none"}.get(neuron.by_name["out/u"].input[0], "subtract")
        self.reset_value = int(c.get("reset_value", 0)) if self.reset == "value" else 0
        self.rounds, self.left, self.wrong = 0, list[int](), list[int]()

    def attempt(self, neuron: Neuron, held: Seen) -> None:
        """Every h from lowest to highest, through what follows from h alone."""
        if held.hi - held.lo >= MOST_TRIED:
            raise ValueError(f"h takes [{held.lo}, {held.hi}], which is too much to try")
        behind, known = [], {"h", *neuron.constants}
        for node in neuron.nodes:
            if node.output[0] != "h" and known.issuperset(node.input):
                behind.append(node)
                known.add(node.output[0])
        lefts = []
        for h in chunks(held.lo, held.hi):
            values = neuron.evaluated(behind, {"h": h})
            payload, r, fired = np.zeros_like(h), h, np.zeros_like(h)
            for theta, amplitude in zip(self.thresholds, self.amplitudes, strict=True):
                over = r > theta if self.strict else r >= theta
                under = self.signed & (r < -theta if self.strict else r <= -theta)
                s = over.astype(np.int64) - under
                payload, r, fired = payload + amplitude * s, r - theta * s, fired + np.abs(s)
            after = {"subtract": r, "value": np.where(fired > 0, self.reset_value, h), "none": h}[self.reset]
            self.wrong += h[(values["out/spikes"] != payload) | (values["out/u"] != after)][:1].tolist()
            lefts += [int(r.min()), int(r.max())]
            self.rounds = max(self.rounds, int(fired.max()))
        self.left = [min(lefts), max(lefts)]

    def claim(self) -> dict[str, Any]:
        """As in the certificate, channels left out."""
        claim = {k: vars(self)[k] for k in ("thresholds", "amplitudes", "signed", "strict", "reset", "reset_value")}
        closed = len(set(self.thresholds)) == 1 and len(set(self.amplitudes)) == 1
        return {**claim, "closed_form": closed, "rounds_that_fire": self.rounds, "left_over": self.left}


def read_firing(neuron: Neuron) -> Firing | None:
    """The firing of a function; None for a function of another make."""
    names = set(neuron.by_name)
    if "h" not in names or not {"up/flag", "up1/flag"} & names:
        return None
    levels = [str(k) for k, _ in zip(count(1), names, strict=False) if f"up{k}/flag" in names]
    return Firing(neuron, [""] if "up/flag" in names else levels)
