"""A neuron of one's own: its states and one step, written in torch; everything else follows from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from snn2hw.arguments import between, interval
from snn2hw.errors import ShapeError, UsageError
from snn2hw.neurons import in_torch
from snn2hw.neurons.equation import Op
from snn2hw.neurons.equation import State as NamedState
from snn2hw.nn.observe import Observable
from snn2hw.nn.surrogate import Rectangle, Surrogate, compared
from snn2hw.nn.through_time import EquationThroughTime
from snn2hw.nn.tracing import Symbol, Traced, Tracer, fired, traced

TAKEN = ("x", "spikes", "out")  # names that no state has: the input, what leaves, and what ONNX files call it


@dataclass(frozen=True)
class State:
    """A number that every neuron of the layer keeps from step to step.

    Args:
        range: (lo, hi); the state saturates there, in float as in integers. The integers' binary
            point follows from it: the narrower the range, the finer the state.
        initial: its value before the first step of every sample, within the range.
    """

    range: tuple[float, float]
    initial: float = 0.0


@dataclass(frozen=True)
class _Step:
    """What `fire` and `per_channel` need to know of the step they are called in."""

    axes: int  # of the values: [N, C, ...]
    compare: Callable[[Tensor, bool], Tensor]
    tracer: Tracer | None = None


_running: ContextVar[_Step | None] = ContextVar("snn2hw_step", default=None)


@contextmanager
def _inside(step: _Step) -> Iterator[None]:
    token = _running.set(step)
    try:
        yield
    finally:
        _running.reset(token)


def _this_step(what: str) -> _Step:
    step = _running.get()
    if step is None:
        raise UsageError(
            f"{what} was called outside the step of a neuron",
            where=what,
            got="no step is running",
            expected="a call within `step` of a nn.CustomNeuron",
            do="move the call into `step`",
        )
    return step


def fire(v: Tensor, threshold: float | Tensor, *, strict: bool = False) -> Tensor:
    """s = [v >= threshold], or [v > threshold] where strict, as 0 and 1 in the dtype of v.

    Backwards s is the soft step of this layer's surrogate: ds/dv = dS_w(v - threshold)/dv.

    Args:
        v, threshold: a state, or what the step made of states and input; a threshold may be a
            number, a parameter, or follow from states (an adaptive threshold).

    Raises:
        UsageError: called outside the `step` of a neuron.
    """
    step = _this_step("nn.fire")
    if step.tracer is not None:
        found: Any = fired(step.tracer, v, threshold, strict)
        return found  # type: ignore[no-any-return]  # a symbol stands for a tensor
    return step.compare(v - threshold, strict)


def replaced(v: Tensor, s: Tensor, value: float | Tensor) -> Tensor:
    """`value` where the spike s is 1, else v, with the gradient of (1 - s) v + s value: that of the spike, too.

    torch.where(s > 0, value, v) is the same number; its condition passes no gradient to the spike.
    """
    step = _this_step("replaced")
    if step.tracer is not None:
        made: Any = step.tracer.emit(Op.SELECT, s, value, v)
        return made  # type: ignore[no-any-return]  # a symbol stands for a tensor
    return in_torch.chosen(s, value, v)


def per_channel(values: Tensor) -> Tensor:
    """The same values [C] so that they broadcast along the channels of the step's values [N, C, ...].

    Raises:
        UsageError: called outside the `step` of a neuron. ShapeError: not a tensor of one axis.
    """
    step = _this_step("nn.per_channel")
    if not isinstance(values, Tensor) or values.ndim != 1:
        got = f"shape {list(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
        raise ShapeError(
            "nn.per_channel takes one value per channel",
            where="nn.per_channel",
            got=got,
            expected="a tensor [C]",
            do="give the parameter one axis: torch.nn.Parameter(torch.full((channels,), start))",
        )
    return values.reshape(-1, *(1,) * (step.axes - 2))


class CustomNeuron(Observable):
    """A layer of neurons whose step a user writes: s[t], states[t] of x[t] and states[t-1].

        class Adaptive(nn.CustomNeuron):
            states = {"v": nn.State(range=(-4, 4)), "a": nn.State(range=(0, 4))}
            def __init__(self):
                super().__init__()
                self.decay = torch.nn.Parameter(torch.tensor(0.9))
            def step(self, x, v, a):
                v = self.decay * v + x
                s = nn.fire(v, 1.0 + a)
                return s, {"v": v - s, "a": 0.95 * a + 0.1 * s}

    `step` uses elementwise torch: +, -, *, / by a number, whole powers, torch.where, clamp, minimum,
    maximum, abs, relu, comparisons, &, |, ~, and `nn.fire`. Whatever has no state and no input in it
    (torch.exp of a parameter) is free, and becomes a constant. Parameters are scalars, or one value
    per channel, used as `nn.per_channel(self.q)`. Every next state saturates at its declared range.

    Input and output: floats [T, N, C, ...]; the output holds spike values, sums of `nn.fire` times
    numbers; or a state itself, for a readout that never fires.

    Args:
        surrogate: the gradient of every `nn.fire` of the layer; None is Rectangle(width=1).

    Raises:
        UsageError, UnsupportedError, ShapeError: at the first forward, where `step` is no such
        equation; the message names the line.
    """

    states: Mapping[str, State] = {}

    def __init__(self, surrogate: Surrogate | None = None) -> None:
        super().__init__()
        if surrogate is not None and not isinstance(surrogate, Surrogate):
            raise UsageError(
                "surrogate is not a surrogate gradient",
                where=self.kind,
                got=repr(surrogate),
                expected="a snn2hw.nn.Surrogate or None",
                do="pass nn.Rectangle(width=1.0) or a subclass of nn.Surrogate",
            )
        self.surrogate = Rectangle() if surrogate is None else surrogate
        self._checked: object = None  # the step whose arguments were found to be its states
        self.declared()

    def step(self, x: Tensor, **states: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        """(spikes, next states) of the synaptic input x [N, C, ...] and the states [N, C, ...]."""
        raise NotImplementedError(f"{self.kind} has no step(self, x, ...)")

    @property
    def kind(self) -> str:
        """The neuron's name: that of its class."""
        return type(self).__name__

    def declared(self) -> tuple[NamedState, ...]:
        """The states, checked.

        Raises:
            UsageError: no states, one without a range, or a name that `step` cannot take.
            ValueRangeError: an empty or infinite range, an initial value outside it.
        """
        if not isinstance(self.states, Mapping) or not self.states:
            raise UsageError(
                "this neuron declares no states",
                where=self.kind,
                got=f"states = {self.states!r}",
                expected='states = {"v": nn.State(range=(-4.0, 4.0))}',
                do="declare every state that `step` takes, with its range",
            )
        found = []
        for name, state in self.states.items():
            where = f"{self.kind}.states[{name!r}]"
            if not isinstance(state, State) or not isinstance(name, str) or not name.isidentifier() or name in TAKEN:
                raise UsageError(
                    "a state of this neuron is not declared as one",
                    where=where,
                    got=repr(state),
                    expected=f"a name other than {', '.join(TAKEN)}, and nn.State(range=(lo, hi), initial=0.0)",
                    do="give the state a range: integers get their binary point from it",
                )
            lo, hi = interval("range", state.range, where)
            found.append(NamedState(name, (lo, hi), between("initial", state.initial, lo, hi, where)))
        return tuple(found)

    def trace(self, channels: int) -> Traced:
        """The equation of `step`, and its parameters as they are now, for a layer of so many channels.

        Raises:
            UsageError, UnsupportedError, ShapeError: `step` is no such equation.
        """
        states = self.declared()
        if self._checked is not type(self).step:
            self._check_arguments([s.name for s in states])
            self._checked = type(self).step
        names = {id(p): name for name, p in (*self.named_parameters(), *self.named_buffers())}
        tracer = Tracer(self.kind, states, channels, names)
        code = inspect.unwrap(type(self).step).__code__
        tracer.file = code.co_filename
        given = {s.name: Symbol(tracer, tracer.builder.emit(Op.STATE, attrs=(s.name,))) for s in states}
        x: Any = Symbol(tracer, tracer.builder.emit(Op.INPUT))
        with _inside(_Step(3, self.surrogate, tracer)):
            returned: Any = self._stepped(x, given)
        return traced(tracer, *returned)

    def _check_arguments(self, names: list[str]) -> None:
        try:
            inspect.signature(self.step).bind(None, **dict.fromkeys(names))
        except TypeError as error:
            raise UsageError(
                "the step of this neuron does not take its states",
                where=f"{self.kind}.step",
                got=str(error),
                expected=f"def step(self, x, {', '.join(names)})",
                do="name the arguments as the states are declared",
            ) from error

    def _stepped(self, x: Any, states: Mapping[str, Any]) -> Any:
        returned: Any = self.step(x, **states)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise UsageError(
                "the step of this neuron returns something else than spikes and next states",
                where=f"{self.kind}.step",
                got=type(returned).__name__,
                expected="return spikes, {" + ", ".join(f'"{n}": ...' for n in states) + "}",
                do="return the spikes and a dictionary with one entry per declared state",
            )
        return returned

    def forward(self, x: Tensor) -> Tensor:
        """Spike values [T, N, C, ...] of synaptic input x [T, N, C, ...]; states start anew in every call.

        Raises:
            ShapeError: x has no T axis. UsageError, UnsupportedError: `step` is no equation.
        """
        if x.ndim < 3 or len(x) == 0:
            raise ShapeError(
                "a neuron needs the step axis T with at least one step",
                where=self.kind,
                got=f"shape {list(x.shape)}",
                expected="[T, N, C, ...]",
                do="show static samples for T steps: nn.repeat(images, steps)",
            )
        traced = self.trace(x.shape[2])
        entering = x.to(torch.promote_types(x.dtype, torch.float32))
        numbers = [n.to(entering) for n in traced.parameters]
        widths = self.surrogate.widths(len(x), entering)
        records = torch.is_grad_enabled() and any(t.requires_grad for t in (entering, widths, *numbers))
        through: Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]] = EquationThroughTime.apply
        payload, positive, negative, first = through(
            entering, widths, traced.equation, self.surrogate, self.observed, records, *numbers
        )
        if self.observed:
            self.tell(payload, positive, negative, first, traced.equation.states[0].range)
        return payload.to(x.dtype) if x.is_floating_point() else payload

    def one_step(self, x: Tensor, states: Mapping[str, Tensor], width: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(spikes, next states, saturated), each [N, C, ...] as x; `width` is that of the surrogate at this step."""
        with _inside(_Step(x.ndim, partial(self._compare, width))):
            spikes, after = self._stepped(x, states)
        held = {s.name: after[s.name].expand_as(x).clamp(*s.range) for s in self.declared()}
        return spikes.to(x.dtype).expand_as(x), held

    def _compare(self, width: Tensor, v: Tensor, strict: bool) -> Tensor:
        return compared(v, width, self.surrogate, strict)

    def extra_repr(self) -> str:
        """The states, for print."""
        return ", ".join(f"{s.name} in [{s.range[0]:g}, {s.range[1]:g}]" for s in self.declared())
