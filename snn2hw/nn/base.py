"""The neuron family in PyTorch: polynomial dynamics, single or circulate firing, explicit reset, in one forward."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from snn2hw.arguments import MAX_LEVELS, ORDERS, RESETS, between, factors, interval, one_of, positive, schedule, switch, whole
from snn2hw.errors import ShapeError, UsageError
from snn2hw.nn.box import boxed
from snn2hw.nn.observe import Observable
from snn2hw.nn.surrogate import Rectangle, Surrogate
from snn2hw.nn.through_time import Order, Reset, Settings, ThroughTime


@dataclass(frozen=True)
class Firing:
    """r_0 = h; for k = 1..K: s_k = [r >= theta_k] - signed*[r <= -theta_k], r -= theta_k*s_k; spike value sum_k amp_k*s_k.

    At step t theta_k is thresholds[k] * by_step[t], and from the last factor on that of the last factor.

    Args:
        thresholds: theta_k > 0, in units of the membrane potential.
        amplitudes: amp_k, one per threshold.
        signed: whether negative spikes are fired.
        circulates: False for the single comparison of LIF and LNM (K = 1, amplitude 1, unsigned).
        by_step: factors of the thresholds, one per step; none where they are the same at every step.
        negative: what amp_k is multiplied with where s_k is negative; where it is learned, where it starts.
    """

    thresholds: tuple[float, ...]
    amplitudes: tuple[float, ...]
    signed: bool
    circulates: bool
    by_step: tuple[float, ...] = ()
    negative: float = 1.0

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """theta_k at the steps that have thresholds of their own, [S][K]."""
        return tuple(tuple(theta * factor for theta in self.thresholds) for factor in self.by_step or (1.0,))

    @property
    def shape(self) -> tuple[int, int]:
        """S, K of `rows`."""
        return max(len(self.by_step), 1), len(self.thresholds)

    @classmethod
    def single(cls, threshold: float, where: str) -> Firing:
        """[h >= threshold].

        Raises:
            UsageError, ValueRangeError: the threshold is no finite number > 0.
        """
        return cls((positive("threshold", threshold, where),), (1.0,), signed=False, circulates=False)

    @classmethod
    def circulate(
        cls,
        levels: int,
        signed: bool,
        threshold: float,
        thresholds: Sequence[float] | None,
        amplitudes: Sequence[float] | None,
        where: str,
        by_step: Sequence[float] | None = None,
        negative: float = 1.0,
    ) -> Firing:
        """At most K = levels spikes per step; without schedules every theta_k is `threshold` at every step and every amp_k is 1.

        Args:
            levels: K. signed: whether negative spikes are fired. thresholds, amplitudes: one per level, or None.
            where: of the layer, for messages. by_step: factors of the thresholds, one per step; None: the same at
                every step.
            negative: factor of the amplitudes of negative spikes.

        Raises:
            UsageError: an argument of the wrong type, a schedule of another length than levels, or one without a step; an
                amplitude of negative spikes where none are fired.
            ValueRangeError: levels outside 1..16, a threshold or factor that is not finite and positive, an infinite amplitude,
                a factor of negative amplitudes that is negative.
        """
        whole("levels", levels, 1, MAX_LEVELS, where)
        thetas = (positive("threshold", threshold, where),) * levels
        if thresholds is not None:
            thetas = tuple(
                positive(f"thresholds[{k}]", v, where) for k, v in enumerate(schedule("thresholds", thresholds, levels, where))
            )
        amps = (1.0,) * levels if amplitudes is None else schedule("amplitudes", amplitudes, levels, where)
        steps = () if by_step is None else factors("threshold_by_step", by_step, where)
        own = between("negative_amplitude", negative, 0.0, math.inf, where)
        if own != 1.0 and not signed:
            raise UsageError(
                "this neuron fires no negative spikes, so they have no amplitude",
                where=where,
                got=f"signed=False, negative_amplitude={negative:g}",
                expected="signed=True, or no negative_amplitude",
                do="leave negative_amplitude out, or let it fire negative spikes: signed=True",
            )
        return cls(thetas, amps, signed=switch("signed", signed, where), circulates=True, by_step=steps, negative=own)


class Neuron(Observable):
    """y[t], u[t] from u[t-1] and x[t], for every step t of x [T, N, ...]; u starts at 0 in every call.

    poly_then_input:  h = clamp(P(u) + x)         P(u) = a_0 + a_1 u + ... + a_d u**d
    input_then_poly:  h = clamp(P(clamp(u + x)))  clamp: to state_range
    firing:           y, residual r = fire(h)     see `Firing`; > in place of >= where strict
    reset:            subtract: u = r    value: u = reset_value where it fired, else h    none: u = h

    Input and output: floats [T, N, C, ...]; the output is spike values. The arithmetic is that of the coefficients' dtype or the
    input's, the wider one, and float32 at least. At the bounds of a clamp the gradient is 0. A subclass gives `coefficients`.

    Args:
        firing: thresholds, amplitudes, sign.
        reset, reset_value, strict, order, state_range: as in the equation.
        surrogate: the comparison with its training gradient; None is Rectangle(width=1).
        learn_threshold: whether theta_k = scale * (its given value), with one learned scale = exp(`log_scale`) that starts at 1.
        learn_negative_amplitude: whether the factor of negative amplitudes is learned, in [0, 1]: the parameter `negative`,
            which may leave that interval, whose nearer end then counts.
        staircase: whether level k stands for a soft step of h at k theta in place of one of r_k at theta, where all
            thresholds are equal: no gradient then passes from one level to the next. Forwards it is the same, but for h that is
            a rounding away from k theta, where r_k and h may be on different sides.
        checkpoint: for the backward pass remember the input and the membrane every so many steps, and compute the steps between
            again; None: remember the membrane of every step, once (and its argument in input_then_poly).
            See docs/reference/neurons.md.

    Raises:
        UsageError: an unknown word or an argument of the wrong type.
        ValueRangeError: a number outside its range.
    """

    gain = 1.0
    log_scale: torch.nn.Parameter | None
    negative: torch.nn.Parameter | None

    def __init__(
        self,
        firing: Firing,
        *,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        surrogate: Surrogate | None = None,
        learn_threshold: bool = False,
        learn_negative_amplitude: bool = False,
        staircase: bool = False,
        checkpoint: int | None = None,
    ) -> None:
        super().__init__()
        if surrogate is not None and not isinstance(surrogate, Surrogate):
            raise UsageError(
                "surrogate is not a surrogate gradient",
                where=self.kind,
                got=repr(surrogate),
                expected="a snn2hw.nn.Surrogate or None",
                do="pass nn.Rectangle(width=1.0) or a subclass of nn.Surrogate",
            )
        self.firing = firing
        self.reset = cast(Reset, one_of("reset", reset, RESETS, self.kind))
        self.order = cast(Order, one_of("order", order, ORDERS, self.kind))
        self.state_range = interval("state_range", state_range, self.kind)
        self.reset_value = between("reset_value", reset_value, *self.state_range, self.kind)
        self.strict = switch("strict", strict, self.kind)
        self.surrogate = Rectangle() if surrogate is None else surrogate
        self.log_scale = torch.nn.Parameter(torch.zeros(())) if switch("learn_threshold", learn_threshold, self.kind) else None
        learns = switch("learn_negative_amplitude", learn_negative_amplitude, self.kind)
        self.negative = self._learn_negative() if learns else None
        self.staircase = switch("staircase", staircase, self.kind)
        if self.staircase and len(set(firing.thresholds)) > 1:
            raise UsageError(
                "a staircase has steps of one height",
                where=self.kind,
                got=f"staircase=True, thresholds={firing.thresholds}",
                expected="equal thresholds",
                do="pass threshold in place of thresholds, or leave staircase out",
            )
        self.checkpoint = None if checkpoint is None else whole("checkpoint", checkpoint, 1, None, self.kind)

    def _learn_negative(self) -> torch.nn.Parameter:
        if not self.firing.signed:
            raise UsageError(
                "this neuron fires no negative spikes, so there is no amplitude to learn",
                where=self.kind,
                got="signed=False, learn_negative_amplitude=True",
                expected="signed=True, or no learn_negative_amplitude",
                do="leave learn_negative_amplitude out, or let it fire negative spikes: signed=True",
            )
        start = between("negative_amplitude", self.firing.negative, 0.0, 1.0, self.kind)
        return torch.nn.Parameter(torch.tensor(start))

    @property
    def coefficients(self) -> Tensor:
        """[1, d+1] for the layer or [C, d+1] per channel, a_0 first."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """The neuron's name: that of its class."""
        return type(self).__name__

    @property
    def thresholds(self) -> tuple[float, ...]:
        """theta_k, one per firing level, as they are now, where the factor of the step is 1."""
        if self.log_scale is None:
            return self.firing.thresholds
        return tuple(self._learned((self.firing.thresholds,), self.log_scale.detach())[0].tolist())

    @property
    def amplitudes(self) -> tuple[float, ...]:
        """amp_k, one per firing level."""
        return self.firing.amplitudes

    @property
    def negative_amplitude(self) -> float:
        """The factor of the amplitudes of negative spikes, as it is now."""
        return self.firing.negative if self.negative is None else float(self.negative.detach().clamp(0.0, 1.0))

    @property
    def own_negative(self) -> bool:
        """Whether negative spikes have an amplitude of their own, given or learned."""
        return self.negative is not None or self.firing.negative != 1.0

    @property
    def learned_degrees(self) -> tuple[int, ...]:
        """The degrees of P whose coefficients are learned."""
        raise NotImplementedError

    @property
    def signed(self) -> bool:
        """Whether negative spikes are fired."""
        return self.firing.signed

    @property
    def circulates(self) -> bool:
        """Whether firing is circulate (up to `levels` spikes a step) rather than a single comparison."""
        return self.firing.circulates

    @property
    def settings(self) -> Settings:
        """What the step needs besides tensors."""
        lo, hi = self.state_range
        firing = (self.strict, self.signed, self.amplitudes, self.own_negative, self.staircase)
        return Settings(self.order, lo, hi, self.reset, self.reset_value, *firing)

    def thetas(self, like: Tensor) -> Tensor:
        """theta_k [S, K] of the steps that have thresholds of their own, in the dtype and on the device of `like`; differentiable
        where learned."""
        return self._learned(self.firing.rows, like)

    def negative_factor(self, like: Tensor) -> Tensor | None:
        """`negative_amplitude` as a tensor [1] like `like`, differentiable where learned; None where it is 1 and given."""
        if self.negative is not None:
            return boxed(self.negative, 0.0, 1.0).to(like).reshape(1)
        return torch.full((1,), self.firing.negative, dtype=like.dtype, device=like.device) if self.own_negative else None

    def _learned(self, rows: Sequence[Sequence[float]], like: Tensor) -> Tensor:
        """Given thresholds [S][K] times the factor that is learned."""
        first = rows[0][0]
        if all(v == first for row in rows for v in row):  # filled there: a copy from main memory would wait for the device
            given = torch.full((len(rows), len(rows[0])), first, dtype=like.dtype, device=like.device)
        else:
            given = torch.tensor(rows, dtype=like.dtype, device=like.device)
        return given if self.log_scale is None else given * self.log_scale.to(like).exp()

    def forward(self, x: Tensor) -> Tensor:
        """Spike values [T, N, C, ...] of synaptic input x [T, N, C, ...], same dtype.

        Raises:
            ShapeError: x has no T axis, not the channels of the coefficients, or not the steps of the surrogate's widths.
        """
        a = self.coefficients
        self._check(x, len(a))
        dtype = torch.promote_types(torch.promote_types(x.dtype, a.dtype), torch.float32)
        entering, a = x.to(dtype), a.to(dtype)
        widths = self.surrogate.widths(len(x), entering)
        fused: Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]] = ThroughTime.apply
        numbers = (a, self.thetas(entering), self.negative_factor(entering))
        payload, positive, negative, h = fused(
            entering, *numbers, widths, self.surrogate, self.settings, self.checkpoint, self.observed
        )
        if self.observed:
            self.tell(payload, positive, negative, h, self.state_range)
        return payload.to(x.dtype) if x.is_floating_point() else payload

    def _check(self, x: Tensor, channels: int) -> None:
        if x.ndim < 3 or len(x) == 0:
            raise ShapeError(
                "a neuron needs the step axis T with at least one step",
                where=f"{self.kind}({self.extra_repr()})",
                got=f"shape {list(x.shape)}",
                expected="[T, N, C, ...]",
                do="show static samples for T steps: nn.repeat(images, steps)",
            )
        if channels not in (1, x.shape[2]):
            raise ShapeError(
                "the neuron's channels are not those of its input",
                where=f"{self.kind}({self.extra_repr()})",
                got=f"shape {list(x.shape)}",
                expected=f"{channels} channels along axis 2",
                do=f"construct it with channels={x.shape[2]}, or with channels=None for one polynomial per layer",
            )

    def extra_repr(self) -> str:
        """The equation's settings, for print."""
        a, firing = self.coefficients, self.firing
        parts = [f"degree={a.shape[1] - 1}"] + ([f"channels={len(a)}"] if len(a) > 1 else [])
        parts += (
            [f"thresholds={self.thresholds}", f"signed={firing.signed}"]
            if firing.circulates
            else [f"threshold={self.thresholds[0]}"]
        )
        parts += [f"negative_amplitude={self.negative_amplitude:g}"] * self.own_negative + ["staircase"] * self.staircase
        parts += [f"threshold_by_step={firing.by_step}"] * bool(firing.by_step)
        parts += [f"reset={self.reset}"] + ([f"reset_value={self.reset_value}"] if self.reset == "value" else [])
        return ", ".join([*parts, f"strict={self.strict}", f"order={self.order}", f"state_range={self.state_range}"])


def channel_rows(channels: int | None, where: str) -> int:
    """Rows of coefficients: one for each channel, one where `channels` is None.

    Raises:
        UsageError, ValueRangeError: channels is neither None nor an int of at least 1.
    """
    return 1 if channels is None else whole("channels", channels, 1, None, where)
