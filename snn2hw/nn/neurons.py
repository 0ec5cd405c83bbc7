"""The field's names for settings of the one family: LNM, circulate firing, LIF, IF and PLIF."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from snn2hw.arguments import MAX_DEGREE, between, one_of, whole
from snn2hw.nn.neuron import Firing, Neuron, Order, Reset
from snn2hw.nn.surrogate import Surrogate

_A1 = {"lif": 0.5}  # init: the linear coefficient it starts from; all others start at 0


class LNM(Neuron):
    """Learnable Neuron Model: P(u) = a_0 + a_1 u + ... + a_d u**d with learned coefficients, a single comparison.

    Args:
        degree: d, 1..5.
        init: "lif" starts as LIF with decay 0.5: a_1 = 0.5, all others 0.
        channels: one polynomial per channel (axis 2); None: one per layer.
        threshold, reset, reset_value, strict, order, state_range, surrogate: see `Neuron`.

    The learned parameter is `a`, [1, d+1] or [channels, d+1], a_0 first.

    Raises:
        UsageError: an unknown word or an argument of the wrong type.
        ValueRangeError: a number outside its range.
    """

    a: torch.nn.Parameter

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
    ) -> None:
        super().__init__(
            Firing.single(threshold, self.kind),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
        )
        a = torch.zeros(_rows(channels, self.kind), whole("degree", degree, 1, MAX_DEGREE, self.kind) + 1)
        a[:, 1] = _A1[one_of("init", init, tuple(_A1), self.kind)]
        self.a = torch.nn.Parameter(a)

    @property
    def coefficients(self) -> Tensor:
        """The learned parameter `a` itself, [1 or C, degree+1]."""
        return self.a


class _Linear(Neuron):
    """P(u) = decay*u, with decay [1 or C] given by a subclass."""

    def _decay(self) -> Tensor:
        raise NotImplementedError

    @property
    def coefficients(self) -> Tensor:
        """[0, decay] as [1 or C, 2]."""
        decay = self._decay()
        return torch.stack([torch.zeros_like(decay), decay], dim=1)


class _FixedDecay(_Linear):
    decay: Tensor

    def _hold(self, decay: float, channels: int | None) -> None:
        rows = _rows(channels, self.kind)
        self.register_buffer("decay", torch.full((rows,), between("decay", decay, 0.0, 1.0, self.kind)))

    def _decay(self) -> Tensor:
        return self.decay


class CirculateFiring(_FixedDecay):
    """P(u) = decay*u; fires in up to `levels` rounds while the residual membrane is over (or, signed, below -) threshold.

    Args:
        levels: K, 1..16.
        signed: whether negative spikes are fired.
        decay: in [0, 1]; kept in the buffer `decay`, [1] or [channels].
        threshold: of every level.
        thresholds, amplitudes: per level, tuples of length `levels`; default `threshold` and 1.0 for each.
        reset, reset_value, strict, order, state_range, surrogate: see `Neuron`.

    Raises:
        UsageError: an unknown word or an argument of the wrong type or length.
        ValueRangeError: a number outside its range.
    """

    def __init__(
        self,
        levels: int = 4,
        *,
        signed: bool = True,
        decay: float = 0.5,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        channels: int | None = None,
        surrogate: Surrogate | None = None,
        thresholds: tuple[float, ...] | None = None,
        amplitudes: tuple[float, ...] | None = None,
    ) -> None:
        super().__init__(
            Firing.circulate(levels, signed, threshold, thresholds, amplitudes, self.kind),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
        )
        self._hold(decay, channels)


class LIF(_FixedDecay):
    """Leaky integrate-and-fire: P(u) = decay*u, a single comparison.

    Args:
        decay: in [0, 1]; kept in the buffer `decay`, [1] or [channels].
        threshold, reset, reset_value, strict, order, state_range, surrogate: see `Neuron`.

    Raises:
        UsageError: an unknown word or an argument of the wrong type.
        ValueRangeError: a number outside its range.
    """

    def __init__(
        self,
        decay: float = 0.5,
        *,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        channels: int | None = None,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__(
            Firing.single(threshold, self.kind),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
        )
        self._hold(decay, channels)


class IF(LIF):
    """Integrate-and-fire: P(u) = u, that is LIF with decay 1; arguments and errors as there."""

    def __init__(
        self,
        *,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        channels: int | None = None,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__(
            1.0,
            threshold=threshold,
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            channels=channels,
            surrogate=surrogate,
        )


class PLIF(_Linear):
    """Parametric LIF: P(u) = sigmoid(w)*u with learned w, a single comparison.

    Args:
        decay: where it starts, in (0, 1); the learned parameter is `w` = log(decay / (1 - decay)), [1] or [channels].
        threshold, reset, reset_value, strict, order, state_range, surrogate: see `Neuron`.

    Raises:
        UsageError: an unknown word or an argument of the wrong type.
        ValueRangeError: a number outside its range.
    """

    def __init__(
        self,
        decay: float = 0.5,
        *,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        order: Order = "poly_then_input",
        state_range: tuple[float, float] = (-4.0, 4.0),
        channels: int | None = None,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__(
            Firing.single(threshold, self.kind),
            reset=reset,
            reset_value=reset_value,
            strict=strict,
            order=order,
            state_range=state_range,
            surrogate=surrogate,
        )
        start = between("decay", decay, 0.0, 1.0, self.kind, inclusive=False)
        self.w = torch.nn.Parameter(torch.full((_rows(channels, self.kind),), math.log(start / (1.0 - start))))

    def _decay(self) -> Tensor:
        return torch.sigmoid(self.w)


def _rows(channels: int | None, where: str) -> int:
    return 1 if channels is None else whole("channels", channels, 1, None, where)
