"""A layer of neurons that runs its integer program forwards, and learns as the real neuron it was lowered from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor

from snn2hw.executors.torch_program import evaluate_on_tensors
from snn2hw.ir.program import SPIKES, Op, Program, declared_interval, initial_value, values_of
from snn2hw.nn import through_time
from snn2hw.nn.neuron import Neuron
from snn2hw.nn.observe import Observable
from snn2hw.nn.surrogate import Surrogate
from snn2hw.quantize import native
from snn2hw.quantize.constants import Constants
from snn2hw.quantize.native import ARGUMENT, MEMBRANE, STATE

WORTH = 1 << 22  # neurons and steps after which a program is worth compiling


Made: TypeAlias = "tuple[Tensor, Tensor, Tensor | None]"  # payload, h, z: raw integers in float32, [T, ...]
Run: TypeAlias = "Callable[[Tensor, Layer, dict[str, Tensor], int, Tensor | None], Made]"


@dataclass(frozen=True)
class Layer:
    """What a prepared neuron layer is made of.

    Args:
        program: as lowered; `constants`: those of its constants that follow parameters.
        input_factor: the real value of one raw unit of the synaptic sum, one per channel or one.
        payload_frac: binary point of the payload.
    """

    program: Program
    constants: Constants
    input_factor: tuple[float, ...]
    payload_frac: int

    @cached_property
    def fixed_rows(self) -> dict[str, tuple[int, ...]]:
        """Constants that differ by channel and do not move."""
        several = {i.name: values_of(i) for i in self.program.of(Op.PARAM) if len(values_of(i)) > 1}
        return {name: values for name, values in several.items() if name not in self.constants.moving}


class QuantisedNeuron(Observable):
    """Forwards the integer program, for all steps; backwards `snn2hw.nn.through_time.backward` at the membranes it went through.

    Input and output: raw integers [T, N, C, ...] in a float dtype; one step that enters is shown at all T.

    Args:
        neuron: the real neuron, whose coefficients, thresholds and surrogate are learned.
        steps: T.
    """

    def __init__(self, neuron: Neuron, layer: Layer, steps: int) -> None:
        super().__init__()
        self.neuron, self.layer, self.steps = neuron, layer, steps
        # The gradient at a bound of the clamp is 0, and it is the integers' bound: +4.0 is 32767 * 2**-13 in 16 bits.
        self.state_range = _real_range(layer.program)
        self.work = 0  # neurons and steps so far
        self.recorded: list[Tensor | None] | None = None  # payload and states of the next forward, where a list is put here

    def forward(self, x: Tensor) -> Tensor:
        """Payloads [T, N, C, ...] of synaptic sums x [T or 1, N, C, ...]."""
        neuron = self.neuron
        a = neuron.coefficients.float()
        widths = neuron.surrogate.widths(self.steps, a)
        thetas = neuron.thetas(a)
        self.work += self.steps * x[0].numel()
        run = self._native(x) or _on_tensors
        states = None if self.recorded is None else torch.empty(self.steps, *x.shape[1:], device=x.device)
        forward: Callable[..., tuple[Tensor, ...]] = _Integers.apply
        lo, hi = self.state_range
        settings = replace(neuron.settings, lo=lo, hi=hi)
        payload, positive, negative, h = forward(
            x, a, thetas, widths, neuron.surrogate, settings, self.layer, self.steps, self.observed, run, states
        )
        if self.recorded is not None:
            self.recorded += [payload.detach(), states]
        if self.observed:
            self.tell(payload, positive, negative, h, self.state_range)
        return payload

    def _native(self, x: Tensor) -> Run | None:
        """The compiled program, on a CPU with a compiler, once it is worth it."""
        if self.work < WORTH or x.device.type != "cpu":
            return None
        layer = self.layer
        moving = layer.constants.moving
        rows = frozenset(n for n, m in moving.items() if len(m.start) > 1) | layer.fixed_rows.keys()
        bits = 32 if layer.constants.dtype == torch.int32 else 64
        found = native.function(layer.program, frozenset(moving) - rows, rows, bits, x.dtype)
        if found is None:
            return None

        def run(x: Tensor, layer: Layer, constants: dict[str, Tensor], steps: int, states: Tensor | None) -> Made:
            return native.call(found, layer.program, constants, rows, x, steps, states)

        return run

    def constants(self) -> dict[str, tuple[int, ...]]:
        """The moving constants of the program as they are now, one per channel or one."""
        a = self.neuron.coefficients.detach().float()
        raw = self.layer.constants.raw(a, self.neuron.thetas(a))
        return {name: tuple(values.tolist()) for name, values in raw.items()}

    def extra_repr(self) -> str:
        """Name and width of the program, for print."""
        return f"{self.layer.program.kind}, {len(self.layer.program.instructions)} instructions in {self.layer.constants.dtype}"


class _Integers(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        a: Tensor,
        thetas: Tensor,
        widths: Tensor,
        surrogate: Surrogate,
        settings: through_time.Settings,
        layer: Layer,
        steps: int,
        observed: bool,
        run: Run,
        states: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        payload, h, z = run(x, layer, _constants(layer, a, thetas), steps, states)
        unit = 2.0 ** -layer.program.states[STATE].format.frac
        h, z = h.mul_(unit), None if z is None else z.mul_(unit)
        ctx.save_for_backward(a, thetas, widths, h, z)
        ctx.surrogate, ctx.settings, ctx.layer, ctx.shown, ctx.dtype = surrogate, settings, layer, len(x), x.dtype
        ctx.set_materialize_grads(False)
        if not observed:
            return payload, None, None, None
        ctx.mark_non_differentiable(h)
        return payload, h.clamp_min(0).flatten(1).mean(1), (-h).clamp_min(0).flatten(1).mean(1), h

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        a, thetas, widths, h, z = ctx.saved_tensors
        payload, positive, negative, _ = grads
        real = None if payload is None else payload.float() * 2.0**ctx.layer.payload_frac
        found = through_time.backward(
            h, z, a, thetas, widths, ctx.surrogate, ctx.settings, real, positive, negative, needs=ctx.needs_input_grad[1:4]
        )
        gx = (found.x * _by_channel(ctx.layer.input_factor, found.x)).to(ctx.dtype)
        if ctx.shown == 1 and len(gx) > 1:
            gx = gx.sum(0, keepdim=True)
        return gx, found.a, found.thetas, found.widths, None, None, None, None, None, None, None


def _constants(layer: Layer, a: Tensor, thetas: Tensor) -> dict[str, Tensor]:
    """Every constant that moves or differs by channel, [1] or [C]."""
    fixed = {name: torch.tensor(values, device=a.device) for name, values in layer.fixed_rows.items()}
    return {name: v.to(layer.constants.dtype) for name, v in {**fixed, **layer.constants.raw(a, thetas)}.items()}


def _on_tensors(x: Tensor, layer: Layer, constants: dict[str, Tensor], steps: int, states: Tensor | None) -> Made:
    program = layer.program
    raw = x.to(layer.constants.dtype)
    own = {i: v.reshape((-1,) + (1,) * (raw.ndim - 3)) for i, v in constants.items()}
    u = torch.full_like(raw[0], initial_value(program.states[STATE]))
    payload, h = (torch.empty(steps, *x.shape[1:], device=x.device) for _ in range(2))
    z = torch.empty_like(h) if ARGUMENT in program.by_name else None
    for t in range(steps):
        values = evaluate_on_tensors(program, raw[t if len(raw) > 1 else 0], {STATE: u}, own)
        payload[t], h[t] = values[program.outputs[SPIKES].name], values[MEMBRANE]
        if z is not None:
            z[t] = values[ARGUMENT]
        u = values[program.outputs[STATE].name].expand_as(u)
        if states is not None:
            states[t] = u
    return payload, h, z


def _real_range(program: Program) -> tuple[float, float]:
    """What the membrane is held to, in real units."""
    held = program.by_name[MEMBRANE]
    bounds, unit = declared_interval(held), 2.0**-held.format.frac
    return bounds.lo * unit, bounds.hi * unit


def _by_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).reshape((-1,) + (1,) * (like.ndim - 3))
