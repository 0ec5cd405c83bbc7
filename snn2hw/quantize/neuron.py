"""A layer of neurons that runs its integer program forwards, and learns as the real neuron it was lowered from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn2hw.ir.program import SPIKES, Op, Program, declared_interval, values_of
from snn2hw.nn import through_time
from snn2hw.nn.base import Neuron
from snn2hw.nn.observe import Observable
from snn2hw.nn.steps_at_once import Hears
from snn2hw.nn.surrogate import Surrogate
from snn2hw.num import Interval
from snn2hw.quantize import native
from snn2hw.quantize.constants import Constants, Now
from snn2hw.quantize.native import roles_of, summed
from snn2hw.quantize.recurrent import Echo
from snn2hw.quantize.stepping import Entering, shown, stepped
from snn2hw.quantize.values import outside

WORTH = 1 << 22  # neurons and steps after which a program is worth compiling


Made: TypeAlias = "tuple[Tensor, Tensor, Tensor | None]"  # spike value, h, z: raw integers in float32, [T, ...]


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

    def fixed(self, device: torch.device) -> dict[str, Tensor]:
        """They as tensors, int64."""
        return {name: torch.tensor(values, dtype=torch.int64, device=device) for name, values in self.fixed_rows.items()}

    def settings(self, real: through_time.Settings) -> through_time.Settings:
        """The real neuron's, with the bounds and the reset value that the integers have: +4.0 is 32767 * 2**-13 in 16 bits."""
        roles = roles_of(self.program)
        held = self.program.by_name[roles.membrane]
        bounds, unit = declared_interval(held), 2.0**-held.format.frac
        given = roles.firing.reset_value if roles.firing else None
        value = real.reset_value if given is None else self.program.params[given][0] * unit
        return replace(real, lo=bounds.lo * unit, hi=bounds.hi * unit, reset_value=value)


class QuantisedNeuron(Observable):
    """Forwards the integer program, for all steps; backwards `snn2hw.nn.through_time.backward` at the membranes it went through.

    Input and output: raw integers [T, N, C, ...] in a float dtype; one step that enters is shown at all T.

    Args:
        neuron: the real neuron, whose coefficients, thresholds and surrogate are learned.
        steps: T.
    """

    def __init__(self, neuron: Neuron, layer: Layer, steps: int) -> None:
        super().__init__()
        # Constants must not depend on how a device rounds a sigmoid or an exponential in float32.
        self.neuron, self.layer, self.steps = neuron.double(), layer, steps
        self.work = 0  # neurons and steps so far
        self.recorded: list[Tensor | None] | None = None  # spike value and states of the next forward, where a list is put here
        self.wrong = torch.zeros((), dtype=torch.bool)  # whether the last forward had sums, or parameters, that it is not for

    def forward(self, x: Tensor, echo: Echo | None = None) -> Tensor:
        """Spike values [T, N, C, ...] of synaptic sums x [T or 1, N, C, ...]; of one that hears itself x is in `echo`, too."""
        now, settings, layer = self.now(), self.layer.settings(self.neuron.settings), self.layer
        a, thetas = now.a.float(), now.thetas.float()
        negative = None if now.negative is None else now.negative.float()
        widths = self.neuron.surrogate.widths(self.steps, a)
        constants = {n: v.to(layer.constants.dtype) for n, v in {**layer.fixed(x.device), **now.raw}.items()}
        shape = (len(layer.program.states), self.steps, *x.shape[1:])
        states = None if self.recorded is None else torch.empty(shape, dtype=torch.float32, device=x.device)
        hears = None
        if echo is None:
            made = self._made(x.detach(), constants, states)
        else:
            made = _on_tensors(echo.entering(), layer, constants, self.steps, states)
            x = echo.sums(made[0])
            hears = echo.hears(_by_channel(layer.input_factor, x, torch.float32), 2.0**-layer.payload_frac)
        self.wrong = outside(x, self.sums) | ~now.finite
        forward: Callable[..., tuple[Tensor, ...]] = _Integers.apply
        payload, above, below, h = forward(
            x, a, thetas, negative, widths, self.neuron.surrogate, settings, layer, made, self.observed, hears
        )
        if self.recorded is not None:
            self.recorded += [payload.detach(), states]
        if self.observed:
            self.tell(payload, above, below, h, (settings.lo, settings.hi))
        return payload

    @property
    def sums(self) -> Interval:
        """The synaptic sums for which the program is proved."""
        return self.layer.constants.sums

    def now(self) -> Now:
        """The moving constants of the program as they are now, and what they stand for."""
        a = self.neuron.coefficients.double()
        return self.layer.constants.at(a, self.neuron.thetas(a), self.neuron.negative_factor(a))

    def _made(self, x: Tensor, constants: dict[str, Tensor], states: Tensor | None) -> Made:
        """What the program makes of x, on tensors or, on a CPU with a compiler once it is worth it, compiled."""
        layer, moving = self.layer, self.layer.constants.moving
        self.work += self.steps * x[0].numel()
        if self.work >= WORTH and x.device.type == "cpu":
            rows = frozenset({n for n, m in moving.items() if len(m.start) > 1} | set(layer.fixed_rows))
            bits = 32 if layer.constants.dtype == torch.int32 else 64
            found = native.function(layer.program, frozenset(moving) - rows, rows, bits, x.dtype)
            if found is not None:
                return native.call(found, layer.program, constants, rows, x, self.steps, states)
        return _on_tensors(shown(x), layer, constants, self.steps, states)

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
        negative: Tensor | None,
        widths: Tensor,
        surrogate: Surrogate,
        settings: through_time.Settings,
        layer: Layer,
        made: Made,
        observed: bool,
        hears: Hears | None,
    ) -> tuple[Tensor | None, ...]:
        """What the program made of sums x [T or 1, N, C, ...]; its spike values and, where observed, masses of h and h itself.

        Args:
            a, thetas, negative, widths: coefficients, thresholds, the amplitude of negative spikes where it is their own, and
                surrogate widths, float32, which get gradients.
            surrogate, settings, layer, hears: what `through_time.backward` needs besides.
            made: by the program. observed: whether somebody looks at the membranes.
        """
        payload, h, z = made
        unit = 2.0 ** -layer.program.by_name[roles_of(layer.program).state].format.frac
        h, z = h.mul_(unit), None if z is None else z.mul_(unit)
        ctx.save_for_backward(a, thetas, negative, widths, h, z)
        ctx.surrogate, ctx.settings, ctx.layer, ctx.shown, ctx.dtype = surrogate, settings, layer, len(x), x.dtype
        ctx.hears = hears
        ctx.set_materialize_grads(False)
        if not observed:
            return payload, None, None, None
        ctx.mark_non_differentiable(h)
        return payload, h.clamp_min(0).flatten(1).mean(1), (-h).clamp_min(0).flatten(1).mean(1), h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        a, thetas, negative, widths, h, z = ctx.saved_tensors
        payload, above, below, _ = grads
        real = None if payload is None else payload.float() * 2.0**ctx.layer.payload_frac
        given = (ctx.surrogate, ctx.settings, real, above, below)
        asked = {"negative": negative, "needs": ctx.needs_input_grad[1:5], "hears": ctx.hears}
        found = through_time.backward(h, z, a, thetas, widths, *given, **asked)
        gx = (found.x * _by_channel(ctx.layer.input_factor, found.x)).to(ctx.dtype)
        if ctx.shown == 1 and len(gx) > 1:
            gx = gx.sum(0, keepdim=True)
        return gx, found.a, found.thetas, found.negative, found.widths, None, None, None, None, None, None


def _on_tensors(entering: Entering, layer: Layer, constants: dict[str, Tensor], steps: int, states: Tensor | None) -> Made:
    program = layer.program
    fires, argument = program.outputs[SPIKES].name, summed(program)
    wanted = [fires, roles_of(program).membrane, *([] if argument is None else [argument])]
    made = list[Tensor]()
    for t, (values, held) in enumerate(stepped(program, entering, steps, layer.constants.dtype, constants)):
        now = [values[name] for name in wanted]
        if t == 0:
            like = next(iter(held.values()))
            made = [torch.empty(steps, *like.shape, dtype=torch.float32, device=like.device) for _ in wanted]
        for kept, value in zip(made, now, strict=True):
            kept[t] = value
        if states is not None:
            states[:, t] = torch.stack(list(held.values()))
    payload, h, *z = made
    return payload, h, z[0] if z else None


def _by_channel(values: tuple[float, ...], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """[1, C, 1, ...], as it broadcasts to a step of `like` [T, N, C, ...]."""
    found = torch.tensor(values, dtype=dtype or like.dtype, device=like.device)
    return found.reshape((1, -1) + (1,) * (like.ndim - 3))
