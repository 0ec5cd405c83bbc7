"""A layer of neurons that hears itself: what it fired reaches it through a synapse, one step later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.errors import ShapeError, UsageError
from snn2hw.neurons import in_torch, library
from snn2hw.neurons.equation import Attr, Equation, Op, State, Term
from snn2hw.nn.base import Neuron
from snn2hw.nn.custom import CustomNeuron
from snn2hw.nn.surrogate import compared

HEARD = "spikes"  # what the synapse made of the spikes, beside the states: no state has this name
_SYNAPSES = (torch.nn.Linear, torch.nn.Conv2d)


class Recurrent(torch.nn.Module):
    """s[t] = neuron(x[t] + synapse(s[t-1])), s[-1] = 0; x and s [T, N, C, ...] of one shape.

    Compiled as a recurrent edge with a delay of one step. The neuron is stepped through T in torch, by its equation, so a
    training step takes longer than that of the neuron alone.

    Args:
        neuron: a neuron of `snn2hw.nn`, also one of the user's own (`nn.CustomNeuron`).
        synapse: `nn.Linear` over features [T, N, F], or `nn.Conv2d` over images, from the neuron's shape to the same.
        enters: in which order floats are added where the neuron adds x to something, a + x: "with" is
            a + (x + synapse(s)), "after" is (a + x) + synapse(s), as snnTorch and Norse add them. Integers are the same.

    Raises:
        UsageError: another kind of neuron or synapse, or another word. ShapeError, in forward: the synapse makes another shape.
    """

    def __init__(self, neuron: torch.nn.Module, synapse: torch.nn.Module, *, enters: str = "with") -> None:
        super().__init__()
        if not isinstance(neuron, Neuron | CustomNeuron) or not isinstance(synapse, _SYNAPSES):
            raise UsageError(
                "a recurrent layer is made of a neuron and a synapse",
                where="nn.Recurrent",
                got=f"{type(neuron).__name__}, {type(synapse).__name__}",
                expected="a neuron of snn2hw.nn, then nn.Linear or nn.Conv2d",
                do="write nn.Recurrent(nn.LIF(0.9), nn.Linear(64, 64))",
            )
        self.neuron, self.synapse = neuron, synapse
        self.enters = one_of("enters", enters, ("with", "after"), "nn.Recurrent")

    def forward(self, x: Tensor) -> Tensor:
        """Spike values [T, N, C, ...] of synaptic input x [T, N, C, ...]; states start anew in every call."""
        if x.ndim < 3 or len(x) == 0:
            raise ShapeError(
                "a neuron needs the step axis T with at least one step",
                where="nn.Recurrent",
                got=f"shape {list(x.shape)}",
                expected="[T, N, C, ...]",
                do="show static samples for T steps: nn.repeat(images, steps)",
            )
        entering = x.to(torch.promote_types(x.dtype, torch.float32))
        equation, numbers, watched = self._equation(entering)
        ends = isinstance(self.neuron, CustomNeuron)  # of a clamp that a user wrote torch's gradient at its ends is meant
        widths = self.neuron.surrogate.widths(len(x), entering)
        states = {s.name: torch.full_like(entering[0], s.initial) for s in equation.states}
        fired, seen, spikes = torch.zeros_like(entering[0]), list[Tensor](), list[Tensor]()
        for t in range(len(x)):
            width = widths[t]

            def fire(v: Tensor, strict: bool, width: Tensor = width) -> Tensor:
                return compared(v, width, self.neuron.surrogate, strict)

            heard = self._heard(entering[t], fired)
            if self.enters == "after":
                values = in_torch.evaluate(equation, numbers, {**states, HEARD: heard}, entering[t], fire, t, ends)
            else:
                values = in_torch.evaluate(equation, numbers, states, entering[t] + heard, fire, t, ends)
            fired = values[equation.output].expand_as(fired)
            after = [values[place].expand_as(fired) for place in equation.updates]
            states = {s.name: _held(v, s) for s, v in zip(equation.states, after, strict=True)}
            spikes.append(fired)
            seen.append(values[watched].expand_as(fired) if watched >= 0 else next(iter(states.values())))
        payload = torch.stack(spikes)
        self._tell(payload, seen, equation)
        return payload.to(x.dtype) if x.is_floating_point() else payload

    def _equation(self, x: Tensor) -> tuple[Equation, Sequence[Tensor], int]:
        """The neuron's equation, its numbers, and the place of what observers look at; -1 for the first state."""
        neuron = self.neuron
        if isinstance(neuron, CustomNeuron):
            traced = neuron.trace(x.shape[2])
            return self._ordered(traced.equation, -1)[0], [p.to(x) for p in traced.parameters], -1
        a = neuron.coefficients.to(x)
        equation = neuron.settings.equation(a.shape[1] - 1)
        equation, watched = self._ordered(equation, library.membrane(equation))
        own = neuron.negative_factor(x)
        return equation, [*a.unbind(1), *neuron.thetas(x).unbind(1), *([] if own is None else [own])], watched

    def _ordered(self, equation: Equation, watched: int) -> tuple[Equation, int]:
        """The equation that adds what is heard in the order that `enters` states, and the place of the watched value in it."""
        if self.enters == "with":
            return equation, watched
        after, at = _heard_after(equation)
        return after, -1 if watched < 0 else at[watched]

    def _heard(self, x: Tensor, fired: Tensor) -> Tensor:
        back: Tensor = self.synapse(fired[None])[0]
        if back.shape != x.shape:
            raise ShapeError(
                "the synapse of a recurrent layer makes another shape than the layer has",
                where="nn.Recurrent",
                got=f"[N, {', '.join(map(str, back.shape[1:]))}]",
                expected=f"[N, {', '.join(map(str, x.shape[1:]))}]",
                do="use nn.Linear(F, F), or nn.Conv2d with padding='same'",
            )
        return back

    def _tell(self, payload: Tensor, seen: Sequence[Tensor], equation: Equation) -> None:
        if not self.neuron.observed:
            return
        h = torch.stack(list(seen))
        positive, negative = (v.clamp_min(0).flatten(1).mean(1) for v in (h, -h))
        held = equation.states[0].range if isinstance(self.neuron, CustomNeuron) else self.neuron.state_range
        self.neuron.tell(payload, positive, negative, h.detach(), held)


def _heard_after(equation: Equation) -> tuple[Equation, list[int]]:
    """The equation with HEARD as a further value that is added behind the input, and the new place of every old term."""
    terms, at = list[Term](), list[int]()

    def emit(op: Op, *args: int, attrs: tuple[Attr, ...] = ()) -> int:
        terms.append(Term(op, args, attrs))
        return len(terms) - 1

    heard = emit(Op.STATE, attrs=(HEARD,))
    entering = emit(Op.INPUT)
    joined = emit(Op.ADD, entering, heard)
    for term in equation.terms:
        read = [equation.terms[a].op is Op.INPUT for a in term.args]
        if term.op is Op.INPUT:
            at.append(joined)
        elif term.op is Op.ADD and sum(read) == 1:
            args = (entering if r else at[a] for a, r in zip(term.args, read, strict=True))
            at.append(emit(Op.ADD, emit(Op.ADD, *args), heard))
        else:
            at.append(emit(term.op, *(at[a] for a in term.args), attrs=term.attrs))
    updates = tuple(at[u] for u in equation.updates)
    return replace(equation, terms=tuple(terms), output=at[equation.output], updates=updates), at


def _held(value: Tensor, state: State) -> Tensor:
    return value.clamp(*state.range) if state.saturates else value
