"""Every claim about one layer of neurons, from its function, its constants and what reaches it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from snn2hw.checker.firing import Firing
from snn2hw.checker.neuron import MOST_TRIED, Neuron, Pair, Seen
from snn2hw.checker.reals import Real, stated_reals
from snn2hw.checker.tried import Tried
from snn2hw.checker.types import beyond

MOST_STEPS = 1 << 12  # until all that follows from itself alone stays
States = Mapping[str, tuple[Pair, int]]


class NeuronLayer:
    """A layer of neurons.

    Args:
        function: the ONNX function of the layer. params: its constants, one value per channel or one for all.
        stated: the layer in the file's metadata. types: of the function's values.
        inputs: lowest and highest input of each channel.
        states: state -> (interval that is claimed, initial value).
    """

    def __init__(
        self,
        function: Any,
        params: Mapping[str, Any],
        stated: Mapping[str, Any],
        inputs: list[list[int]],
        states: States,
        types: Mapping[str, int],
    ) -> None:
        self.function, self.stated, self.inputs, self.states = function, stated, inputs, states
        self.seen: dict[str, Seen] = {}
        self.tried: Tried = {}
        self.groups: list[tuple[Neuron, dict[str, Seen], dict[str, Pair], list[int]]] = []
        self.fired: dict[int, Seen] = {}  # of each channel
        self.witnesses: dict[str, dict[str, int]] = {}  # of clamps
        self.errors: dict[str, dict[str, Any]] = {}
        self.firing: dict[str, list[int]] = {}  # claim as text -> channels that fire like this
        self.faults: list[str] = []  # what no claim says and must hold all the same
        # Channels of equal constants that stand for other real numbers are at other distances from them.
        numbers = [*params.values(), *(of for of in (stated["meaning"] or {}).values() if isinstance(of, list))]
        of_each = [str([of[c % len(of)] for of in numbers]) for c in range(len(inputs))]
        for alike in dict.fromkeys(of_each):
            channels = [c for c, own in enumerate(of_each) if own == alike]
            constants = {p: int(v[channels[0] % len(v)]) for p, v in params.items()}
            # Only of a program with roles: what a user's state does that follows from itself alone is not known.
            for at in self._steps(constants) if stated["program"]["roles"] else [{}]:
                self._try(constants | at, channels, {name.removeprefix("in/"): n for name, n in at.items()})
        self.tried.clear()  # of no use to other layers, and large
        self.payloads = [self.fired[c].ends for c in range(len(inputs))]
        self.faults += [f for name, s in self.seen.items() for f in beyond(name, s.ends, types[name])]
        self._require_closed()

    def _steps(self, constants: dict[str, int]) -> Iterator[dict[str, int]]:
        """What states that follow from themselves alone are at each step, until they stay; nothing where there are none."""
        first = Neuron(self.function, constants)
        own = [s for s in self.states if first.support.get(f"out/{s}") == first.sources[f"in/{s}"]]
        at = {f"in/{s}": self.states[s][1] for s in own}
        for step in range(MOST_STEPS):
            if any(n != step for n in at.values()):
                raise ValueError(f"{own} do not count the steps: {[*at.values()]} at step {step}")
            yield at
            after = Neuron(self.function, constants | at).constants
            if at == (at := {f"in/{s}": int(after[f"out/{s}"]) for s in own}):
                return
        raise ValueError(f"{own} do not come to rest")

    def _try(self, constants: dict[str, int], channels: list[int], at_step: dict[str, int]) -> None:
        """Everything about channels that are alike; `at_step`: those of the constants that are states at some step."""
        self.neuron = neuron = Neuron(self.function, constants, tried=self.tried)
        entry = neuron.sources["in"]
        held = {neuron.sources[f"in/{s}"]: ends for s, (ends, _) in self.states.items() if s not in at_step}
        held[entry] = (min(self.inputs[c][0] for c in channels), max(self.inputs[c][1] for c in channels))
        reals = stated_reals(self.stated, entry, channels[0])
        found = neuron.ranges(held, {variable: partial(self._compare, real, channels) for variable, real in reals.items()})
        self.groups.append((neuron, found, held, channels))
        self.seen = {name: self.seen.get(name, s).hull(s) for name, s in found.items()}
        for c in channels:
            self.fired[c] = found["out/spikes"].hull(self.fired.get(c, found["out/spikes"]))
        for name, argument, lo, hi in neuron.clamps():
            before = found[argument]
            if before.lo < lo or before.hi > hi:
                at = {**before.at[before.hi > hi], **at_step}
                self.witnesses.setdefault(name, {"channel": self._entered(channels, at.get(entry)), **at})
        if (roles := self.stated["program"]["roles"]) and roles["firing"]:
            h, firing, wrong = roles["membrane"], Firing(neuron, roles["firing"]), list[int]()
            if found[h].hi - found[h].lo >= MOST_TRIED:
                raise ValueError(f"'{h}' takes {found[h].ends}, which is too much to try")
            Neuron(self.function, constants, h).follow(h, {h: found[h]}, partial(firing.compare, wrong, roles["state"]))
            claim = json.dumps({k: v for k, v in {**vars(firing), "at": at_step or None}.items() if v is not None})
            self.firing.setdefault(claim, []).extend(channels)
            self.faults += [f"the spike value or the next state is not what the constants state at {h} = {n}" for n in wrong[:1]]

    def _compare(self, real: Real, channels: list[int], raw: Any, values: Mapping[str, Any]) -> None:
        """Keep the largest distance of a value from the real number that it stands for."""
        signed = real.distance(raw, values[real.value])
        worst = int(np.abs(signed).argmax())
        channel = self._entered(channels, int(raw[worst]) if real.claim == "input" else None)
        new = {"state_lsb": abs(float(signed[worst])), "at": int(raw[worst]), "channel": channel}
        old = self.errors.get(real.claim, {"state_lsb": -1.0, "signed": [np.inf, -np.inf], "channels": {}})
        ends = [min(old["signed"][0], float(signed.min())), max(old["signed"][1], float(signed.max()))]
        each = old["channels"] | {c: max(new["state_lsb"], old["channels"].get(c, 0.0)) for c in channels}
        self.errors[real.claim] = {**max(old, new, key=lambda e: e["state_lsb"]), "signed": ends, "channels": each}

    def _entered(self, channels: list[int], x: int | None) -> int:
        """The first of the channels that this input can enter, if any."""
        return next((c for c in channels if x is not None and self.inputs[c][0] <= x <= self.inputs[c][1]), channels[0])

    def _require_closed(self) -> None:
        for state, ((lo, hi), initial) in self.states.items():
            after = self.seen[f"out/{state}"]
            if not lo <= min(after.lo, initial) <= max(after.hi, initial) <= hi:
                self.faults.append(f"'{state}' leaves [{lo}, {hi}]: it starts at {initial} and becomes {after.lo} to {after.hi}")

    def _values(self) -> dict[str, Seen]:
        """Of the program; what has a slash is ONNX's own."""
        own = {n.output[0] for n in self.function.node}
        return {name: s for name, s in self.seen.items() if name in own and "/" not in name}

    def where(self) -> dict[str, str]:
        """Claim -> values of the variables with which its ends occur, in words."""
        places = {f"values.{name}": s.at for name, s in self._values().items()}
        places |= {f"states.{state}.next": self.seen[f"out/{state}"].at for state in self.states}
        return {c: " and ".join(", ".join(f"{v} = {n}" for v, n in p.items()) for p in at) for c, at in places.items() if all(at)}

    def claims(self) -> dict[str, Any]:
        """The layer's part of the certificate."""
        values, clamps = self._values(), {}
        states = {s: {"interval": [*i], "initial": x, "next": self.seen[f"out/{s}"].ends} for s, (i, x) in self.states.items()}
        for name, argument, lo, hi in self.neuron.clamps():
            at = self.witnesses.get(name, {})
            clamps[name] = {"bounds": [lo, hi], "before": self.seen[argument].ends, "acts": bool(at), "witness": at}
        return {
            "kind": self.stated["program"]["kind"],
            "inputs": self.inputs,
            "payloads": self.payloads,
            "states": states,
            "values": {name: [*s.ends, "enumeration" if s.tried else "interval"] for name, s in values.items()},
            "widest_bits": max(1, *(max(s.hi, ~s.lo).bit_length() + (s.lo < 0) for s in values.values())),
            "clamps": clamps,
            "errors": json.loads(json.dumps(self.errors), parse_float=lambda n: round(float(n), 6)),
            "firing": [{"channels": sorted(channels), **json.loads(claim)} for claim, channels in self.firing.items()],
        }
