"""Firing and reset, as roles and constants of a function state them, compared with what it does for every membrane value h."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn2hw.checker.neuron import Neuron


class Firing:
    """The firing that a function's comparisons and constants of these roles state; its attributes are the claim."""

    def __init__(self, neuron: Neuron, firing: Mapping[str, Any]) -> None:
        c, spikes = neuron.constants, firing["spikes"]
        flags = [neuron.nodes[f"{s['up']}/flag"] for s in spikes]
        self.thresholds = [int(c[flag.args[1]]) for flag in flags]
        self.amplitudes = [int(c[s["amplitude"]]) if s["amplitude"] else 1 for s in spikes]
        self.signed, self.strict = spikes[0]["down"] is not None, flags[0].op == "Greater"
        self.reset, self.reset_value = firing["reset"], int(c[firing["reset_value"]]) if firing["reset_value"] else 0
        self.negatives = [int(c[s["negative"]]) for s in spikes if s.get("negative")] or None  # amplitudes of negative spikes
        self.closed_form = len({*zip(self.thresholds, self.amplitudes, self.negatives or self.amplitudes, strict=True)}) == 1
        self.rounds_that_fire, self.left_over = 0, list[int]()

    def compare(self, wrong: list[int], state: str, h: Any, values: Mapping[str, Any]) -> None:
        """Fire values of h round by round; `wrong` gets one for which spike value or next state is not what the function gives.

        Args:
            state: name of the membrane. values: what the function gives, by name, for every h.
        """
        payload, r, fired = np.zeros_like(h), h, np.zeros_like(h)
        for theta, amplitude, negative in zip(self.thresholds, self.amplitudes, self.negatives or self.amplitudes, strict=True):
            over, under = (r > theta, r < -theta) if self.strict else (r >= theta, r <= -theta)
            s = over.astype(np.int64) - (under & self.signed)
            payload, r, fired = payload + np.where(s < 0, negative, amplitude) * s, r - theta * s, fired + np.abs(s)
        after = {"subtract": r, "value": np.where(fired > 0, self.reset_value, h), "none": h}[self.reset]
        wrong += h[(values["out/spikes"] != payload) | (values[f"out/{state}"] != after)].tolist()[:1]
        self.rounds_that_fire, ends = max(self.rounds_that_fire, int(fired.max())), [*self.left_over, int(r.min()), int(r.max())]
        self.left_over = [min(ends), max(ends)]
