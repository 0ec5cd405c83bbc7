"""The equation that a layer's metadata states: its numbers, and what of the function stands for what of it.

The equation decides as the function does: every comparison has the outcome that it has in integers. What the metadata says of
which value stands for which term is not believed: it only says which comparisons are the same one, and where an error is worked
out. Where it is wrong, an error is large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from snn2hw.checker.neuron import Neuron, Seen

Key = tuple[str, str]  # what an error is of: output, states or comparisons, and its name
COMPARES = {"ge": ("GreaterOrEqual",) * 2, "gt": ("Greater",) * 2, "fire": ("GreaterOrEqual", "Greater")}
MOST_BITS = 1 << 14  # of a number that is worked out


def polynomial(a: Any, *coefficients: Any) -> Any:
    """By Horner's scheme."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * a + c
    return total


# Of the arguments, then the attributes: in float64, and exactly.
REALS: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "neg": lambda a: -a, "mul": lambda a, b: a * b, "min": np.minimum,
    "max": np.maximum, "clamp": np.clip, "not": lambda a: 1.0 - a, "select": lambda f, a, b: np.where(f != 0, a, b),
    "polynomial": polynomial,
}  # fmt: skip
EXACT: Mapping[str, Callable[..., Any]] = {
    **REALS, "min": min, "max": max, "clamp": lambda a, lo, hi: min(max(a, Fraction(lo)), Fraction(hi)),
    "not": lambda a: 1 - a, "select": lambda f, a, b: a if f else b, "constant": Fraction, "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b, "fire": lambda a, b, strict: a > b if strict else a >= b,
}  # fmt: skip


class Number(NamedTuple):
    """A number of the function, the difference of two where `minus` names one, and the terms that it stands for."""

    value: str
    minus: str
    terms: tuple[int, ...]
    frac: int
    ends: tuple[float, float] | None = None  # that hold the real number
    compared: int | None = None  # the term that compares the two


class Stated:
    """A channel of a layer: its function, what is known of its values, and the equation with the channel's numbers.

    Attributes: `frac`, binary point of every value of the program; `nodes` of the function, by what they make; `numbers`, terms
    without a state or an input in them; `values`, for each term the one that stands for it, if one does.
    """

    def __init__(self, neuron: Neuron, seen: Mapping[str, Seen], stated: Mapping[str, Any], function: Any, channel: int) -> None:
        self.neuron, self.seen, meaning = neuron, seen, stated["equation"]
        self.eq, self.values = meaning["equation"], meaning["values"]
        self.terms = self.eq["terms"]
        lines = stated["program"]["instructions"]
        self.frac = {i["name"]: int(i["format"].split(".")[1]) for i in lines}
        self.frac |= {f"out/{i['to']}": self.frac[i["name"]] for i in lines if i["op"] == "output"}
        self.nodes = {n.output[0]: (n.op_type, list(n.input)) for n in function.node}
        self.clamps = {name: (argument, lo, hi) for name, argument, lo, hi in neuron.clamps()}
        self.scale = Fraction(of_channel(meaning["input_scale"], channel))
        self.numbers: dict[int, Fraction] = {}
        for place, t in enumerate(self.terms):
            if any(a not in range(place) for a in t["args"]):
                raise ValueError(f"term {place} takes {t['args']}, which are not all before it")
            if t["op"] == "parameter":
                self.numbers[place] = Fraction(of_channel(meaning["parameters"][t["index"]], channel))
            elif t["op"] not in ("state", "input") and all(a in self.numbers for a in t["args"]):
                n = Fraction(EXACT[t["op"]](*(self.numbers[a] for a in t["args"]), *attributes(t)))
                if max(n.numerator.bit_length(), n.denominator.bit_length()) > MOST_BITS:
                    raise ValueError(f"term {place} is longer than is worked out here")
                self.numbers[place] = n

    def wanted(self) -> dict[Key, Number]:
        """What errors are claimed of, by the values of the function and the terms that they stand for."""
        updates = {s["name"]: (place, tuple(s["range"])) for s, place in zip(self.eq["states"], self.eq["updates"], strict=True)}
        found: dict[Key, Number] = {}
        out = self._leaving("out/spikes")
        for s, (place, ends) in updates.items():
            value = self._leaving(f"out/{s}")
            found["states", s] = Number(value, "", (place,), self.frac[f"out/{s}"], ends)
            if value == out and place == self.eq["output"]:
                found["output", ""] = found["states", s]
        found.setdefault(("output", ""), Number(out, "", (self.eq["output"],), self.frac["out/spikes"]))
        for place, (t, value) in enumerate(zip(self.terms, self.values, strict=True)):
            if t["op"] in COMPARES and place not in self.numbers:
                op, (first, second) = self.nodes[self.root(value)]
                if op != COMPARES[t["op"]][any(attributes(t))] or ("comparisons", value) in found:
                    raise ValueError(f"'{value}' is not the comparison of term {place}, or of two")
                found["comparisons", value] = Number(first, second, tuple(t["args"]), self.frac[first], None, place)
        return found

    def root(self, name: str) -> str:
        """The value that a value is a copy of."""
        node = self.neuron.nodes.get(name)
        return self.root(node.args[0]) if node and node.op in ("Cast", "Identity") else name

    def starts(self, of: Number) -> list[str]:
        """The states and the input that a number depends on, in the function or in the equation; the input last."""
        seen, ahead, behind = set[str](), [of.value, *filter(None, [of.minus])], {*of.terms}
        for place in range(max(behind), -1, -1):
            if place not in behind:
                continue
            behind |= {*self.terms[place]["args"]}
            source = {"input": "in", "state": f"in/{self.terms[place].get('name')}"}.get(self.terms[place]["op"])
            ahead += [self.neuron.sources[source]] if source else []
            ahead += [self.values[place]] if self.terms[place]["op"] in COMPARES and place not in self.numbers else []
        while ahead:
            name = ahead.pop()
            ahead += self.neuron.nodes[name].args if name in self.neuron.nodes and name not in seen else ()
            seen.add(name)
        entry = self.neuron.sources["in"]
        return [s for s in [*(s for s in self.neuron.sources.values() if s != entry), entry] if s in seen]

    def _leaving(self, out: str) -> str:
        """The value that leaves: what is cast, or spread over the layer by adding nothing."""
        name: str = self.nodes[out][1][0]
        op, args = self.nodes.get(name, ("", []))
        nothing = op == "Add" and self.nodes.get(args[1], ("", ["", "-"]))
        return str(args[0]) if nothing and nothing[0] == "Sub" and nothing[1][0] == nothing[1][1] else name

    def floats(self, values: Mapping[str, Any]) -> list[Any]:
        """The terms in float64."""
        found: list[Any] = []
        for place, (t, value) in enumerate(zip(self.terms, self.values, strict=True)):
            if place in self.numbers:
                found.append(float(self.numbers[place]))
            elif t["op"] == "input":
                found.append(values[self.neuron.sources["in"]] * float(self.scale))
            elif t["op"] == "state":
                name = self.neuron.sources[f"in/{t['name']}"]
                found.append(values[name] * 2.0 ** -self.frac[name])
            elif t["op"] in COMPARES:
                found.append(1.0 * values[value])
            else:
                found.append(REALS[t["op"]](*(found[a] for a in t["args"]), *attributes(t)))
        return found


def of_channel(numbers: Sequence[float], channel: int) -> float:
    """One number for all channels, or that of one."""
    return numbers[channel % len(numbers)]


def attributes(t: Mapping[str, Any]) -> list[Any]:
    """What a term has beside its arguments."""
    return [t[name] for name in ("value", "lo", "hi", "strict") if name in t]
