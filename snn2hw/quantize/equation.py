"""A neuron written as an equation that runs its integer program forwards, and learns through the equation.

The program is lowered again whenever a parameter has moved, from the parameters as they are, so the forward is what a compiled
model computes. Backwards every next state and spike is that of the float step, taken at the integer states and inputs:

    v[t] = unit * integers(t) + (f(v[t-1], x[t]) - its own value)        so dv[t]/d(..) = df/d(..)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snn2hw.backends.torch.program import evaluate_on_tensors
from snn2hw.errors import WidthError
from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.integer import IntNode, UnloweredNeuron
from snn2hw.ir.network import EquationNeuron
from snn2hw.ir.program import SPIKES, Program, initial_value
from snn2hw.native.c_ops import arithmetic_bits
from snn2hw.nn.custom import CustomNeuron
from snn2hw.nn.observe import Observable
from snn2hw.num import Interval
from snn2hw.passes.equations import Entry, LoweredEquation, Payload, lower_equation, payload_of
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
    payload: Payload


class QuantisedEquation(Observable):
    """Forwards the integer program of a `CustomNeuron`, for all steps; backwards its float step.

    Input and output: raw integers [T, N, C, ...] in a float dtype; one step that enters is shown at all T.

    Args:
        neuron: the layer whose parameters and surrogate are learned. steps: T.
    """

    def __init__(self, neuron: CustomNeuron, layer: EquationLayer, steps: int) -> None:
        super().__init__()
        self.neuron, self.layer, self.steps = neuron.double(), layer, steps
        self.recorded: list[Tensor | None] | None = None  # payload and states of the next forward, where a list is put here
        self.undefined = torch.zeros((), dtype=torch.bool)  # whether a parameter was NaN or infinite in the last forward
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
        payload, expected = payload_of(node, self.layer.state_bits), self.layer.payload
        if payload.frac != expected.frac:
            raise WidthError(
                "learning has driven a number in the neuron's output out of its format",
                where=old.source or old.name,
                got=f"{payload.frac} fractional bits",
                expected=f"{expected.frac} fractional bits, for which the layers behind it were prepared",
                do="prepare the model again at its present weights, or keep the amplitudes of spikes fixed",
            )
        made = lower_equation(node, self.layer.entry, self.layer.limits, self.layer.state_bits)
        return replace(made, program=with_narrowest_formats(made.program)[0])

    def forward(self, x: Tensor) -> Tensor:
        """Payloads [T, N, C, ...] of synaptic sums x [T or 1, N, C, ...]."""
        finite = [p.isfinite().all() for p in self.neuron.parameters()]
        self.undefined = ~torch.stack(finite).all() if finite else torch.zeros((), dtype=torch.bool, device=x.device)
        if bool(self.undefined):  # the model names it, when all layers have run
            return x.new_zeros(self.steps, *x.shape[1:])
        program, out = self.program(), 2.0**-self.layer.payload.frac
        raw = x.detach().to(torch.int32 if arithmetic_bits(program) == 32 else torch.int64)
        real = x.double() * x.new_tensor(self.layer.input_factor).double().reshape((-1,) + (1,) * (x.ndim - 3))
        held = {s: torch.full_like(raw[0], initial_value(i)) for s, i in program.states.items()}
        units = {s: 2.0**-i.format.frac for s, i in program.states.items()}
        states = {s: v.double() * units[s] for s, v in held.items()}
        widths = self.neuron.surrogate.widths(self.steps, real)
        leaving, kept, mass = list[Tensor](), list[Tensor](), list[Tensor]()
        for t in range(self.steps):
            at = t if len(x) > 1 else 0
            values = evaluate_on_tensors(program, raw[at], held, {})
            held = {s: values[program.outputs[s].name].expand_as(v) for s, v in held.items()}
            spikes, after = self.neuron.one_step(real[at], states, widths[t])
            states = {s: _through(v, held[s].double() * units[s]) for s, v in after.items()}
            leaving.append(_through(spikes, values[program.outputs[SPIKES].name].double() * out) / out)
            mass.append(next(iter(states.values())))
            if self.recorded is not None:
                kept.append(torch.stack(list(held.values())))
        payload = torch.stack(leaving).to(x.dtype)
        if self.recorded is not None:
            self.recorded += [payload.detach(), torch.stack(kept, 1)]
        if self.observed:
            self.neuron.tell_of(self, payload, torch.stack(mass))
        return payload

    def extra_repr(self) -> str:
        """Target widths of the program, for print."""
        return f"state of {self.layer.state_bits} bits, sums in {self.sums}"


def _through(real: Tensor, value: Tensor) -> Tensor:
    """The value, with the gradient of the real number that it stands for."""
    return value + (real - real.detach())


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
    return EquationLayer(node, entry, limits, bits, input_factor, payload_of(node.equation, bits))
