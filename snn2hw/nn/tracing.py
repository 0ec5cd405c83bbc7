"""From the `step` that a user wrote in torch to an equation: it runs once, on symbols in place of tensors.

A symbol answers torch's operators and functions by writing a term. What meets no symbol (exp of a
parameter, say) is computed by torch as ever and becomes one number of the layer, or one per channel.
"""

from __future__ import annotations

import linecache
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import Any

from torch import Tensor

from snn2hw.errors import ShapeError, UnsupportedError, UsageError
from snn2hw.neurons.equation import COMPARISONS, Builder, Equation, Op, State, live

ALLOWED = (
    "+, -, *, / by a number, ** by a whole number, torch.where, clamp, minimum, maximum, abs, relu, comparisons, &, |, ~, nn.fire"
)
MOST_POWER = 8


@dataclass(frozen=True)
class Traced:
    """An equation and the numbers that its parameters are now.

    Args:
        equation: what `step` computes.
        parameters: for each, in order, a tensor [1] for the layer or [C] per channel, with its gradient.
    """

    equation: Equation
    parameters: tuple[Tensor, ...]


class Tracer:
    """Writes the equation while `step` runs."""

    def __init__(self, kind: str, states: Sequence[State], channels: int, names: Mapping[int, str]) -> None:
        self.builder = Builder(kind, states)
        self.channels, self.names = channels, names
        self.parameters: list[Tensor] = []
        self.known: dict[int, int] = {}  # id of a tensor -> its place; `parameters` keeps the ids from being given again
        self.kept: list[Tensor] = []
        self.file = ""

    def emit(self, op: Op, *args: Any, attrs: tuple[Any, ...] = ()) -> Symbol:
        """The symbol of a new term, whose arguments may be symbols, numbers and tensors."""
        places = [self.place(a) for a in args]
        return Symbol(self, self.builder.emit(op, *places, attrs=attrs, line=self.line()))

    def place(self, value: Any) -> int:
        """Of the term that stands for a value."""
        if isinstance(value, Symbol):
            return value.place
        if isinstance(value, bool) or (isinstance(value, Real) and not isinstance(value, Tensor)):
            return self.builder.emit(Op.CONSTANT, attrs=(float(value),), line=self.line())
        if isinstance(value, Tensor):
            return self._number(value)
        raise self.refused(f"a {type(value).__name__} in the equation", "numbers, tensors, states and the input", "use a float")

    def _number(self, tensor: Tensor) -> int:
        if id(tensor) not in self.known:
            flat = tensor.reshape(-1)
            shape = tuple(tensor.shape)
            by_channel = len(flat) == self.channels and shape == (self.channels, 1)
            if len(flat) != 1 and not by_channel:
                raise ShapeError(
                    "a tensor in the step of a neuron is neither a number nor one per channel",
                    where=self.where(),
                    got=f"shape {list(shape)}, in a layer of {self.channels} channels",
                    expected="a tensor of one value, or nn.per_channel(tensor) of one value per channel",
                    do="write nn.per_channel(self.q) where q has one value per channel",
                )
            name = self.names.get(id(tensor)) or self.names.get(id(tensor._base)) or f"p{len(self.parameters)}"
            self.known[id(tensor)] = self.builder.parameter(name, self.line())
            self.parameters.append(flat)
            self.kept.append(tensor)
        return self.known[id(tensor)]

    def line(self) -> str:
        """Where the user's code is now: file:line."""
        frame: Any = sys._getframe()
        while frame is not None and frame.f_code.co_filename != self.file:
            frame = frame.f_back
        return "" if frame is None else f"{_file_name(self.file)}:{frame.f_lineno}"

    def where(self) -> str:
        """The line with its text, for a message."""
        at = self.line()
        text = linecache.getline(self.file, int(at.rsplit(":", 1)[1])).strip() if at else ""
        return f"{self.builder.kind}.step" + (f", {at}: {text}" if text else "")

    def refused(self, got: str, expected: str, do: str, what: str = "") -> UnsupportedError:
        """The error for what no equation can hold; `got`, `expected`, `do` and `what`, its first words, as in `Snn2hwError`."""
        return UnsupportedError(
            what or "the step of this neuron uses an operation that has no integer meaning",
            where=self.where(),
            got=got,
            expected=expected,
            do=do,
        )


@lru_cache(maxsize=64)
def _file_name(path: str) -> str:
    return Path(path).name


class Symbol:
    """A value of the step that is not known yet; what happens to it is written down."""

    def __init__(self, tracer: Tracer, place: int) -> None:
        self.tracer, self.place = tracer, place

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch where one of the arguments is a symbol."""
        symbol = next(a for a in _flat(args, kwargs) if isinstance(a, Symbol))
        name = getattr(func, "__name__", str(func)).strip("_")
        return _call(symbol.tracer, _ALIASES.get(name, name), args, kwargs or {})

    def __getattr__(self, name: str) -> Any:
        """A method of a tensor: what the function of that name does."""
        tracer: Tracer = self.__dict__["tracer"]
        if name.startswith("__") or name not in _FUNCTIONS:
            raise tracer.refused(f"'.{name}' of a value", ALLOWED, _advice(name))
        return lambda *args, **kwargs: _call(tracer, name, (self, *args), kwargs)

    def __bool__(self) -> bool:
        raise self.tracer.refused(
            "`if`, `while`, `and`, `or` or `not` on a value that is known only when the network runs",
            "the same operations for every value",
            "write torch.where(condition, a, b), and &, |, ~ between conditions",
            "the step of this neuron branches on a value",
        )

    def __iter__(self) -> Any:
        raise self.tracer.refused("a loop over a value, or an unpacking of it", ALLOWED, "write the equation of one neuron")

    def __float__(self) -> float:
        raise self.tracer.refused("float(...) of a value that is known only when the network runs", ALLOWED, "leave it a tensor")

    __int__ = __index__ = __float__
    __hash__ = object.__hash__


def _binary(name: str, swapped: bool = False) -> Callable[[Symbol, Any], Any]:
    def method(self: Symbol, other: Any) -> Any:
        return _call(self.tracer, name, (other, self) if swapped else (self, other), {})

    return method


for _operator, _name in {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow", "and": "and", "or": "or", "floordiv": "floordiv",
    "mod": "remainder", "matmul": "matmul", "xor": "xor",
}.items():  # fmt: skip
    setattr(Symbol, f"__{_operator}__", _binary(_name))
    setattr(Symbol, f"__r{_operator}__", _binary(_name, swapped=True))
for _name in ("ge", "gt", "le", "lt", "eq", "ne"):
    setattr(Symbol, f"__{_name}__", _binary(_name))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Symbol, f"__{_name}__", lambda self, _name=_name: _call(self.tracer, _name, (self,), {}))


def _flat(args: Any, kwargs: Any) -> list[Any]:
    return [*args, *(kwargs or {}).values()]


def _call(t: Tracer, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    found = _FUNCTIONS.get(name)
    if found is None:
        raise t.refused(f"'{name}'", ALLOWED, _advice(name))
    try:
        return found(t, *args, **kwargs)
    except TypeError as error:
        raise t.refused(f"'{name}' with these arguments ({error})", ALLOWED, _advice(name)) from error


def _advice(name: str) -> str:
    if name in ("exp", "sigmoid", "tanh", "log", "sqrt", "sin", "cos", "reciprocal", "rsqrt", "softplus", "erf"):
        return f"write a polynomial that is close to {name} over the range of its argument, and clamp it there"
    if name in ("mean", "sum", "max", "min", "norm", "matmul", "cumsum", "softmax"):
        return "a neuron sees itself only; write what runs over neurons as a layer of the network"
    if name in ("floordiv", "remainder", "round", "floor", "ceil", "trunc"):
        return "leave the rounding to the compiler"
    if name in ("rand", "randn", "rand_like", "randn_like", "bernoulli", "dropout"):
        return "leave chance out of the neuron; nn.Dropout is a layer"
    return "write it with these"


def _sub(t: Tracer, a: Any, b: Any, alpha: float = 1.0) -> Symbol:
    return t.emit(Op.SUB, a, b if alpha == 1 else t.emit(Op.MUL, b, alpha))


def _add(t: Tracer, a: Any, b: Any, alpha: float = 1.0) -> Symbol:
    return t.emit(Op.ADD, a, b if alpha == 1 else t.emit(Op.MUL, b, alpha))


def _div(t: Tracer, a: Any, b: Any, rounding_mode: str | None = None) -> Symbol:
    if isinstance(b, Symbol) or rounding_mode is not None:
        raise t.refused(
            "a division by a state or the input" if rounding_mode is None else f"rounding_mode='{rounding_mode}'",
            "a division by a number or a parameter",
            "multiply by a polynomial that is close to the reciprocal, or change the equation",
        )
    if isinstance(b, Tensor):
        return t.emit(Op.DIV, a, b, b.reciprocal())
    if float(b) == 0.0:
        raise t.refused("a division by 0", "a number that is not 0", "correct the number")
    if abs(math.frexp(float(b))[0]) == 0.5:  # a power of two, whose reciprocal is exact
        return t.emit(Op.MUL, a, 1.0 / float(b))
    return t.emit(Op.DIV, a, float(b), 1.0 / float(b))


def _pow(t: Tracer, a: Any, n: Any) -> Any:
    if not isinstance(a, Symbol) or not isinstance(n, int | float) or int(n) != n or not 1 <= n <= MOST_POWER:
        raise t.refused(f"a power with the exponent {n!r}", f"a whole number from 1 to {MOST_POWER}", "write the product")
    y = a
    for _ in range(int(n) - 1):
        y = t.emit(Op.MUL, y, a)
    return y


def _clamp(t: Tracer, v: Any, min: Any = None, max: Any = None) -> Any:  # torch's own names
    numbers = all(isinstance(end, int | float) for end in (min, max))
    if numbers and float(min) <= float(max):
        return t.emit(Op.CLAMP, v, attrs=(float(min), float(max)))
    if numbers:
        raise t.refused(f"clamp to [{min}, {max}]", "a lower end that is not above the upper one", "exchange them")
    v = v if min is None else t.emit(Op.MAX, v, min)
    return v if max is None else t.emit(Op.MIN, v, max)


def _flag(t: Tracer, a: Any) -> Any:
    """An argument of &, | or ~."""
    if not isinstance(a, Symbol) or not _is_flag(t, a.place):
        raise t.refused("&, | or ~ of numbers", "conditions, as (v > 0) & (w < 1)", "compare first")
    return a


def _is_flag(t: Tracer, place: int) -> bool:
    term = t.builder.terms[place]
    if term.op in (Op.MIN, Op.MAX, Op.DETACH):
        return all(_is_flag(t, a) for a in term.args)
    return term.op in COMPARISONS or term.op is Op.NOT


def _fires(t: Tracer, place: int) -> bool:
    """Whether the flag of this term is made of spikes, so that a gradient passes through it."""
    term = t.builder.terms[place]
    return term.op is Op.FIRE or (term.op in (Op.MIN, Op.MAX, Op.NOT) and any(_fires(t, a) for a in term.args))


def _equals(t: Tracer, a: Any, b: Any) -> Any:
    """s == 1 or s == 0 of a flag; equality of two reals is refused: it would depend on their rounding."""
    flag, number = (a, b) if isinstance(a, Symbol) else (b, a)
    if isinstance(number, int | float) and float(number) in (0.0, 1.0) and _is_flag(t, flag.place):
        return _decided(t, flag, at_0=float(number) == 0.0, at_1=float(number) == 1.0)
    raise t.refused(
        "an equality of two numbers, which depends on how they are rounded",
        "s == 0 or s == 1 of what nn.fire gave, or >=, >, <=, <",
        "compare with >= or >",
    )


def _where(t: Tracer, condition: Any, a: Any, b: Any) -> Symbol:
    if not isinstance(condition, Symbol) or not _is_flag(t, condition.place):
        raise t.refused("torch.where with numbers as its condition", "a condition, as s > 0", "compare first: s > 0")
    return t.emit(Op.SELECT, condition, a, b)


def _greater(op: Op) -> Callable[..., Any]:
    def compare(t: Tracer, a: Any, b: Any) -> Any:
        """a > b or a >= b; of a flag and a number, what it says about the flag."""
        if isinstance(a, Symbol) and isinstance(b, int | float) and _is_flag(t, a.place):
            return _decided(t, a, *(n > b if op is Op.GT else n >= b for n in (0.0, 1.0)))
        if isinstance(b, Symbol) and isinstance(a, int | float) and _is_flag(t, b.place):
            return _decided(t, b, *(a > n if op is Op.GT else a >= n for n in (0.0, 1.0)))
        return t.emit(op, a, b)

    return compare


def _decided(t: Tracer, flag: Symbol, at_0: bool, at_1: bool) -> Any:
    if at_0 == at_1:
        raise t.refused(
            f"a comparison of a flag that is always {'true' if at_0 else 'false'}",
            "one that depends on the flag, as s > 0",
            "compare with a number between 0 and 1",
        )
    if _fires(t, flag.place):
        flag = t.emit(Op.DETACH, flag)  # as in torch, a condition has no gradient
    return flag if at_1 else t.emit(Op.NOT, flag)


def _same(t: Tracer, a: Any, *args: Any, **kwargs: Any) -> Any:
    return a


def _filled(value: float) -> Callable[..., Any]:
    return lambda t, like, *args, **kwargs: value


def fired(t: Tracer, v: Any, threshold: Any, strict: bool) -> Symbol:
    """The term of `nn.fire`. Arguments as `nn.fire`, with the tracer t that writes it."""
    return t.emit(Op.FIRE, v, threshold, attrs=(bool(strict),))


_GT, _GE = _greater(Op.GT), _greater(Op.GE)
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": _add,
    "sub": _sub,
    "subtract": _sub,
    "rsub": lambda t, a, b: _sub(t, b, a),
    "mul": lambda t, a, b: t.emit(Op.MUL, a, b),
    "multiply": lambda t, a, b: t.emit(Op.MUL, a, b),
    "div": _div,
    "true_divide": _div,
    "rdiv": lambda t, a, b: _div(t, b, a),
    "neg": lambda t, a: t.emit(Op.NEG, a),
    "pos": _same,
    "pow": _pow,
    "square": lambda t, a: t.emit(Op.MUL, a, a),
    "abs": lambda t, a: t.emit(Op.MAX, a, t.emit(Op.NEG, a)),
    "relu": lambda t, a, inplace=False: t.emit(Op.MAX, a, 0.0),
    "sign": lambda t, a: t.emit(Op.SUB, _GT(t, a, 0.0), _GT(t, 0.0, a)),
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _clamp,
    "clamp_max": lambda t, a, max: _clamp(t, a, None, max),
    "minimum": lambda t, a, b: t.emit(Op.MIN, a, b),
    "maximum": lambda t, a, b: t.emit(Op.MAX, a, b),
    "min": lambda t, a, b: t.emit(Op.MIN, a, b),
    "max": lambda t, a, b: t.emit(Op.MAX, a, b),
    "where": _where,
    "gt": _GT,
    "ge": _GE,
    "lt": lambda t, a, b: _GT(t, b, a),
    "le": lambda t, a, b: _GE(t, b, a),
    "eq": _equals,
    "ne": lambda t, a, b: t.emit(Op.NOT, _equals(t, a, b)),
    "and": lambda t, a, b: t.emit(Op.MIN, _flag(t, a), _flag(t, b)),
    "or": lambda t, a, b: t.emit(Op.MAX, _flag(t, a), _flag(t, b)),
    "invert": lambda t, a: t.emit(Op.NOT, _flag(t, a)),
    "to": _same,
    "type_as": _same,
    "float": _same,
    "double": _same,
    "contiguous": _same,
    "clone": _same,
    "zeros_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "full_like": lambda t, like, value, **kwargs: value,
}
# Names under which torch calls the same function; dunder names come without their underscores.
_ALIASES = {
    "radd": "add", "rmul": "mul", "truediv": "div", "rtruediv": "rdiv", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le", "logical_and": "and", "logical_or": "or", "logical_not": "invert", "bitwise_and": "and",
    "bitwise_or": "or", "bitwise_not": "invert", "negative": "neg", "absolute": "abs", "not_equal": "ne", "divide": "div",
}  # fmt: skip


def traced(tracer: Tracer, output: Any, after: Any) -> Traced:
    """What `tracer` wrote, once `step` has returned `output` and, by name of the state, `after`.

    Raises:
        UsageError: `step` did not return the output and every next state. UnsupportedError: nothing fires.
    """
    names = [s.name for s in tracer.builder.states]
    if not isinstance(after, Mapping) or set(after) != set(names):
        raise UsageError(
            "the step of this neuron does not return every next state",
            where=f"{tracer.builder.kind}.step",
            got=f"{sorted(after)}" if isinstance(after, Mapping) else type(after).__name__,
            expected="return spikes, {" + ", ".join(f'"{n}": ...' for n in names) + "}",
            do="return the spikes and a dictionary with one entry per declared state",
        )
    updates = [tracer.place(after[n]) for n in names]
    made = tracer.builder.equation(tracer.place(output), updates)
    return Traced(*_used(live(made), tracer.parameters))


def _used(equation: Equation, parameters: Sequence[Tensor]) -> tuple[Equation, tuple[Tensor, ...]]:
    """Without the numbers that no term needs."""
    used = sorted({int(t.attrs[0]) for t in equation.terms if t.op is Op.PARAMETER})
    at = {old: new for new, old in enumerate(used)}
    terms = tuple(type(t)(t.op, t.args, (at[int(t.attrs[0])],), t.line) if t.op is Op.PARAMETER else t for t in equation.terms)
    names = tuple(equation.parameters[n] for n in used)
    made = Equation(equation.kind, equation.states, terms, equation.output, equation.updates, names)
    return made, tuple(parameters[n] for n in used)
