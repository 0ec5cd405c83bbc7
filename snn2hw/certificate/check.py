"""The checker: derives every claim of certificate.json again, from model.onnx alone, and says where they differ.

It shares no code with lowering, passes or the op table. What a neuron computes it reads from the ONNX functions, by the meaning
that ONNX gives to their operators; what reaches a neuron it reads from the graph, by intervals at every place of every layer.
Only what ONNX has no place for is taken from the file's metadata: binary points, the real polynomial, the range of the input.

Method. A value that depends on one variable (a state, the input, or a value in which several meet) is computed for every integer
the variable can be. Where variables meet, and beyond 2**24 integers, intervals are used: corners of sums and products.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, product
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

FORMAT = 1
CHUNK, MOST_TRIED, BASIN_ROUNDS, BASIN_STATES, DIGITS = 1 << 17, 1 << 24, 64, 1 << 18, 6
LIMITS = {6: 1 << 31, 7: 1 << 63}  # ONNX's int32 and int64
Pair = tuple[Any, Any]  # lowest and highest, integers or arrays

# --- neurons: what ONNX's operators do to integers ----------------------------------------------------------------------


def _divide(a: Any, b: Any) -> Any:
    return np.sign(a) * (np.abs(a) // b)  # ONNX divides integers toward zero; divisors here are positive


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "Cast": lambda a: a * np.int64(1), "Identity": lambda a: a, "Neg": lambda a: -a, "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b, "Div": _divide, "Mod": lambda a, b: a % b, "Clip": lambda a, lo, hi: np.minimum(np.maximum(a, lo), hi),
    "Max": np.maximum, "Min": np.minimum, "Less": lambda a, b: a < b, "Greater": lambda a, b: a > b, "Equal": lambda a, b: a == b,
    "GreaterOrEqual": lambda a, b: a >= b, "Where": np.where,
}  # fmt: skip
# Operators whose extremes over a box of integers are at its corners; divisors are positive constants.
CORNERS = {"Cast", "Identity", "Neg", "Add", "Sub", "Mul", "Div", "Less", "Greater", "GreaterOrEqual", "Max", "Min"}


@dataclass
class Seen:
    """What is known of one value of a function: its range, how it is known, and where the ends occur."""

    lo: int
    hi: int
    tried: bool
    where: str = ""

    def hull(self, other: Seen) -> Seen:
        return Seen(min(self.lo, other.lo), max(self.hi, other.hi), self.tried and other.tried, self.where or other.where)


class Neuron:
    """A neuron function with the constants of one channel; `sources` are the values of its input and its states."""

    def __init__(self, function: Any, params: Mapping[str, int]) -> None:
        self.constants: dict[str, Any] = dict(params)
        self.nodes: list[Any] = []
        self.sources: dict[str, str] = {}
        for node in function.node:
            (name,) = node.output
            if node.op_type == "Constant":
                self.constants[name] = int(numpy_helper.to_array(node.attribute[0].t))
            elif all(i in self.constants for i in node.input):
                self.constants[name] = OPERATORS[node.op_type](*(self.constants[i] for i in node.input))
            elif node.op_type == "Cast" and node.input[0] in function.input:
                self.sources[node.input[0]] = name
            else:
                self.nodes.append(node)
        self.by_name = {n.output[0]: n for n in self.nodes}
        self.support = self._variables()

    def _variables(self) -> dict[str, str]:
        """For every value the one variable it depends on; '' for constants. A value in which two meet is its own variable."""
        support = dict.fromkeys(self.constants, "") | {s: s for s in self.sources.values()}
        for node in self.nodes:
            (name,) = node.output
            met = {support[i] for i in node.input} - {""}
            alone = len(met) == 1 and not self._bounded(node, support)
            support[name] = met.pop() if alone else name if met else ""
        return support

    def _bounded(self, node: Any, support: Mapping[str, str]) -> bool:
        """Whether the node is max or min of a variable and a constant, which is monotone: its range is that of the ends."""
        if node.op_type == "Clip":
            return support[node.input[0]] == node.input[0]
        if node.op_type != "Where" or not node.input[0].endswith("/beyond"):
            return False
        compare, kept = self.by_name[node.input[0]], node.input[2]
        shape = compare.op_type in ("Less", "Greater") and list(compare.input) == [kept, node.input[1]]
        return shape and support[kept] == kept and support[node.input[1]] == ""

    def ranges(self, held: Mapping[str, Pair], watch: Mapping[str, Callable[[Any, Any], None]] | None = None) -> dict[str, Seen]:
        """The range of every value when the sources lie in `held`; `watch` is shown the values of each variable's slice."""
        seen = {name: Seen(int(value), int(value), True) for name, value in self.constants.items()}
        for name in [*self.sources.values(), *self.by_name]:
            if self.support[name] != name:
                continue
            seen[name] = Seen(*held[name], True) if name in held else self._met(self.by_name[name], seen)
            inside = [n for n in self.nodes if self.support[n.output[0]] == name and n.output[0] != name]
            self._follow(name, inside, seen, (watch or {}).get(name))
        return seen

    def _met(self, node: Any, seen: Mapping[str, Seen]) -> Seen:
        if self._bounded(node, self.support):
            held = seen[node.input[0] if node.op_type == "Clip" else node.input[2]]
            ends = [self._clip(node, held.lo), self._clip(node, held.hi)]
        elif node.op_type == "Where":
            ends = [end for i in node.input[1:] for end in (seen[i].lo, seen[i].hi)]
        elif node.op_type in CORNERS:
            ends = [int(OPERATORS[node.op_type](*c)) for c in product(*((seen[i].lo, seen[i].hi) for i in node.input))]
        elif node.op_type == "Mod":
            held, m = seen[node.input[0]], self.constants[node.input[1]]
            ends = [held.lo, held.hi] if 0 <= held.lo and held.hi < m else [0, m - 1]
        else:
            raise ValueError(f"variables meet in {node.op_type} '{node.output[0]}', which this checker cannot bound")
        return Seen(min(ends), max(ends), False)

    def _clip(self, node: Any, end: int) -> int:
        if node.op_type == "Clip":
            return int(OPERATORS["Clip"](end, *(self.constants[i] for i in node.input[1:])))
        bound = self.constants[node.input[1]]
        compare = self.by_name[node.input[0]]
        return max(end, bound) if compare.op_type == "Less" else min(end, bound)

    def _follow(self, name: str, inside: Sequence[Any], seen: dict[str, Seen], watch: Callable[[Any, Any], None] | None) -> None:
        lo, hi = seen[name].lo, seen[name].hi
        if not inside:
            return
        if hi - lo >= MOST_TRIED:
            for node in inside:
                seen[node.output[0]] = self._met(node, seen)
            return
        for start in range(lo, hi + 1, CHUNK):
            raw = np.arange(start, min(start + CHUNK, hi + 1), dtype=np.int64)
            values = self.evaluated(inside, {name: raw})
            for node in inside:
                out = node.output[0]
                value = values[out] * np.int64(1) + 0 * raw
                low, high = int(value.argmin()), int(value.argmax())
                new = Seen(int(value[low]), int(value[high]), True, f"{name} = {raw[low]} and {raw[high]}")
                old = seen.get(out)
                if old is not None and new.lo >= old.lo and new.hi <= old.hi:
                    new.where = old.where
                seen[out] = new if old is None else Seen(min(old.lo, new.lo), max(old.hi, new.hi), True, new.where)
            if watch is not None:
                watch(raw, values)

    def evaluated(self, nodes: Sequence[Any], start: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the nodes, by ONNX's meaning of their operators."""
        values = {**self.constants, **start}
        for node in nodes:
            values[node.output[0]] = OPERATORS[node.op_type](*(values[i] for i in node.input))
        return values


# --- layers: intervals at every place -----------------------------------------------------------------------------------


def _matmul(a: Pair, w: Pair, zero: Pair = (0, 0)) -> Pair:
    lo, hi, weight = a[0] - zero[0], a[1] - zero[0], w[0].astype(np.float64)  # exact: sums stay far below 2**53
    up, down = np.maximum(weight, 0), np.minimum(weight, 0)
    return tuple(np.rint(s).astype(np.int64) for s in (lo @ up + hi @ down, hi @ up + lo @ down))  # type: ignore[return-value]


def _slice(a: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    index = [slice(None)] * a.ndim
    for s, e, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = slice(int(s), int(e), int(step))
    return a[tuple(index)]


def _pad(a: Any, pads: Any, value: Any) -> Any:
    half = len(pads) // 2
    return np.pad(a, list(zip(pads[:half], pads[half:], strict=True)), constant_values=int(value))


def _layer(node: Any, args: Sequence[Pair]) -> Pair:
    """Lowest and highest value of a layer's operator; every one but the products is monotone, so its ends go with the ends."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in ("MatMul", "MatMulInteger"):
        return _matmul(*args)
    if node.op_type == "Mul" and np.min(args[1][0]) < 0:
        raise ValueError(f"a product with a negative constant in '{node.name}'")
    table: Mapping[str, Callable[..., Any]] = {
        "Cast": lambda a: a, "Identity": lambda a: a, "Add": lambda a, b: a + b, "Mul": lambda a, b: a * b, "Max": np.maximum,
        "Transpose": lambda a: np.transpose(a, attributes["perm"]), "Reshape": lambda a, s: a.reshape([int(d) for d in s]),
        "Concat": lambda *a: np.concatenate(a, attributes["axis"]), "Slice": _slice, "Pad": _pad,
        "ReduceSum": lambda a, axes: a.sum(tuple(int(x) for x in axes), keepdims=bool(attributes["keepdims"])),
    }  # fmt: skip
    return table[node.op_type](*(a[0] for a in args)), table[node.op_type](*(a[1] for a in args))


# --- the certificate, derived again ---------------------------------------------------------------------------------------


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
                values[node.output[0]] = _layer(node, [values[i] for i in node.input])
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
        found = _Layer(self, layer, function, {s: tuple(self.claimed[layer][s]) for s in states})
        for channels in groups.values():
            constants = {name: int(v[channels[0] if len(v) > 1 else 0]) for name, v in params.items()}
            held = (min(inputs[c][0] for c in channels), max(inputs[c][1] for c in channels))
            found.group(constants, channels, held)
        claims = found.claims(inputs, self.initial(layer, states))
        payload = np.array(claims["payloads"]).T.reshape((2, 1, -1) + (1,) * (x[0].ndim - 2))
        shape = x[0].shape
        return claims, (np.broadcast_to(payload[0], shape), np.broadcast_to(payload[1], shape))

    def initial(self, layer: str, states: Sequence[str]) -> dict[str, int]:
        nodes = {n.output[0]: n for n in self.model.graph.node}
        found = {}
        for s in states:
            constant = nodes[nodes[f"start/{layer}.{s}"].input[0]]
            found[s] = int(numpy_helper.to_array(constant.attribute[0].t))
        return found


class _Layer:
    """The claims about one layer, gathered channel group by channel group."""

    def __init__(self, whole: Derivation, layer: str, function: Any, held: Mapping[str, Pair]) -> None:
        self.whole, self.layer, self.function, self.held = whole, layer, function, held
        (self.text,) = re.findall(rf"^IntNeuron\(name='{re.escape(layer)}',.*?(?=^Int|\Z)", whole.text, re.M | re.S)
        stated = re.search(r"^, meaning=(.*)\)$", self.text, re.M)
        call: Any = ast.parse(stated[1] if stated else "None", mode="eval").body
        self.meaning = {k.arg: ast.literal_eval(k.value) for k in getattr(call, "keywords", [])}
        self.seen: dict[str, Seen] = {}
        self.errors: dict[str, dict[str, Any]] = {}
        self.payloads: dict[int, list[int]] = {}
        self.firing: dict[str, list[int]] = {}
        self.basins: list[list[int] | None] = []

    def frac(self, name: str) -> int:
        return _numbers(re.search(rf"^ +{name} = .* : [su]\d+\.(-?\d+) ", self.text, re.M))[0]

    def group(self, constants: Mapping[str, int], channels: list[int], entering: Pair) -> None:
        """Everything about channels with the same constants."""
        neuron = Neuron(self.function, constants)
        self.neuron = neuron
        held = {neuron.sources["in"]: entering, **{neuron.sources[f"in/{s}"]: h for s, h in self.held.items()}}
        watch = self._watch_errors(neuron, channels[0])
        firing = _read_firing(neuron)
        found = neuron.ranges(held, watch)
        self.seen = {name: s.hull(self.seen[name]) if name in self.seen else s for name, s in found.items()}
        out = found["out/spikes"]
        self.payloads |= dict.fromkeys(channels, [out.lo, out.hi])
        if firing is not None:
            firing.attempt(neuron, found["h"])
            self.firing.setdefault(json.dumps(firing.claim()), []).extend(channels)
            self.whole.faults += [
                f"layer {self.layer}: the payload or the next state is not what the constants state at h = {h}"
                for h in firing.wrong[:1]
            ]
        self.basins.append(self._basin(neuron, entering))

    def _watch_errors(self, neuron: Neuron, channel: int) -> dict[str, Callable[[Any, Any], None]]:
        if not self.meaning:
            return {}
        rows, factors = self.meaning["coefficients"], self.meaning["input_factor"]
        argument, entry = self.meaning["argument"], neuron.sources["in"]
        lsb, raw = 2.0 ** -self.frac(argument), 2.0 ** -self.frac(entry)
        row = [a / lsb for a in rows[channel if len(rows) > 1 else 0]]
        factor = factors[channel if len(factors) > 1 else 0] / lsb
        pairs = (
            (argument, "polynomial", self.meaning["polynomial"], row, lsb),
            (entry, "input", self.meaning["head"], [0.0, factor], raw),
        )
        return {v: self._error(what, name, c, unit, channel) for v, what, name, c, unit in pairs if name != v}

    def _error(self, what: str, name: str, c: Sequence[float], unit: float, channel: int) -> Callable[[Any, Any], None]:
        def watch(raw: Any, values: Any) -> None:
            x = raw.astype(np.float64) * unit
            real = np.full_like(x, c[-1])
            for a in c[-2::-1]:
                real = real * x + a
            error = np.abs(values[name] - real)
            at = int(error.argmax())
            if what not in self.errors or error[at] > self.errors[what]["state_lsb"]:
                self.errors[what] = {"state_lsb": float(error[at]), "at": int(raw[at]), "channel": channel}

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

    def claims(self, inputs: list[list[int]], initial: Mapping[str, int]) -> dict[str, Any]:
        """The layer's part of the certificate."""
        (to,) = {a.i for n in self.function.node if n.output[0] == self.neuron.sources["in"] for a in n.attribute}
        for name, s in self.seen.items():
            if max(-s.lo, s.hi + 1) > LIMITS[to]:
                self.whole.faults.append(f"layer {self.layer}: '{name}' reaches [{s.lo}, {s.hi}], beyond its type")
        for state, (lo, hi) in self.held.items():
            after, begin = self.seen[f"out/{state}"], initial[state]
            if not (lo <= min(after.lo, begin) and max(after.hi, begin) <= hi):
                self.whole.faults.append(
                    f"layer {self.layer}: '{state}' leaves [{lo}, {hi}]: it becomes {after.lo} to {after.hi}"
                )
        named = {name: s for name, s in self.seen.items() if "/" not in name and (name in self.function_values())}
        self.whole.where |= {f"layers.{self.layer}.values.{name}": s.where for name, s in named.items()}
        known = [b for b in self.basins if b is not None]
        return {
            "layer": self.layer,
            "kind": self.function.name,
            "inputs": inputs,
            "payloads": [self.payloads[c] for c in range(len(inputs))],
            "states": {
                s: {"interval": list(h), "initial": initial[s], "next": [self.seen[f"out/{s}"].lo, self.seen[f"out/{s}"].hi]}
                for s, h in self.held.items()
            },
            "values": {n: [s.lo, s.hi, "enumeration" if s.tried else "interval"] for n, s in named.items()},
            "widest_bits": max(_bits(s) for s in named.values()),
            "clamps": self._clamps(self.neuron, self.seen),
            "closed_without_clamp": [min(b[0] for b in known), max(b[1] for b in known)]
            if len(known) == len(self.basins)
            else None,
            "errors": {k: {**e, "state_lsb": round(e["state_lsb"], DIGITS)} for k, e in self.errors.items()},
            "firing": [{"channels": sorted(c), **json.loads(claim)} for claim, c in self.firing.items()],
        }

    def function_values(self) -> set[str]:
        return {n.output[0] for n in self.function.node}


class _Firing:
    """The firing that a function's constants and comparisons state, tried for every h."""

    def __init__(self, neuron: Neuron, suffixes: Sequence[str]) -> None:
        c, first = neuron.constants, suffixes[0]
        self.thetas = [int(c.get(f"threshold{s}", c.get("threshold", 0))) for s in suffixes]
        self.amplitudes = [int(c.get(f"amplitude{s}", 1)) for s in suffixes]
        self.signed = f"down{first}/flag" in neuron.by_name
        self.strict = neuron.by_name[f"up{first}/flag"].op_type == "Greater"
        self.reset = {"after": "value", "h": "none"}.get(neuron.by_name["out/u"].input[0], "subtract")
        self.reset_value = int(c.get("reset_value", 0)) if self.reset == "value" else 0
        self.rounds, self.left, self.wrong = 0, list[int](), list[int]()

    def attempt(self, neuron: Neuron, held: Seen) -> None:
        """Every h from lowest to highest, through what follows from h alone."""
        behind, known = [], {"h", *neuron.constants}
        for node in neuron.nodes:
            if node.output[0] != "h" and known.issuperset(node.input):
                behind.append(node)
                known.add(node.output[0])
        lefts = []
        for start in range(held.lo, held.hi + 1, CHUNK):
            h = np.arange(start, min(start + CHUNK, held.hi + 1), dtype=np.int64)
            values = neuron.evaluated(behind, {"h": h})
            payload, r, fired = np.zeros_like(h), h, np.zeros_like(h)
            for theta, amplitude in zip(self.thetas, self.amplitudes, strict=True):
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
        closed = len(set(self.thetas)) == 1 and len(set(self.amplitudes)) == 1
        return {
            "thresholds": self.thetas, "amplitudes": self.amplitudes, "signed": self.signed, "strict": self.strict,
            "reset": self.reset, "reset_value": self.reset_value, "closed_form": closed, "rounds_that_fire": self.rounds, "left_over": self.left,
        }  # fmt: skip


def _read_firing(neuron: Neuron) -> _Firing | None:
    names = set(neuron.by_name)
    if "h" not in names or not {"up/flag", "up1/flag"} & names:
        return None
    levels = [str(k) for k, _ in zip(count(1), names, strict=False) if f"up{k}/flag" in names]
    return _Firing(neuron, [""] if "up/flag" in names else levels)


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


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _numbers(match: re.Match[str] | None) -> list[int]:
    if match is None:
        raise ValueError("the file's metadata does not state what the checker needs")
    return [int(g) for g in match.groups()]
