"""A neuron function of model.onnx, tried for every integer, by the meaning that ONNX gives to its operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from onnx import numpy_helper

CHUNK, MOST_TRIED = 1 << 17, 1 << 24
Pair = tuple[Any, Any]  # lowest and highest, integers or arrays
Watch = Callable[[Any, Any], None]  # is shown every value of a variable and what follows from it


def chunks(lo: int, hi: int) -> Iterator[Any]:
    """All integers from lo to hi, piece by piece."""
    for start in range(lo, hi + 1, CHUNK):
        yield np.arange(start, min(start + CHUNK, hi + 1), dtype=np.int64)


def _divide(a: Any, b: Any) -> Any:
    return np.sign(a) * (np.abs(a) // b)  # ONNX divides integers toward zero; divisors here are positive


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "Cast": lambda a: a * np.int64(1), "Identity": lambda a: a, "Neg": lambda a: -a, "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b, "Div": _divide, "Mod": lambda a, b: a % b, "Max": np.maximum,
    "Min": np.minimum, "Clip": lambda a, lo, hi: np.minimum(np.maximum(a, lo), hi), "Where": np.where, "Less": np.less,
    "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Equal": np.equal,
}  # fmt: skip
# Operators whose extremes over a box of integers are at its corners; divisors are positive constants.
CORNERS = {"Cast", "Identity", "Neg", "Add", "Sub", "Mul", "Div", "Less", "Greater", "GreaterOrEqual", "Max", "Min"}


@dataclass
class Seen:
    """What is known of one value of a function: its range, how it is known, and where the ends occur."""

    lo: int
    hi: int
    tried: bool
    places: tuple[int, int] | None = None  # of its variable, where the ends occur first

    def hull(self, other: Seen) -> Seen:
        """Both, seen one after the other."""
        mine, others = self.places, other.places
        low = (self.lo, mine and mine[0]) if self.lo <= other.lo else (other.lo, others and others[0])
        high = (self.hi, mine and mine[1]) if self.hi >= other.hi else (other.hi, others and others[1])
        places = None if low[1] is None or high[1] is None else (low[1], high[1])
        return Seen(low[0], high[0], self.tried and other.tried, places)


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
            return bool(support[node.input[0]] == node.input[0])
        if node.op_type != "Where" or not node.input[0].endswith("/beyond"):
            return False
        compare, kept = self.by_name[node.input[0]], node.input[2]
        shape = compare.op_type in ("Less", "Greater") and list(compare.input) == [kept, node.input[1]]
        return bool(shape and support[kept] == kept and support[node.input[1]] == "")

    def ranges(self, held: Mapping[str, Pair], watch: Mapping[str, Watch] | None = None) -> dict[str, Seen]:
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
            ends = [held.lo, held.hi] if held.lo >= 0 and held.hi < m else [0, m - 1]
        else:
            raise ValueError(f"variables meet in {node.op_type} '{node.output[0]}', which this checker cannot bound")
        return Seen(min(ends), max(ends), False)

    def _clip(self, node: Any, end: int) -> int:
        if node.op_type == "Clip":
            return int(OPERATORS["Clip"](end, *(self.constants[i] for i in node.input[1:])))
        bound = int(self.constants[node.input[1]])
        compare = self.by_name[node.input[0]]
        return max(end, bound) if compare.op_type == "Less" else min(end, bound)

    def _follow(self, name: str, inside: Sequence[Any], seen: dict[str, Seen], watch: Watch | None) -> None:
        lo, hi = seen[name].lo, seen[name].hi
        if not inside:
            return
        if hi - lo >= MOST_TRIED:
            for node in inside:
                seen[node.output[0]] = self._met(node, seen)
            return
        for raw in chunks(lo, hi):
            values = self.evaluated(inside, {name: raw})
            for node in inside:
                out = node.output[0]
                value = values[out] * np.int64(1) + 0 * raw
                low, high = int(value.argmin()), int(value.argmax())
                new = Seen(int(value[low]), int(value[high]), True, (int(raw[low]), int(raw[high])))
                seen[out] = seen[out].hull(new) if out in seen else new
            if watch is not None:
                watch(raw, values)

    def argument(self, clamp: str) -> str:
        """The value that a clamp, in one operator or two, is applied to."""
        node = self.by_name[clamp]
        return str(node.input[0] if node.op_type == "Clip" else self.by_name[node.input[2]].input[2])

    def reach(self, name: str, high: bool, seen: Mapping[str, Seen]) -> dict[str, int]:
        """Values of variables for which a value is at its lowest or highest; a sum is where its parts are."""
        variable, known = self.support[name], seen[name]
        if variable != name:
            return {variable: known.places[high]} if variable and known.places else {}
        node = self.by_name.get(name)
        if node is None:
            return {name: known.hi if high else known.lo}
        parts = [self.reach(i, high, seen) for i in node.input] if node.op_type == "Add" else []
        return {v: value for part in parts for v, value in part.items()}

    def evaluated(self, nodes: Sequence[Any], start: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the nodes, by ONNX's meaning of their operators."""
        values = {**self.constants, **start}
        for node in nodes:
            values[node.output[0]] = OPERATORS[node.op_type](*(values[i] for i in node.input))
        return values
