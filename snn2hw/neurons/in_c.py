"""An equation and its derivative through all steps, as C for float32, in one pass over the memory.

The floats are those of torch in `snn2hw.nn.steps` and `steps_back`, operation by operation.

The form of the equation is in the text, its numbers are not: layers that differ in numbers only
share one library. Every term is a variable of one loop over neurons, which a compiler turns into
vector code; what is remembered, and nothing else, goes through the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from snn2hw.neurons.equation import SOURCES, Attr, Equation, Op
from snn2hw.neurons.plan import Plan

LAYER, CHANNEL, STEP = "layer", "channel", "step"  # what a number belongs to
RECTANGLE, TRIANGLE, ATAN, GIVEN = "rectangle", "triangle", "atan", "given"  # surrogates
PI = 3.141592653589793

# Of terms that take others: the arguments, then what gives the name of a number that stands in the equation.
EXPRESSIONS: Mapping[Op, Callable[[Sequence[str], Sequence[Attr], Callable[[float], str]], str]] = {
    Op.ADD: lambda a, t, k: f"{a[0]} + {a[1]}",
    Op.SUB: lambda a, t, k: f"{a[0]} - {a[1]}",
    Op.NEG: lambda a, t, k: f"-{a[0]}",
    Op.MUL: lambda a, t, k: f"{a[0]} * {a[1]}",
    Op.DIV: lambda a, t, k: f"{a[0]} / {a[1]}",
    Op.MIN: lambda a, t, k: f"least({a[0]}, {a[1]})",
    Op.MAX: lambda a, t, k: f"most({a[0]}, {a[1]})",
    Op.CLAMP: lambda a, t, k: f"clamp({a[0]}, {k(float(t[0]))}, {k(float(t[1]))})",
    Op.GE: lambda a, t, k: f"{a[0]} >= {a[1]} ? 1.0f : 0.0f",
    Op.GT: lambda a, t, k: f"{a[0]} > {a[1]} ? 1.0f : 0.0f",
    Op.FIRE: lambda a, t, k: f"{a[0]} {'>' if t[0] else '>='} {a[1]} ? 1.0f : 0.0f",
    Op.NOT: lambda a, t, k: f"1.0f - {a[0]}",
    Op.DETACH: lambda a, t, k: a[0],
    Op.SELECT: lambda a, t, k: f"{a[0]} != 0.0f ? {a[1]} : {a[2]}",
    Op.POLYNOMIAL: lambda a, t, k: _horner(a),
}


def _horner(a: Sequence[str]) -> str:
    y = a[-1]
    for coefficient in a[-2:0:-1]:
        y = f"({y} * {a[0]} + {coefficient})"
    return y


@dataclass(frozen=True)
class Source:
    """C text, and the numbers of the equation that it takes as `k`."""

    text: str
    numbers: tuple[float, ...]


@lru_cache(maxsize=256)
def forwards(plan: Plan, kinds: tuple[str, ...], watched: bool) -> Source:
    """The source of `run` of forwards.c.

    Args:
        plan: the equation, and what every step remembers. kinds: of every number, what it belongs to.
        watched: whether the watched value leaves as well.
    """
    text = _Text(plan, kinds)
    return text.source("forwards.c", text.forwards(watched))


@lru_cache(maxsize=256)
def backwards(plan: Plan, kinds: tuple[str, ...], surrogate: str, widths: bool, watched: bool) -> Source:
    """The source of `run` of backwards.c.

    Args:
        plan, kinds: as in `forwards`.
        surrogate: one of the four words; slopes and width slopes that are given come for each FIRE in order.
        widths: whether the gradient of the width is wanted. watched: whether the watched value has a gradient.
    """
    text = _Text(plan, kinds)
    return text.source("backwards.c", text.backwards(surrogate, widths, watched))


def fires(equation: Equation) -> list[int]:
    """Places of the FIRE terms."""
    return [n for n, t in enumerate(equation.terms) if t.op is Op.FIRE]


class _Text:
    def __init__(self, plan: Plan, kinds: tuple[str, ...]) -> None:
        self.plan, self.equation, self.kinds = plan, plan.equation, kinds
        self.numbers: list[float] = []

    def source(self, template: str, parts: Mapping[str, Sequence[str]]) -> Source:
        """The template with its parts, each line of them where its mark stands."""
        once = [f"const float k{n} = k[{n}];" for n in range(len(self.numbers))] + ["(void)k, (void)numbers;"]
        filled = {**parts, "ONCE": [*parts["ONCE"], *once], "COMMON": _template("common.c").splitlines()}
        lines = []
        for line in _template(template).splitlines():
            mark = line.strip()
            if mark.startswith("@") and mark.endswith("@"):
                lines += [line.replace(mark, part) for part in filled[mark.strip("@")]]
            else:
                lines.append(line)
        return Source("\n".join(lines) + "\n", tuple(self.numbers))

    def constant(self, value: float) -> str:
        """The name of a number that stands in the equation."""
        if value not in self.numbers:
            self.numbers.append(value)
        return f"k{self.numbers.index(value)}"

    def once(self) -> list[str]:
        """Numbers of the layer."""
        return [f"const float p{n} = numbers[{n}][0];" for n, kind in enumerate(self.kinds) if kind == LAYER]

    def lanes(self) -> list[str]:
        """Numbers of the channels, one for each neuron of a block."""
        found = [n for n, kind in enumerate(self.kinds) if kind == CHANNEL]
        return [f"float p{n}[BLOCK];\n        spread(sizes, numbers[{n}], at, n, p{n});" for n in found]

    def of_step(self, t: str) -> list[str]:
        """Numbers of a step."""
        found = [n for n, kind in enumerate(self.kinds) if kind == STEP]
        return [f"const float p{n} = numbers[{n}][{t} < sizes[{4 + n}] ? {t} : sizes[{4 + n}] - 1];" for n in found]

    def number(self, index: int) -> str:
        """A number inside the loop."""
        return f"p{index}[i]" if self.kinds[index] == CHANNEL else f"p{index}"

    def forwards(self, watched: bool) -> dict[str, Sequence[str]]:
        """The parts of forwards.c."""
        plan, states = self.plan, self.equation.states
        names = {s.name: f"s{n}" for n, s in enumerate(states)}
        body = _Body(self, "x[i]", {s: f"{held}[i]" for s, held in names.items()}, {})
        places = [self.equation.output, *(p for p in plan.saved if p != plan.entering)]
        stores = [f"out{n}[i] = {body.value(place)};" for n, place in enumerate(places)]
        after = [body.held(n) for n in range(len(states))]
        if watched:
            stores.append(f"out{len(places)}[i] = {after[0] if plan.watch is None else body.value(plan.watch)};")
        count = len(stores)
        return {
            "ONCE": self.once(),
            "LANES": [
                *self.lanes(),
                *(f"float s{n}[BLOCK];" for n in range(len(states))),
                *_loop(f"s{n}[i] = in[{n + 1}][at + i];" for n in range(len(states))),
            ],
            "POINTERS": [
                *self.of_step("t"),
                "const float *restrict x = in[0] + here;",
                "(void)x;",
                *(f"float *restrict out{n} = out[{n}] + here;" for n in range(count)),
            ],
            "STEP": [*body.lines, *stores, *(f"s{n}[i] = {value};" for n, value in enumerate(after))],
            "AFTER": _loop(f"out[{count + n}][at + i] = s{n}[i];" for n in range(len(states))),
        }

    def backwards(self, surrogate: str, widths: bool, watched: bool) -> dict[str, Sequence[str]]:
        """The parts of backwards.c. Arguments as `backwards`."""
        plan, states = self.plan, self.equation.states
        names = {s.name: f"s{n}" for n, s in enumerate(states)}
        saved = {place: f"r{n}[i]" for n, place in enumerate(plan.saved)}
        body = _Body(self, "", {s: f"{held}[i]" for s, held in names.items()}, saved)
        derivative = _Derivative(body, surrogate, widths)
        found = plan.sweep(
            derivative,
            body.value,
            "g[i]",
            [f"g{n}[i]" for n in range(len(states))],
            (lambda v: body.let(f"{v} > 0.0f ? above : {v} < 0.0f ? below : 0.0f")) if watched else None,
        )
        read = [n for n, s in enumerate(states) if f"s{n}[i]" in body.used]
        earlier = _Body(self, "", {}, {place: f"b{n}[i]" for n, place in enumerate(plan.saved)})
        kept = [f"s{n}[i] = {earlier.held(n)};" for n in read]
        remembered, wanted = len(plan.saved), sorted(plan.wanted)
        first = remembered + len(states)
        sums, after, lanes = [], [], []
        for n, index in enumerate(wanted):
            to = 1 + len(states) + n
            if (total := found.get(plan.number(index))) is None:
                continue
            if self.kinds[index] == STEP:
                sums.append(f"of{index}[i] += {total};")
            else:
                lanes.append(f"of{index}[i] = out[{to}][at + i];")
                sums.append(f"of{index}[i] += {total};")
                after.append(f"out[{to}][at + i] = of{index}[i];")
        by_row = [(1 + len(states) + n, i) for n, i in enumerate(wanted) if self.kinds[i] == STEP and plan.number(i) in found]
        gx = found.get(plan.entering) if plan.entering is not None else None
        stores = [f"gx[i] = {gx or '0.0f'};"]
        stores += [f"g{n}[i] = {self._state_gradient(found, s.name)};" for n, s in enumerate(states)]
        if widths:
            stores.append(f"of_width[i] = {derivative.width or '0.0f'};")
        return {
            "ONCE": self.once(),
            "LANES": [
                *self.lanes(),
                *(f"float s{n}[BLOCK];" for n in read),
                *(f"float g{n}[BLOCK];" for n in range(len(states))),
                *(f"float of{i}[BLOCK];" for i in wanted if self.kinds[i] != STEP and plan.number(i) in found),
                *_loop([*(f"g{n}[i] = out[{1 + n}][at + i];" for n in range(len(states))), *lanes]),
            ],
            "BEFORE_POINTERS": [
                "(void)before;",
                *(self.of_step("(t - 1)") if kept else []),
                *(f"const float *restrict b{n} = in[{n}] + before;" for n in range(remembered) if f"b{n}[i]" in earlier.used),
            ],
            "BEFORE": [*earlier.lines, *kept],
            "FIRST": [f"s{n}[i] = in[{remembered + n}][at + i];" for n in read],
            "POINTERS": [
                *self.of_step("t"),
                *(f"const float *restrict r{n} = in[{n}] + here;" for n in range(remembered) if f"r{n}[i]" in body.used),
                f"const float *restrict g = in[{first}] + here;",
                *(f"const float *restrict {name} = in[{first + 1 + n}] + here;" for name, n in derivative.given.items()),
                *derivative.of_step(),
                *(["const float above = by_step[1][t], below = by_step[2][t];"] if watched else []),
                "float *restrict gx = out[0] + here;",
                *(
                    f"float *restrict of{i} = out[{to}] + (t < sizes[{4 + i}] ? t : sizes[{4 + i}] - 1) * size + at;"
                    for to, i in by_row
                ),
                *([f"float *restrict of_width = out[{1 + len(states) + len(wanted)}] + here;"] if widths else []),
            ],
            "STEP": [*body.lines, *sums, *stores],
            "AFTER": _loop([*(f"out[{1 + n}][at + i] = g{n}[i];" for n in range(len(states))), *after]),
        }

    def _state_gradient(self, found: Mapping[int, str], name: str) -> str:
        place = self.plan.state(name)
        return "0.0f" if place is None else found.get(place, "0.0f")


class _Body:
    """The inside of a loop over neurons: terms are written where somebody asks for their value."""

    def __init__(self, text: _Text, x: str, states: Mapping[str, str], known: Mapping[int, str]) -> None:
        self.text, self.x, self.states = text, x, states
        self.lines: list[str] = []
        self.names: dict[str, str] = {}  # expression -> variable
        self.values = dict(known)
        self.used: set[str] = set()

    def let(self, expression: str) -> str:
        """A variable with that value."""
        if expression not in self.names:
            self.names[expression] = f"v{len(self.names)}"
            self.lines.append(f"const float {self.names[expression]} = {expression};")
        return self.names[expression]

    def value(self, place: int) -> str:
        """The value of a term."""
        term = self.text.equation.terms[place]
        if place not in self.values:
            if term.op in SOURCES:
                self.values[place] = self._source(term.op, term.attrs)
            else:
                arguments = [self.value(a) for a in term.args]
                self.values[place] = self.let(EXPRESSIONS[term.op](arguments, term.attrs, self.text.constant))
        self.used.add(self.values[place])
        return self.values[place]

    def _source(self, op: Op, attrs: Sequence[Attr]) -> str:
        if op is Op.INPUT:
            return self.x
        if op is Op.STATE:
            return self.states[str(attrs[0])]
        return self.text.constant(float(attrs[0])) if op is Op.CONSTANT else self.text.number(int(attrs[0]))

    def held(self, n: int) -> str:
        """The next value of state n."""
        state, value = self.text.equation.states[n], self.value(self.text.equation.updates[n])
        if not state.saturates:
            return value
        return self.let(f"clamp({value}, {self.text.constant(state.range[0])}, {self.text.constant(state.range[1])})")


class _Derivative:
    """The arithmetic of `reverse` that writes C."""

    def __init__(self, body: _Body, surrogate: str, widths: bool) -> None:
        self.body, self.surrogate, self.widths = body, surrogate, widths
        self.width = ""  # the gradient of the width
        self.given: dict[str, int] = {}  # slopes that are given: which of the arrays
        self.k = body.text.constant

    def number(self, value: float) -> str:
        return self.k(value)

    def add(self, a: str, b: str) -> str:
        return self.body.let(f"{a} + {b}")

    def sub(self, a: str, b: str) -> str:
        return self.body.let(f"{a} - {b}")

    def mul(self, a: str, b: str) -> str:
        return self.body.let(f"{a} * {b}")

    def neg(self, a: str) -> str:
        return self.body.let(f"-{a}")

    def chosen(self, flag: str, on: bool, a: str) -> str:
        """Arguments as `Arithmetic.chosen`."""
        return self.body.let(f"{flag} {'!=' if on else '=='} 0.0f ? {a} : 0.0f")

    def inside(self, v: str, ends: tuple[float, float], a: str) -> str:
        """Arguments as `Arithmetic.inside`."""
        lo, hi = map(self.k, ends)
        return self.body.let(f"({v} > {lo}) & ({v} < {hi}) ? {a} : 0.0f")

    def within(self, v: str, ends: tuple[float, float], a: str) -> str:
        """Arguments as `Arithmetic.within`."""
        lo, hi = map(self.k, ends)
        return self.body.let(f"({v} >= {lo}) & ({v} <= {hi}) ? {a} : 0.0f")

    def shared(self, a: str, b: str, g: str) -> str:
        """Arguments as `Arithmetic.shared`."""
        half = self.mul(g, self.k(0.5))
        return self.body.let(f"{a} < {b} ? {g} : {a} == {b} ? {half} : 0.0f")

    def once(self, place: int, make: Callable[[], str]) -> str:
        return make()

    def fired(self, place: int, over: Callable[[], str], g: str) -> str:
        """Arguments as `Arithmetic.fired`."""
        slope, width_slope = self._slopes(place, over)
        if self.widths:
            part = self.mul(g, width_slope)
            self.width = self.add(self.width, part) if self.width else part
        return self.mul(g, slope)

    def _slopes(self, place: int, of: Callable[[], str]) -> tuple[str, str]:
        """(dS/dx, dS/dw) of the soft step S_w at x = of()."""
        if self.surrogate == GIVEN:
            n = fires(self.body.text.equation).index(place)
            self.given[f"slope{n}"] = n * (1 + self.widths)
            if self.widths:
                self.given[f"width_slope{n}"] = 2 * n + 1
            return f"slope{n}[i]", f"width_slope{n}[i]"
        over = of()
        slope = self.body.let(self._slope(over))
        return slope, self.neg(self.mul(self.body.let(f"{over} / width"), slope)) if self.widths else ""

    def _slope(self, over: str) -> str:
        let = self.body.let
        if self.surrogate == RECTANGLE:
            far = let(f"{over} < 0.0f ? -{over} : {over}")
            return f"{far} < half ? inverse : 0.0f"
        q = let(f"{over} * inverse")
        if self.surrogate == TRIANGLE:
            y = let(f"1.0f - {let(f'{q} < 0.0f ? -{q} : {q}')}")
            return f"({y} < 0.0f ? 0.0f : {y}) * inverse"
        q = let(f"{q} * {self.k(PI)}")
        return f"inverse / ({q} * {q} + 1.0f)"

    def of_step(self) -> list[str]:
        """What holds for all neurons of a step."""
        if self.surrogate == GIVEN:
            return []
        return ["const float width = by_step[0][t], inverse = 1.0f / width, half = width * 0.5f;", "(void)inverse, (void)half;"]


def _loop(lines: object) -> list[str]:
    """A loop over the neurons of a block; none where there is nothing to do."""
    assert not isinstance(lines, str)
    inside = list(lines)  # type: ignore[call-overload]
    return [f"for (int i = 0; i < n; ++i) {{ {' '.join(inside)} }}"] if inside else []


@lru_cache(maxsize=4)
def _template(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
