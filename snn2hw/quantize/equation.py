"""A neuron written as an equation that runs its integer program forwards, and learns through the equation.

The program is lowered again whenever a parameter has moved, from the parameters as they are, so the forward is what a compiled
model computes. Backwards every next state and spike is that of the equation, taken at the integer states and inputs: what
`snn2hw.nn.through_time.equation_backward` makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn2hw.errors import WidthError
from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.integer import IntNode, UnloweredNeuron
from snn2hw.ir.network import EquationNeuron
from snn2hw.ir.program import SPIKES, Program, initial_value
from snn2hw.native.c_ops import arithmetic_bits
from snn2hw.neurons.equation import Equation
from snn2hw.nn.custom import CustomNeuron
from snn2hw.nn.observe import Observable
from snn2hw.nn.steps_at_once import Hears
from snn2hw.nn.surrogate import Surrogate
from snn2hw.nn.through_time import equation_backward, masses
from snn2hw.num import Interval
from snn2hw.passes.equations import Entry, LoweredEquation, SpikeValue, lower_equation, spike_value_of
from snn2hw.quantize.recurrent import Echo
from snn2hw.quantize.stepping import Entering, shown, stepped
from snn2hw.quantize.values import outside
from snn2hw.target import Lowering


@dataclass(frozen=True)
class EquationLayer:
    """What a prepared layer of such neurons is made of.

    Args:
        node: between quantising and lowering. entry: what enters; its interval holds with room to learn.
        limits, state_bits: of the target.
        input_factor: the real value of one raw unit of the synaptic sum, one per channel or one.
        payload: the format of what leaves, which whatever is learned must keep.
    """

    node: UnloweredNeuron
    entry: Entry
    limits: Lowering
    state_bits: int
    input_factor: tuple[float, ...]
    payload: SpikeValue


class QuantisedEquation(Observable):
    """Forwards the integer program of a `CustomNeuron`, for all steps; backwards its equation.

    Input and output: raw integers [T, N, C, ...] in a float dtype; one step that enters is shown at all T.

    Args:
        neuron: the layer whose parameters and surrogate are learned. steps: T.
    """

    def __init__(self, neuron: CustomNeuron, layer: EquationLayer, steps: int) -> None:
        super().__init__()
        self.neuron, self.layer, self.steps = neuron.double(), layer, steps
        self.recorded: list[Tensor | None] | None = None  # spike value and states of the next forward, where a list is put here
        self.wrong = torch.zeros((), dtype=torch.bool)  # whether the last forward had sums, or parameters, that it is not for
        self._known: tuple[bytes, LoweredEquation] | None = None

    @property
    def sums(self) -> Interval:
        """The synaptic sums for which the program is proved."""
        return self.layer.entry.interval

    def program(self) -> Program:
        """The program of the parameters as they are now. Raises: see `lowered`."""
        return self.lowered().program

    def lowered(self) -> LoweredEquation:
        """The program of the parameters as they are now, and what its values stand for.

        Raises:
            WidthError: learning has driven them out of the target's widths, or the spike values out of their format.
        """
        parameters = [p.detach().cpu().double().numpy() for p in (*self.neuron.parameters(), *self.neuron.buffers())]
        key = b"".join(p.tobytes() for p in parameters)
        if self._known is None or self._known[0] != key:
            self._known = (key, self._lowered())
        return self._known[1]

    def _lowered(self) -> LoweredEquation:
        with torch.no_grad():
            found = self.neuron.trace(self.layer.node.shape[0])
        old = self.layer.node.equation
        assert isinstance(old, EquationNeuron)
        now = tuple(np.atleast_1d(p.detach().cpu().double().numpy()) for p in found.parameters)
        node = EquationNeuron(old.name, old.inputs, old.shape, source=old.source, equation=found.equation, parameters=now)
        payload, expected = spike_value_of(node, self.layer.state_bits), self.layer.payload
        if payload.frac != expected.frac:
            raise WidthError(
                "learning has driven a number in the neuron's output out of its format",
                where=old.source or old.name,
                got=f"{payload.frac} fractional bits",
                expected=f"{expected.frac} fractional bits, for which the layers behind it were prepared",
                do="keep the amplitudes of spikes fixed, or train the float model on and prepare that",
            )
        made = lower_equation(node, self.layer.entry, self.layer.limits, self.layer.state_bits)
        return replace(made, program=with_narrowest_formats(made.program)[0])

    def forward(self, x: Tensor, echo: Echo | None = None) -> Tensor:
        """Spike values [T, N, C, ...] of synaptic sums x [T or 1, N, C, ...]; of one that hears itself x is in `echo`, too."""
        finite = [p.isfinite().all() for p in self.neuron.parameters()]
        self.wrong = ~torch.stack(finite).all() if finite else torch.zeros((), dtype=torch.bool, device=x.device)
        if bool(self.wrong):  # the model names it, when all layers have run
            return x.new_zeros(self.steps, *x.shape[1:])
        ran = self._ran(shown(x.detach()) if echo is None else echo.entering())
        payload_frac, hears = self.layer.payload.frac, None
        if echo is None:
            x = x.expand(self.steps, *x.shape[1:])
        else:
            x = echo.sums(ran.payload)
            hears = echo.hears(_by_channel(self.layer.input_factor, x), 2.0**-payload_frac)
        self.wrong = outside(x, self.sums)
        traced = self.neuron.trace(self.layer.node.shape[0])
        numbers = [n.to(x.device, torch.float64) for n in traced.parameters]
        widths = self.neuron.surrogate.widths(self.steps, ran.before[next(iter(ran.before))])
        forward: Callable[..., tuple[Tensor, ...]] = _Through.apply
        payload, positive, negative, first = forward(
            x, widths, traced.equation, self.neuron.surrogate, self.layer, ran, self.observed, hears, *numbers
        )
        if self.recorded is not None:
            self.recorded += [payload.detach(), torch.stack(list(ran.after))]
        if self.observed:
            self.tell(payload, positive, negative, first, traced.equation.states[0].range)
        return payload

    @torch.no_grad()
    def _ran(self, entering: Entering) -> _Ran:
        program = self.program()
        dtype = torch.int32 if arithmetic_bits(program) == 32 else torch.int64
        fired, after = list[Tensor](), dict[str, list[Tensor]]()
        for values, held in stepped(program, entering, self.steps, dtype, {}):
            fired.append(values[program.outputs[SPIKES].name].expand_as(next(iter(held.values()))))
            for name, value in held.items():
                after.setdefault(name, []).append(value)
        units = {s: 2.0**-i.format.frac for s, i in program.states.items()}
        starts = {s: torch.full_like(after[s][0], initial_value(i)) for s, i in program.states.items()}
        before = {s: torch.stack([starts[s], *v[:-1]]).double() * units[s] for s, v in after.items()}
        kept = [torch.stack(v) for v in after.values()]
        first = next(s.name for s in self.neuron.declared())
        return _Ran(torch.stack(fired).float(), before, kept, torch.stack(after[first]).double() * units[first])

    def extra_repr(self) -> str:
        """Target widths of the program, for print."""
        return f"state of {self.layer.state_bits} bits, sums in {self.sums}"


@dataclass(frozen=True)
class _Ran:
    """What a program did in all steps.

    Args:
        payload: raw, [T, N, C, ...]. before: by name of the state its real value before every step, float64.
        after: the raw states after every step, in order. first: of the first declared state, real.
    """

    payload: Tensor
    before: Mapping[str, Tensor]
    after: Sequence[Tensor]
    first: Tensor


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        widths: Tensor,
        equation: Equation,
        surrogate: Surrogate,
        layer: EquationLayer,
        ran: _Ran,
        observed: bool,
        hears: Hears | None,
        *numbers: Tensor,
    ) -> tuple[Tensor | None, ...]:
        """What the program made of sums x [T, N, C, ...]: its spike values; where observed, masses of the first state and itself.

        Args:
            widths: of the surrogate, [T]. numbers: of the equation. equation, surrogate, layer, ran, hears: what the way back
                needs besides.
            observed: whether somebody looks at the state.
        """
        ctx.save_for_backward(x, widths, *numbers)
        ctx.given = equation, surrogate, layer, ran.before, hears
        ctx.set_materialize_grads(False)
        if not observed:
            return ran.payload.to(x.dtype), None, None, None
        ctx.mark_non_differentiable(ran.first)
        return ran.payload.to(x.dtype), *masses(ran.first), ran.first

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        x, widths, *numbers = ctx.saved_tensors
        equation, surrogate, layer, before, hears = ctx.given
        payload, positive, negative, _ = grads
        factor = _by_channel(layer.input_factor, x)
        real = None if payload is None else payload.double() * 2.0**layer.payload.frac
        wanted = frozenset(n for n, needed in enumerate(ctx.needs_input_grad[8:]) if needed)
        found = equation_backward(
            equation,
            x.double() * factor,
            before,
            numbers,
            widths,
            surrogate,
            (real, positive, negative),
            wanted,
            ctx.needs_input_grad[1],
            hears,
        )
        gx = (found.x * factor).to(x.dtype)
        return gx, found.widths, None, None, None, None, None, None, *found.numbers


def _by_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    """[1, C, 1, ...] in float64, as it broadcasts to a step of `like` [T, N, C, ...]."""
    return torch.tensor(values, dtype=torch.float64, device=like.device).reshape((1, -1) + (1,) * (like.ndim - 3))


def equation_layer(
    node: UnloweredNeuron, source: IntNode, limits: Lowering, state_bits: int, input_factor: tuple[float, ...]
) -> EquationLayer:
    """The layer of a neuron that was not lowered yet; sums may grow to twice what they are. `source` gives its sums.

    Args:
        node: the neuron. limits: widths of the target. state_bits: widest state allowed.
        input_factor: real value of one raw unit of the sum, [1] or [C].
    """
    assert isinstance(node.equation, EquationNeuron)
    most = min(2 * max(source.interval.magnitude, 1), 2 ** (limits.synapse_bits - 1) - 1)
    entry = Entry(source.interval.hull(Interval(-most, most)), source.format.frac, node.input_scale)
    bits = min(state_bits, limits.state_bits)
    return EquationLayer(node, entry, limits, bits, input_factor, spike_value_of(node.equation, bits))
