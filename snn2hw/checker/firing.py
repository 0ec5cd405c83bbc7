"""Firing and reset, as the constants of a function state them, compared with what it does for every membrane value h."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn2hw.checker.neuron import Neuron


class Firing:
    """The firing that a function's constants and comparisons state; its attributes are the claim."""

    def __init__(self, neuron: Neuron) -> None:
        c, nodes = neuron.constants, neuron.nodes
        rounds = [s for s in ("", *map(str, range(1, len(nodes)))) if f"up{s}/flag" in nodes]
        self.thresholds = [int(c.get(f"threshold{s}", c.get("threshold", 0))) for s in rounds]
        self.amplitudes = [int(c.get(f"amplitude{s}", 1)) for s in rounds]
        self.signed = f"down{rounds[0]}/flag" in nodes
        self.strict = nodes[f"up{rounds[0]}/flag"].op == "Greater"
        self.reset = {"after": "value", "h": "none"}.get(nodes["out/u"].args[0], "subtract")
        self.reset_value = int(c.get("reset_value", 0)) if self.reset == "value" else 0
        self.closed_form = len({*zip(self.thresholds, self.amplitudes, strict=True)}) == 1
        self.rounds_that_fire, self.left_over = 0, list[int]()

    def compare(self, wrong: list[int], h: Any, values: Mapping[str, Any]) -> None:
        """Fire values of h round by round; `wrong` gets one for which payload or next state is not what the function gives."""
        payload, r, fired = np.zeros_like(h), h, np.zeros_like(h)
        for theta, amplitude in zip(self.thresholds, self.amplitudes, strict=True):
            over, under = (r > theta, r < -theta) if self.strict else (r >= theta, r <= -theta)
            s = over.astype(np.int64) - (under & self.signed)
            payload, r, fired = payload + amplitude * s, r - theta * s, fired + np.abs(s)
        after = {"subtract": r, "value": np.where(fired > 0, self.reset_value, h), "none": h}[self.reset]
        wrong += h[(values["out/spikes"] != payload) | (values["out/u"] != after)].tolist()[:1]
        self.rounds_that_fire, ends = max(self.rounds_that_fire, int(fired.max())), [*self.left_over, int(r.min()), int(r.max())]
        self.left_over = [min(ends), max(ends)]
