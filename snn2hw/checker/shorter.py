"""Whether a layer's function, the simplified one, gives what its lowered one gives, for every state and every input.

Both are worked out side by side, value by value, over those of one name. Each is brought into one form,

    sum of whole multiples of terms, plus a whole number      terms: what enters, floor(form / number), and what is none of these

so that 16384 * u / 2**15 and u / 2 are the same. Where the forms differ, as those of firing do, both are tried for every integer
of the nearest value that they follow from. Nothing is believed: a value that is found equal by neither is not equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import gcd
from typing import Any, NamedTuple

import numpy as np

from snn2hw.checker.neuron import MOST_TRIED, Neuron, Seen
from snn2hw.checker.neuron_layer import NeuronLayer
from snn2hw.checker.tried import CHUNK, OPERATORS
from snn2hw.checker.types import beyond

COMPARES = ("Greater", "GreaterOrEqual", "Less", "Equal")
Term = Any  # hashable: a name, or (operator, forms and numbers ...)


class Form(NamedTuple):
    """factors[term] * term, all of them, + constant; lo and hi hold what it can be."""

    factors: frozenset[tuple[Term, int]]
    constant: int
    lo: int
    hi: int

    @property
    def content(self) -> int:
        """What divides it whole."""
        return gcd(self.constant, *(n for _, n in self.factors))

    def same(self, other: Form) -> bool:
        """Whether both are the same numbers, by their terms."""
        return (self.factors, self.constant) == (other.factors, other.constant)


def number(n: int) -> Form:
    """A constant."""
    return Form(frozenset(), n, n, n)


def term(name: Term, lo: int, hi: int) -> Form:
    """A term alone.

    Args:
        name: of it. lo, hi: its ends.
    """
    return number(lo) if lo == hi else Form(frozenset({(name, 1)}), 0, lo, hi)


def combined(a: Form, b: Form, times: int = 1) -> Form:
    """a + times * b.

    Args:
        a, b: forms. times: a whole number.
    """
    factors = dict(a.factors)
    for of, n in b.factors:
        factors[of] = factors.get(of, 0) + times * n
    ends = sorted((times * b.lo, times * b.hi))
    kept = frozenset((of, n) for of, n in factors.items() if n)
    constant = a.constant + times * b.constant
    return Form(kept, constant, a.lo + ends[0], a.hi + ends[1]) if kept else number(constant)


def divided(a: Form, by: int) -> Form:
    """Toward zero, by a positive number."""
    if a.lo >= 0:
        return _floored(a, by)
    if a.hi <= 0:
        return combined(number(0), _floored(combined(number(0), a, -1), by), -1)
    a, by = _reduced(a, by)
    return a if by == 1 else term(("/", a.factors, a.constant, by), -(-a.lo // by), a.hi // by)


def _floored(a: Form, by: int) -> Form:
    """floor(a / by): whole multiples of `by` come out of it."""
    if a.lo // by == a.hi // by:
        return number(a.lo // by)
    whole = Form(frozenset((of, n // by) for of, n in a.factors if n // by), a.constant // by, 0, 0)
    rest = Form(frozenset((of, n % by) for of, n in a.factors if n % by), a.constant % by, 0, 0)
    if not rest.factors:
        return Form(whole.factors, whole.constant, a.lo // by, a.hi // by)
    rest, by_rest = _reduced(rest, by)
    left = frozenset({(("floor", rest.factors, rest.constant, by_rest), 1)})
    made = combined(whole, Form(left, 0, 0, 0))  # which `whole` may hold, too
    return made._replace(lo=a.lo // by, hi=a.hi // by) if made.factors else made


def _reduced(a: Form, by: int) -> tuple[Form, int]:
    g = gcd(a.content, by)
    return Form(frozenset((of, n // g) for of, n in a.factors), a.constant // g, a.lo // g, -(-a.hi // g)), by // g


def _product(a: Form, b: Form) -> Form:
    for x, y in ((a, b), (b, a)):
        if not x.factors:
            return combined(number(0), y, x.constant)
    out = a.content * b.content
    parts = frozenset(_reduced(x, x.content)[0][:2] for x in (a, b))  # one of a square
    ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    one = term(("*", parts), min(ends) // out, -(-max(ends) // out))
    return combined(number(0), one, out)


def _larger(a: Form, b: Form) -> Form:
    apart = combined(a, b, -1)
    if apart.lo >= 0 or a.lo >= b.hi:
        return a
    if apart.hi <= 0 or a.hi <= b.lo:
        return b
    return term(("max", frozenset((a[:2], b[:2]))), max(a.lo, b.lo), max(a.hi, b.hi))


def _smaller(a: Form, b: Form) -> Form:
    least = _larger(combined(number(0), a, -1), combined(number(0), b, -1))
    return combined(number(0), least, -1)


def _compared(op: str, a: Form, b: Form) -> Form:
    if op == "Less":
        op, a, b = "Greater", b, a
    apart = combined(a, b, -1)
    always, never = {
        "Greater": (apart.lo > 0, apart.hi <= 0),
        "GreaterOrEqual": (apart.lo >= 0, apart.hi < 0),
        "Equal": (apart.lo == apart.hi == 0, apart.lo > 0 or apart.hi < 0),
    }[op]
    return number(int(always)) if always or never else term((op, *apart[:2]), 0, 1)


def _chosen(flag: Form, a: Form, b: Form) -> Form:
    if not flag.factors or a.same(b):
        return a if flag.constant or a.same(b) else b
    return term(("where", *flag[:2], *a[:2], *b[:2]), min(a.lo, b.lo), max(a.hi, b.hi))


# What ONNX's operators make of forms; divisors are positive constants.
FORMS: Mapping[str, Callable[..., Form]] = {
    "Cast": lambda a: a, "Identity": lambda a: a, "Add": combined, "Sub": lambda a, b: combined(a, b, -1), "Mul": _product,
    "Neg": lambda a: combined(number(0), a, -1), "Div": lambda a, b: divided(a, b.constant), "Max": _larger, "Min": _smaller,
    "Mod": lambda a, b: combined(a, _floored(a, b.constant), -b.constant), "Where": _chosen,
    "Clip": lambda a, lo, hi: _smaller(_larger(a, lo), hi), **{op: partial(_compared, op) for op in COMPARES},
}  # fmt: skip


def unproved(layer: NeuronLayer, function: Any, params: Mapping[str, Any], types: Mapping[str, int]) -> list[str]:
    """What of a shorter function of a layer is not found equal, or leaves its type, in words.

    Args:
        layer: with its own function, whose inputs and outputs the shorter one has, by their names.
        function: the shorter one in ONNX. params: its constants, by input, one for all or one for each channel.
        types: of its values.
    """
    faults: dict[str, None] = {}
    for neuron, seen, _, channels in layer.groups:
        for own in _constants(params, channels):
            at = {i: neuron.constants[i] for i in function.input if i in neuron.constants and i not in own}
            short = Neuron(function, at | own)
            if strange := short.sources.keys() - neuron.sources.keys():
                return [*faults, f"'{min(strange)}' of the simplified program does not enter the layer"]
            both = Both(neuron, short, seen)
            differing = both.differing(layer.function.output)
            faults |= dict.fromkeys(f"'{name}' of the simplified program is not proved" for name in differing)
            for name, made in both.forms[1].items():
                faults |= dict.fromkeys(beyond(name, [made.lo, made.hi], types[name], " of the simplified program"))
    return list(faults)


def _constants(params: Mapping[str, Any], channels: Sequence[int]) -> list[dict[str, int]]:
    """What the constants are at these channels; channels that are alike in the long function may differ in the shorter one."""
    rows = dict.fromkeys(tuple(int(v[c % len(v)]) for v in params.values()) for c in channels)
    return [dict(zip(params, row, strict=True)) for row in rows]


class Both:
    """Both functions of one channel.

    Args:
        long, short: the lowered one, and the shorter one, which nothing else enters. seen: ranges of the long one's values.
    """

    def __init__(self, long: Neuron, short: Neuron, seen: Mapping[str, Seen]) -> None:
        self.long, self.short, self.seen = long, short, seen
        self.forms: list[dict[str, Form]] = [{n: number(int(v)) for n, v in f.constants.items()} for f in (long, short)]
        self.equal = {name for entry, name in short.sources.items() if long.sources[entry] == name}
        for f, forms in zip((long, short), self.forms, strict=True):
            for entry, name in f.sources.items():  # the same where the same enters, whatever each calls it
                own = long.sources[entry]
                forms[name] = term(own, seen[own].lo, seen[own].hi)

    def differing(self, outputs: Sequence[str]) -> Iterator[str]:
        """Which of these outputs of the long one are not found equal; those are that the shorter one does not have."""
        for name in self.long.nodes:
            self._form(0, name)
        for name in self.short.nodes:
            self._form(1, name)
            if name in self.forms[0] and self._same(name):
                self.equal.add(name)
        yield from (name for name in outputs if name not in self.equal and not self._constant(name))

    def _constant(self, name: str) -> bool:
        """Whether a value that is the same everywhere is the same in both."""
        first, second = (forms.get(name) for forms in self.forms)
        return first is not None and second is not None and not first.factors and first.same(second)

    def _form(self, which: int, name: str) -> None:
        """The form of a value, within the range that is known of it."""
        forms, node = self.forms[which], (self.long, self.short)[which].nodes[name]
        made = FORMS[node.op](*(forms[a] for a in node.args))
        if which == 0 and name in self.seen:
            lo, hi = max(made.lo, self.seen[name].lo), min(made.hi, self.seen[name].hi)
            made = made._replace(lo=lo, hi=hi) if made.factors and lo <= hi else made
        forms[name] = made

    def _same(self, name: str) -> bool:
        first, second = (forms[name] for forms in self.forms)
        own = "/" in name and not name.startswith("out/")  # ONNX's, within the making of a value
        if first.same(second) or (not own and self._tried(name)):
            self.forms[1][name] = first  # within the range that is known, however it came about
            return True
        return False

    def _tried(self, name: str) -> bool:
        """Whether both are the same for every integer of the nearest value that both follow from."""
        for v in reversed([e for e in [*self.short.sources.values(), *self.short.nodes] if e in self.equal]):
            cones = [_cone(f, name, v) for f in (self.long, self.short)]
            lo, hi = self.seen[v].ends if v in self.seen else (0, MOST_TRIED)
            if None in cones or hi - lo >= MOST_TRIED:
                continue
            if all(self._agree(name, v, cones, start, min(start + CHUNK, hi + 1)) for start in range(lo, hi + 1, CHUNK)):
                return True
        return False

    def _agree(self, name: str, v: str, cones: Sequence[Any], start: int, stop: int) -> bool:
        found = []
        for f, cone in zip((self.long, self.short), cones, strict=True):
            values = {**f.constants, v: np.arange(start, stop, dtype=np.int64)}
            for node in cone:
                values[node.name] = OPERATORS[node.op](*(values[a] for a in node.args))
            found.append(values[name])
        return bool(np.all(found[0] == found[1]))


def _cone(f: Neuron, name: str, v: str) -> list[Any] | None:
    """What leads from a value to another, in order; None where something else that enters does, too."""
    needed, waiting = set[str](), [name]
    while waiting:
        at = waiting.pop()
        if at in f.constants or at == v or at in needed:
            continue
        if at not in f.nodes:
            return None
        needed.add(at)
        waiting += f.nodes[at].args
    return [node for node in f.nodes.values() if node.name in needed]
