"""A neuron function of model.onnx, tried for every integer, by the meaning that ONNX gives to its operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from onnx import numpy_helper

from snn2hw.checker.tried import OPERATORS, Node, Tried, Watch, every

MOST_TRIED = 1 << 24
Pair = tuple[Any, Any]  # lowest and highest, integers or arrays
Place = Mapping[str, int]  # values of variables


def integers(tensor: Any) -> Any:
    """A tensor that holds integers, in int64; of any other it is an error."""
    return numpy_helper.to_array(tensor).astype(np.int64, casting="safe")


# Operators whose extremes over a box of integers are at its corners; divisors are positive constants.
CORNERS = {"Cast", "Identity", "Neg", "Add", "Sub", "Mul", "Div", "Less", "Greater", "GreaterOrEqual", "Max", "Min", "Clip"}
CHOICES = {"Less": "Max", "Greater": "Min"}  # Where(x < b, b, x) is Max(x, b), Where(x > b, b, x) is Min(x, b)


class Seen(NamedTuple):
    """What is known of one value of a function: its range, whether it was tried, and where its two ends occur."""

    lo: int
    hi: int
    tried: bool
    at: tuple[Place, Place] = ({}, {})

    @property
    def ends(self) -> list[int]:
        """As claims state a range."""
        return [self.lo, self.hi]

    def hull(self, other: Seen) -> Seen:
        """Both, seen one after the other."""
        low, high = min(self, other, key=lambda s: s.lo), max(self, other, key=lambda s: s.hi)
        return Seen(low.lo, high.hi, self.tried and other.tried, (low.at[0], high.at[1]))


class Neuron:
    """A neuron function with what is constant of its inputs, for one channel; `sources` are the values of the other inputs.

    Where `free` is given, this value is a source, too: it does not follow from others. `tried` keeps what was found for other
    channels of a layer: where the same operators meet the same constants, no value is tried twice.
    """

    def __init__(self, function: Any, params: Mapping[str, int], free: str = "", tried: Tried | None = None) -> None:
        self.constants: dict[str, Any] = dict(params)
        self.tried: Tried = {} if tried is None else tried
        self.nodes: dict[str, Node] = {}
        self.sources: dict[str, str] = {}
        for node in function.node:
            (name,), op, args = node.output, node.op_type, tuple(node.input)
            if op in ("Div", "Mod") and not self.constants.get(args[1], 0) > 0:
                raise ValueError(f"{op} '{name}' by what is not a positive constant")
            if op == "Constant":
                self.constants[name] = int(integers(node.attribute[0].t))
            elif self.constants.keys() >= set(args):
                self.constants[name] = OPERATORS[op](*(self.constants[a] for a in args))
            elif name == free or (op == "Cast" and args[0] in function.input):
                self.sources[args[0]] = name
            else:
                self.nodes[name] = self._chosen(Node(name, op, args))
        self.support = self._variables()

    def _chosen(self, node: Node) -> Node:
        """The choice between two values by which of them is larger as the maximum or minimum that it is."""
        compare = self.nodes.get(node.args[0])
        if node.op == "Where" and compare and compare.op in CHOICES and compare.args[::-1] == node.args[1:]:
            return Node(node.name, CHOICES[compare.op], compare.args)
        return node

    def _variables(self) -> dict[str, str]:
        """For every value the one variable it depends on; '' for constants.

        A value in which two meet is its own variable. So is a variable clamped by constants, for its range is that of the ends;
        and such a sum, plus constants, divided by one: sums are wide, and what is left of them can be tried.
        """
        support = dict.fromkeys(self.constants, "") | {s: s for s in self.sources.values()}
        sums, divided = set[str](), set[str]()
        for name, op, args in self.nodes.values():
            met = {support[a] for a in args} - {""}
            more = not any(support[a] for a in args[1:])  # arguments that are constants
            clamped = op in ("Clip", "Max", "Min") and met == {args[0]} and more
            if more and ((op == "Div" and args[0] in sums) or (op == "Sub" and args[0] in divided and "/" in args[0])):
                divided.add(name)
            own = len(met) > 1 or clamped or (name in divided and "/" not in name)  # what has a slash is ONNX's own
            support[name] = name if own else "".join(met)
            rest = {a for a in args if support[a]}
            if own or (op in ("Add", "Sub") and len(rest) == 1 and rest <= sums):
                sums.add(name)
        return support

    def clamps(self) -> Iterator[tuple[str, str, int, int]]:
        """(name, argument, lower bound, upper bound) of every clamp: one operator or, in int64, two."""
        for name, op, args in self.nodes.values():
            inner = self.nodes.get(args[0])
            if op == "Min" and inner and inner.op == "Max" and inner.name == f"{name}/raised":
                args = (*inner.args, args[1])
            elif op != "Clip":
                continue
            yield name, args[0], int(self.constants[args[1]]), int(self.constants[args[2]])

    def ranges(self, held: Mapping[str, Pair], watch: Mapping[str, Watch]) -> dict[str, Seen]:
        """The range of every value when the sources lie in `held`; `watch` has the variables whose values are asked for."""
        seen = {name: Seen(int(value), int(value), True) for name, value in self.constants.items()}
        seen |= {name: Seen(lo, hi, True, ({name: lo}, {name: hi})) for name, (lo, hi) in held.items()}
        for name in [*self.sources.values(), *self.nodes]:
            if self.support[name] == name:
                if name not in seen:
                    seen[name] = self._met(self.nodes[name], seen)
                if seen[name].hi - seen[name].lo < MOST_TRIED:
                    self.follow(name, seen, watch.get(name))
            elif name not in seen:  # its variable was not tried
                met = self._met(self.nodes[name], seen)
                seen[name] = Seen(met.lo, met.hi, False)
        return seen

    def _met(self, node: Node, seen: Mapping[str, Seen]) -> Seen:
        """A value by the ends of its arguments alone; a sum is at its ends where its parts are."""
        args = [seen[a] for a in node.args]
        if node.op in CORNERS:
            ends = [int(OPERATORS[node.op](*corner)) for corner in product(*(a.ends for a in args))]
        elif node.op == "Where":
            ends = self._taken(node, seen)
        elif node.op == "Mod":
            m = self.constants[node.args[1]]
            ends = args[0].ends if args[0].lo >= 0 and args[0].hi < m else [0, m - 1]
        else:
            raise ValueError(f"variables meet in {node.op} '{node.name}', which this checker cannot bound")
        low, high = ({v: at for a in args if node.op == "Add" for v, at in a.at[end].items()} for end in (0, 1))
        return Seen(min(ends), max(ends), False, (low, high))

    def _taken(self, node: Node, seen: Mapping[str, Seen]) -> list[int]:
        """The ends of the arms of a choice. Where a comparison takes one, an arm that is compared is known better."""
        ends, flag = list[int](), self.nodes.get(node.args[0])
        for taken, arm in ((0, node.args[2]), (1, node.args[1])):
            lo, hi = seen[arm].ends
            if flag and flag.op in ("Greater", "GreaterOrEqual"):
                larger, smaller = flag.args if taken else flag.args[::-1]
                strict = (flag.op == "Greater") == bool(taken)  # a > b, or (not a >= b) = b > a
                lo = max(lo, seen[smaller].lo + strict) if arm == larger else lo
                hi = min(hi, seen[larger].hi - strict) if arm == smaller else hi
            if lo <= hi and seen[node.args[0]].lo <= taken <= seen[node.args[0]].hi:
                ends += [lo, hi]
        return ends

    def follow(self, name: str, seen: dict[str, Seen], watch: Watch | None) -> None:
        """Try every value of a variable for what depends on it alone.

        Args:
            name: of the variable. seen: by name; ranges of it are read, those of what depends on it are added.
            watch: called with the values tried and, by name, with what follows from them.
        """
        inside = [n for n in self.nodes.values() if self.support[n.name] == name != n.name]
        said = name.split("/", maxsplit=1)[0]  # 'fired' of the flag 'fired/flag'
        found = every(name, (seen[name].lo, seen[name].hi), inside, self.constants, self.tried, watch) if inside else {}
        for node, (low, at_low, high, at_high) in zip(inside, found.values(), strict=True):
            known = seen[node.args[0]].tried if node.op == "Cast" else True  # the number of a flag that is a variable
            seen[node.name] = Seen(low, high, known, ({said: at_low}, {said: at_high}))
