"""Neurons whose dynamics are a polynomial of degree over one: learned (LNM, CirculateLNM) and fixed (QIF)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from snn2hw.arguments import MAX_DEGREE, between, one_of, positive, switch, whole
from snn2hw.errors import UsageError, ValueRangeError
from snn2hw.nn.base import Firing, Neuron, channel_rows
from snn2hw.nn.bernstein import SHARE, kept_in
from snn2hw.nn.surrogate import Surrogate
from snn2hw.nn.through_time import Order, Reset

STARTS = ("lif", "plif", "qif")
MOST_SPREAD = int(0.5 / (1 - SHARE))  # channels C of "plif" that a bounded P can start as: (C - 1/2)/C <= SHARE


class LearnedPolynomial(Neuron):
    """P(u) = a_0 + a_1 u + ... + a_d u**d with learned coefficients; see `LNM` and `CirculateLNM`.

    The parameter is `a`, [1, d+1] or [channels, d+1], a_0 first; the buffer `start` holds where it started. A state dict without
    `start`, of an older version, loads: the constructor's own start is kept.

    Where it is bounded, P is what `a` says with every Bernstein coefficient on the state range clamped to 7/8 of that range. P(u)
    is a mean of them with weights that are not negative, so that P maps the state range into 7/8 of itself, whatever `a` is:
    without input no membrane stays at a bound, where no gradient passes. It is a little more than is needed: a cubic that swings
    to both ends of the range has coefficients beyond. A linear P is a_1 u with a_1 at most 7/8: it cannot leak more slowly.
    """

    a: torch.nn.Parameter
    start: Tensor
    bounded: bool

    def _learn(self, degree: int, init: str, channels: int | None, bounded: bool) -> None:
        rows, self.bounded = channel_rows(channels, self.kind), switch("bounded", bounded, self.kind)
        a = torch.zeros(rows, whole("degree", degree, 1, MAX_DEGREE, self.kind) + 1)
        if one_of("init", init, STARTS, self.kind) == "qif":
            self._check_quadratic(degree)
            rest, critical = 0.0, self.thresholds[0] / 2
            a[:, :3] = torch.tensor(quadratic(rest, critical, self._curvature(critical)))
        else:
            a[:, 1] = (torch.arange(rows) + 0.5) / rows if init == "plif" else 0.5
            self._check_leaks((rows - 0.5) / rows if init == "plif" else 0.5, rows)  # no tensor is asked: it may be a meta one
        self.a = torch.nn.Parameter(a)
        self.register_buffer("start", a.clone())

    def _check_leaks(self, slowest: float, channels: int) -> None:
        """A linear P that is bounded maps an end of the range to SHARE of it at most, so that its u decays by SHARE at least."""
        if self.bounded and slowest > SHARE:
            raise UsageError(
                "polynomials that keep to their range cannot leak as slowly as PLIF spreads them",
                where=self.kind,
                got=f"init='plif', channels={channels}, bounded=True: channel {channels - 1} would start at {slowest:g} u",
                expected=f"at most {SHARE:g} u, which is that of {MOST_SPREAD} channels, or bounded=False",
                do="choose init='lif', or leave bounded out and train with Recipe(range_penalty=...)",
            )

    def _check_quadratic(self, degree: int) -> None:
        if self.bounded:
            raise UsageError(
                "a polynomial that keeps to its range cannot start as QIF, which leaves it by itself",
                where=self.kind,
                got="init='qif', bounded=True",
                expected="init='lif' or 'plif', or bounded=False",
                do="choose another start, or leave bounded out and train with Recipe(range_penalty=...)",
            )
        if degree < 2:
            raise UsageError(
                "a polynomial of this degree cannot start as QIF",
                where=self.kind,
                got=f"init='qif', degree={degree}",
                expected="degree 2..5",
                do="choose degree=2, or init='lif'",
            )
        if self.thresholds[0] >= self.state_range[1]:
            raise ValueRangeError(
                "a neuron that starts as QIF has its threshold inside the state range",
                where=self.kind,
                got=f"threshold={self.thresholds[0]:g}, state_range={self.state_range}",
                expected=f"a threshold below {self.state_range[1]:g}",
                do="choose a lower threshold, or a wider state_range",
            )

    def _curvature(self, critical: float) -> float:
        """The largest k for which P keeps to [lo, 0] below rest and under hi up to the threshold, at most 1/(2 critical)."""
        (lo, hi), theta = self.state_range, self.thresholds[0]
        return min(1 / (2 * critical), 1 / (critical - lo), (hi - theta) / (theta * (theta - critical)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.setdefault(f"{prefix}start", self.start)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @property
    def coefficients(self) -> Tensor:
        """[1 or C, degree+1]: the learned parameter `a` itself, or what `bounded` leaves of it."""
        return kept_in(self.a, *self.state_range) if self.bounded else self.a

    @property
    def learned_degrees(self) -> tuple[int, ...]:
        """All."""
        return tuple(range(self.a.shape[1])) if self.a.requires_grad else ()


class LNM(LearnedPolynomial):
    """Learnable Neuron Model: P(u) = a_0 + a_1 u + ... + a_d u**d with learned coefficients, a single comparison.

    Args:
        degree: d, 1..5.
        init: where the coefficients start; those that are not named are 0.
            "lif": a_1 = 0.5, that is LIF with decay 0.5.
            "plif": a_1 = (c + 1/2)/C for channel c of C: parametric leaks, spread over (0, 1); 0.5 where there is one polynomial.
            "qif": P(u) = u + k u (u - threshold/2): rest 0, critical point threshold/2, from where u grows by itself; k is
            as large as keeps P between lo and 0 below rest and under hi up to the threshold, at most 1/threshold. Degree 2
            or more.
        channels: one polynomial per channel (axis 2); None: one per layer.
        bounded: whether P is held so that it maps the state range into 7/8 of itself; see `LearnedPolynomial`. Turn it on from
            degree 4 on. Not with "qif", which leaves the range by itself, nor with "plif" of more than 4 channels, which leaks
            more slowly than it may.
        threshold, reset, reset_value, strict, order, state_range, surrogate, checkpoint: see `Neuron`.

    The learned parameter is `a`, [1, d+1] or [channels, d+1], a_0 first; the buffer `start` holds where it started.

    Raises:
        UsageError: an unknown word or an argument of the wrong type.
        ValueRangeError: a number outside its range.
    """

    def __init__(
        self,
        degree: int = 3,
        *,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        init: str = "lif",
        channels: int | None = None,
        surrogate: Surrogate | None = None,
        checkpoint: int | None = None,
        bounded: bool = False,
    ) -> None:
        super().__init__(
            Firing.single(threshold, self.kind),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
            checkpoint=checkpoint,
        )
        self._learn(degree, init, channels, bounded)


class CirculateLNM(LearnedPolynomial):
    """The polynomial of `LNM` and the firing of `CirculateFiring`.

    Args:
        degree, init, channels: see `LNM`; "qif" takes the threshold of the first level.
        levels, signed, threshold, thresholds, amplitudes, learn_threshold, threshold_by_step, negative_amplitude,
            learn_negative_amplitude, staircase: see `CirculateFiring`.
        bounded: see `LNM`.
        reset, reset_value, strict, order, state_range, surrogate, checkpoint: see `Neuron`.

    Raises:
        UsageError: an unknown word or an argument of the wrong type or length.
        ValueRangeError: a number outside its range.
    """

    def __init__(
        self,
        degree: int = 3,
        levels: int = 4,
        *,
        signed: bool = True,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        init: str = "lif",
        channels: int | None = None,
        surrogate: Surrogate | None = None,
        thresholds: Sequence[float] | None = None,
        amplitudes: Sequence[float] | None = None,
        learn_threshold: bool = False,
        checkpoint: int | None = None,
        threshold_by_step: Sequence[float] | None = None,
        negative_amplitude: float = 1.0,
        learn_negative_amplitude: bool = False,
        staircase: bool = False,
        bounded: bool = False,
    ) -> None:
        steps = (threshold_by_step, negative_amplitude)
        super().__init__(
            Firing.circulate(levels, signed, threshold, thresholds, amplitudes, self.kind, *steps),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
            learn_threshold=learn_threshold,
            learn_negative_amplitude=learn_negative_amplitude,
            staircase=staircase,
            checkpoint=checkpoint,
        )
        self._learn(degree, init, channels, bounded)


class QIF(Neuron):
    """Quadratic integrate-and-fire: P(u) = u + curvature*(u - rest)*(u - critical), fixed; a single comparison.

    P(u) = u at rest, where u returns to from below the critical point, and at the critical point, from where it grows by itself.

    Args:
        rest, critical: rest < critical, both in the state range.
        curvature: > 0, and at most 1/(critical - lo), so that no membrane below rest is thrown over it.
        threshold, reset, reset_value, strict, order, state_range, surrogate, checkpoint: see `Neuron`.

    The coefficients are in the buffer `a`, [1, 3].

    Raises:
        UsageError: an unknown word or an argument of the wrong type.
        ValueRangeError: a number outside its range.
    """

    a: Tensor

    def __init__(
        self,
        *,
        rest: float = 0.0,
        critical: float = 0.5,
        curvature: float = 0.2,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        surrogate: Surrogate | None = None,
        checkpoint: int | None = None,
    ) -> None:
        super().__init__(
            Firing.single(threshold, self.kind),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
            checkpoint=checkpoint,
        )
        lo, hi = self.state_range
        between("critical", critical, lo, hi, self.kind, inclusive=False)
        between("rest", rest, lo, critical, self.kind)
        if rest == critical:
            raise ValueRangeError(
                "rest is the critical point",
                where=self.kind,
                got=repr(rest),
                expected="rest < critical",
                do="choose a lower rest",
            )
        between("curvature", positive("curvature", curvature, self.kind), 0.0, 1 / (critical - lo), self.kind)
        self.register_buffer("a", torch.tensor([quadratic(rest, critical, curvature)]))

    @property
    def coefficients(self) -> Tensor:
        """The buffer `a`, [1, 3]."""
        return self.a

    @property
    def learned_degrees(self) -> tuple[int, ...]:
        """None."""
        return ()


def quadratic(rest: float, critical: float, curvature: float) -> tuple[float, float, float]:
    """a_0, a_1, a_2 of u + curvature*(u - rest)*(u - critical)."""
    return curvature * rest * critical, 1.0 - curvature * (rest + critical), curvature
