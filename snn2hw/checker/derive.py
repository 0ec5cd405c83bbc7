"""Every claim of certificate.json, derived again from model.onnx alone.

What a neuron computes is read from the ONNX functions, what reaches it from the graph. Only what ONNX has no place for is taken
from the file's metadata: binary points, the real polynomial, the range of the input.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from snn2hw.checker.firing import read_firing
from snn2hw.checker.layers import layer_bounds
from snn2hw.checker.neuron import Neuron, Pair, Seen, Watch

FORMAT = 1
BASIN_ROUNDS, BASIN_STATES, DIGITS = 64, 1 << 18, 6
# ONNX's integer types: uint8, int8, uint16, int16, int32, int64, bool
TYPES = {
    2: (0, 255),
    3: (-128, 127),
    4: (0, 65535),
    5: (-32768, 32767),
    6: (-(2**31), 2**31 - 1),
    7: (-(2**63), 2**63 - 1),
    9: (0, 1),
}


@dataclass
class Derivation:
    """Walks model.onnx once.

    Args:
        claimed: state intervals that the certificate claims, which are the one thing to be proved rather than computed.
    """

    data: bytes
    claimed: Mapping[str, Mapping[str, Pair]]
    where: dict[str, str] = field(default_factory=dict)  # claim -> place where its ends occur, for messages
    faults: list[str] = field(default_factory=list)  # what no claim says and must hold all the same

    def certificate(self) -> dict[str, Any]:
        """Every claim, as certificate.json should have it."""
        self.model = onnx.load_model_from_string(self.data)
        self.text = {p.key: p.value for p in self.model.metadata_props}["snn2hw.network"]
        (scan,) = [n for n in self.model.graph.node if n.op_type == "Scan"]
        body = next(a.g for a in scan.attribute if a.HasField("g"))
        self.functions = {f.domain: f for f in self.model.functions}
        values: dict[str, Pair] = {t.name: (v := numpy_helper.to_array(t), v) for t in body.initializer}
        entry = next(i for i in body.input if i.name == "x_step")
        shape = [1, *(d.dim_value for d in entry.type.tensor_type.shape.dim[1:])]
        lo, hi = _numbers(re.search(r"^IntInput\(.*?interval=\[(-?\d+), (-?\d+)\]", self.text, re.M))
        values["x_step"] = (np.full(shape, lo), np.full(shape, hi))
        layers = []
        for node in body.node:
            if node.domain in self.functions:
                claims, payload = self._neuron(node, values)
                layers.append(claims)
                values[node.output[0]] = payload
            elif node.op_type == "Constant":
                constant = numpy_helper.to_array(node.attribute[0].t)
                values[node.output[0]] = (constant, constant)
            elif "readout_before" not in node.input:
                values[node.output[0]] = layer_bounds(node, [values[i] for i in node.input])
        steps = self.model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
        lo, hi = (int(f(a)) for f, a in zip((np.min, np.max), values["logits"], strict=True))
        readout = {"step": [lo, hi], "sum": [lo * steps, hi * steps]}
        return {"format": FORMAT, "model": fingerprints(self.data), "steps": steps, "layers": layers, "readout": readout}

    def _neuron(self, call: Any, values: Mapping[str, Pair]) -> tuple[dict[str, Any], Pair]:
        function, layer = self.functions[call.domain], call.domain.split(".", 1)[1]
        x = values[call.input[0]]
        inputs = [[int(lo.min()), int(hi.max())] for lo, hi in zip(x[0][0], x[1][0], strict=True)]
        bound = dict(zip(function.input, call.input, strict=True))
        params = {inner: values[outer][0].ravel() for inner, outer in bound.items() if outer in values and inner != "in"}
        states = [i[3:] for i in function.input if i.startswith("in/") and i not in params]
        groups: dict[tuple[int, ...], list[int]] = {}
        per_channel = any(len(v) > 1 for v in params.values())
        for c in range(len(inputs)):
            key = tuple(int(v[c if len(v) > 1 else 0]) for v in params.values()) if per_channel else ()
            groups.setdefault(key, []).append(c)
        found = _Layer(self, layer, function, {s: tuple(self.claimed[layer][s]) for s in states}, inputs)
        for channels in groups.values():
            constants = {name: int(v[channels[0] if len(v) > 1 else 0]) for name, v in params.items()}
            held = (min(inputs[c][0] for c in channels), max(inputs[c][1] for c in channels))
            found.group(constants, channels, held)
        claims = found.claims(self.initial(layer, states))
        payload = np.array(claims["payloads"]).T.reshape((2, 1, -1) + (1,) * (x[0].ndim - 2))
        shape = x[0].shape
        return claims, (np.broadcast_to(payload[0], shape), np.broadcast_to(payload[1], shape))

    def initial(self, layer: str, states: Sequence[str]) -> dict[str, int]:
        """What the graph puts into each state before the first step."""
        nodes = {n.output[0]: n for n in self.model.graph.node}
        constants = {s: nodes[nodes[f"start/{layer}.{s}"].input[0]] for s in states}
        return {s: int(numpy_helper.to_array(node.attribute[0].t)) for s, node in constants.items()}


class _Layer:
    """The claims about one layer, gathered channel group by channel group."""

    def __init__(self, whole: Derivation, layer: str, function: Any, held: Mapping[str, Pair], inputs: list[list[int]]) -> None:
        self.whole, self.layer, self.function, self.held, self.inputs = whole, layer, function, held, inputs
        (self.text,) = re.findall(rf"^IntNeuron\(name='{re.escape(layer)}',.*?(?=^Int|\Z)", whole.text, re.M | re.S)
        stated = re.search(r"^, meaning=(.*)\)$", self.text, re.M)
        call: Any = ast.parse(stated[1] if stated else "None", mode="eval").body
        self.meaning = {k.arg: ast.literal_eval(k.value) for k in getattr(call, "keywords", [])}
        self.seen: dict[str, Seen] = {}
        self.errors: dict[str, dict[str, Any]] = {}
        self.payloads: dict[int, list[int]] = {}
        self.firing: dict[str, list[int]] = {}
        self.basins: list[list[int] | None] = []
        self.witnesses: dict[str, dict[str, int]] = {}

    def frac(self, name: str) -> int:
        """Binary point of a value of the program."""
        return _numbers(re.search(rf"^ +{name} = .* : [su]\d+\.(-?\d+) ", self.text, re.M))[0]

    def group(self, constants: Mapping[str, int], channels: list[int], entering: Pair) -> None:
        """Everything about channels with the same constants."""
        neuron = Neuron(self.function, constants)
        self.neuron = neuron
        held = {neuron.sources["in"]: entering, **{neuron.sources[f"in/{s}"]: h for s, h in self.held.items()}}
        watch = self._watch_errors(neuron, channels)
        firing = read_firing(neuron)
        found = neuron.ranges(held, watch)
        self.seen = {name: s.hull(self.seen[name]) if name in self.seen else s for name, s in found.items()}
        out = found["out/spikes"]
        self.payloads |= {c: [out.lo, out.hi] for c in channels}
        if firing is not None:
            firing.attempt(neuron, found["h"])
            self.firing.setdefault(json.dumps(firing.claim()), []).extend(channels)
            self.whole.faults += [
                f"layer {self.layer}: the payload or the next state is not what the constants state at h = {h}"
                for h in firing.wrong[:1]
            ]
        self.basins.append(self._basin(neuron, entering))
        for name, clamp in self._clamps(neuron, found).items():
            if clamp["acts"] and name not in self.witnesses:
                argument = neuron.argument(name)
                reached = neuron.reach(argument, found[argument].hi > clamp["bounds"][1], found)
                at = self._entered(channels, reached.get(neuron.sources["in"]))
                self.witnesses[name] = {"channel": at, **reached}

    def _entered(self, channels: list[int], x: int | None) -> int:
        """The first of the channels that this input can enter, if any."""
        return next((c for c in channels if x is not None and self.inputs[c][0] <= x <= self.inputs[c][1]), channels[0])

    def _watch_errors(self, neuron: Neuron, channels: list[int]) -> dict[str, Watch]:
        if not self.meaning:
            return {}
        rows, factors = self.meaning["coefficients"], self.meaning["input_factor"]
        argument, entry = self.meaning["argument"], neuron.sources["in"]
        lsb, raw = 2.0 ** -self.frac(argument), 2.0 ** -self.frac(entry)
        channel = channels[0]
        row = [a / lsb for a in rows[channel if len(rows) > 1 else 0]]
        factor = factors[channel if len(factors) > 1 else 0] / lsb
        pairs = (
            (argument, "polynomial", self.meaning["polynomial"], row, lsb),
            (entry, "input", self.meaning["head"], [0.0, factor], raw),
        )
        return {v: self._error(what, name, c, unit, channels, v == entry) for v, what, name, c, unit in pairs if name != v}

    def _error(self, what: str, name: str, c: Sequence[float], unit: float, channels: list[int], entering: bool) -> Watch:
        def watch(raw: Any, values: Any) -> None:
            x = raw.astype(np.float64) * unit
            real = np.full_like(x, c[-1])
            for a in c[-2::-1]:
                real = real * x + a
            signed = values[name] - real
            at = int(np.abs(signed).argmax())
            channel = self._entered(channels, int(raw[at]) if entering else None)
            new = {"state_lsb": float(abs(signed[at])), "at": int(raw[at]), "channel": channel}
            old = self.errors.get(what, {"state_lsb": -1.0, "signed": [np.inf, -np.inf]})
            ends = [min(old["signed"][0], float(signed.min())), max(old["signed"][1], float(signed.max()))]
            self.errors[what] = {**(new if new["state_lsb"] > old["state_lsb"] else old), "signed": ends}

        return watch

    def _basin(self, neuron: Neuron, entering: Pair) -> list[int] | None:
        if len(self.held) != 1:
            return None
        ((state, initial),) = self.whole.initial(self.layer, list(self.held)).items()
        lo = hi = initial
        for _ in range(BASIN_ROUNDS):
            if hi - lo >= BASIN_STATES:
                return None
            seen = neuron.ranges({neuron.sources["in"]: entering, neuron.sources[f"in/{state}"]: (lo, hi)})
            if any(c["acts"] for c in self._clamps(neuron, seen).values()):
                return None
            after = seen[f"out/{state}"]
            if lo <= after.lo and after.hi <= hi:
                return [lo, hi]
            lo, hi = min(lo, after.lo), max(hi, after.hi)
        return None

    def _clamps(self, neuron: Neuron, seen: Mapping[str, Seen]) -> dict[str, Any]:
        found = {}
        for name, node in neuron.by_name.items():
            if node.op_type == "Clip":
                argument, lo, hi = node.input
            elif node.op_type == "Where" and node.input[2] == f"{name}/raised":
                hi, (_, lo, argument) = node.input[1], neuron.by_name[node.input[2]].input
            else:
                continue
            (low, high), before = (neuron.constants[lo], neuron.constants[hi]), [seen[argument].lo, seen[argument].hi]
            found[name] = {"bounds": [low, high], "before": before, "acts": before[0] < low or before[1] > high}
        return found

    def claims(self, initial: Mapping[str, int]) -> dict[str, Any]:
        """The layer's part of the certificate."""
        to = {n.output[0]: a.i for n in self.function.node if n.op_type == "Cast" for a in n.attribute}
        for name, s in self.seen.items():
            low, high = TYPES.get(to.get(name, to[self.neuron.sources["in"]]), (1, 0))
            if s.lo < low or s.hi > high:
                self.whole.faults.append(f"layer {self.layer}: '{name}' reaches [{s.lo}, {s.hi}], beyond its type")
        for state, (lo, hi) in self.held.items():
            seen, begin = self.seen[f"out/{state}"], initial[state]
            if not (lo <= min(seen.lo, begin) and max(seen.hi, begin) <= hi):
                self.whole.faults.append(f"layer {self.layer}: '{state}' leaves [{lo}, {hi}]: it becomes {seen.lo} to {seen.hi}")
        own = {n.output[0] for n in self.function.node}  # values of the program; what has a slash is ONNX's own
        named = {name: s for name, s in self.seen.items() if "/" not in name and name in own}
        variables = {name: self.neuron.support[name] for name in named}
        for name, s in named.items():
            if s.places:
                self.whole.where[f"layers.{self.layer}.values.{name}"] = f"{variables[name]} = {s.places[0]} and {s.places[1]}"
        after = {s: [self.seen[f"out/{s}"].lo, self.seen[f"out/{s}"].hi] for s in self.held}
        clamps = self._clamps(self.neuron, self.seen)
        known = [b for b in self.basins if b is not None]
        return {
            "layer": self.layer,
            "kind": self.function.name,
            "inputs": self.inputs,
            "payloads": [self.payloads[c] for c in range(len(self.inputs))],
            "states": {s: {"interval": list(h), "initial": initial[s], "next": after[s]} for s, h in self.held.items()},
            "values": {n: [s.lo, s.hi, "enumeration" if s.tried else "interval"] for n, s in named.items()},
            "widest_bits": max(_bits(s) for s in named.values()),
            "clamps": {name: {**c, "witness": self.witnesses.get(name, {})} for name, c in clamps.items()},
            "closed_without_clamp": _hull(known) if len(known) == len(self.basins) else None,
            "errors": {what: {k: _rounded(v) for k, v in e.items()} for what, e in self.errors.items()},
            "firing": [{"channels": sorted(c), **json.loads(claim)} for claim, c in self.firing.items()],
        }


def _bits(s: Seen) -> int:
    return max(1, s.hi.bit_length()) if s.lo >= 0 else 1 + max((~s.lo).bit_length(), max(s.hi, 0).bit_length())


def fingerprints(model: bytes) -> dict[str, Any]:
    """sha256 of the file, and of its parts, so that a change can be named."""
    parsed, parts = onnx.load_model_from_string(model), dict[str, bytes]()
    for graph in (parsed.graph, *(a.g for n in parsed.graph.node for a in n.attribute if a.HasField("g"))):
        parts |= {f"initializer {t.name}": t.SerializeToString(deterministic=True) for t in graph.initializer}
        parts |= {f"node {n.name}": n.SerializeToString(deterministic=True) for n in graph.node}
    parts |= {f"function {f.domain}": f.SerializeToString(deterministic=True) for f in parsed.functions}
    parts |= {f"metadata {p.key}": p.value.encode() for p in parsed.metadata_props}
    return {"sha256": _sha(model), "parts": {name: _sha(data)[:16] for name, data in parts.items()}}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _hull(pairs: Sequence[list[int]]) -> list[int]:
    return [min(p[0] for p in pairs), max(p[1] for p in pairs)]


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _numbers(match: re.Match[str] | None) -> list[int]:
    if match is None:
        raise ValueError("the file's metadata does not state what the checker needs")
    return [int(g) for g in match.groups()]
