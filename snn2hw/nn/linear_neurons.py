"""Neurons whose dynamics are linear, by the field's names: circulate firing, LIF, IF and PLIF."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snn2hw.arguments import between, switch
from snn2hw.nn.base import Firing, Neuron, channel_rows
from snn2hw.nn.surrogate import Surrogate
from snn2hw.nn.through_time import Order, Reset


class _Linear(Neuron):
    """P(u) = decay*u; decay [1 or C] is the buffer `decay`, or where it is learned sigmoid(`w`), `w` the parameter."""

    decay: Tensor | None
    w: torch.nn.Parameter | None

    def _leak(self, decay: float, channels: int | None, learn: bool) -> None:
        learn = switch("learn_decay", learn, self.kind)
        start = between("decay", decay, 0.0, 1.0, self.kind, inclusive=not learn)
        rows = channel_rows(channels, self.kind)
        self.register_buffer("decay", None if learn else torch.full((rows,), start))
        self.register_parameter("w", torch.nn.Parameter(torch.full((rows,), math.log(start / (1.0 - start)))) if learn else None)

    @property
    def coefficients(self) -> Tensor:
        """[0, decay] as [1 or C, 2]."""
        decay = self.decay if self.w is None else torch.sigmoid(self.w)
        assert decay is not None
        return torch.stack([torch.zeros_like(decay), decay], dim=1)

    @property
    def learned_degrees(self) -> tuple[int, ...]:
        """That of the decay, where it is learned."""
        return () if self.w is None or not self.w.requires_grad else (1,)


class CirculateFiring(_Linear):
    """P(u) = decay*u; fires up to `levels` spikes a step while the residual membrane is over (or, signed, below -) threshold.

    Args:
        levels: K, 1..16.
        signed: whether negative spikes are fired.
        decay: in [0, 1]; kept in the buffer `decay`, [1] or [channels].
        learn_decay: whether it is learned as in `PLIF`: decay = sigmoid(`w`), `w` [1] or [channels]; it then starts in (0, 1).
        threshold: of every level.
        thresholds, amplitudes: per level, sequences of length `levels`; default `threshold` and 1.0 for each.
        learn_threshold: whether all thresholds are learned, by one factor: the parameter `log_scale`, see `Neuron`.
        negative_amplitude: what the amplitude of a negative spike is multiplied with, >= 0; at 0 a negative spike resets the
            membrane and sends nothing.
        learn_negative_amplitude: whether that is learned, from there on, in [0, 1]: the parameter `negative`.
        staircase: whether equal thresholds are trained as one stair of soft steps; see `Neuron`.
        threshold_by_step: factors f, not learned: at step t thresholds are f[t] times their values; the last factor stays.
        reset, reset_value, strict, order, state_range, surrogate, checkpoint: see `Neuron`.

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
        thresholds: Sequence[float] | None = None,
        amplitudes: Sequence[float] | None = None,
        learn_decay: bool = False,
        learn_threshold: bool = False,
        checkpoint: int | None = None,
        threshold_by_step: Sequence[float] | None = None,
        negative_amplitude: float = 1.0,
        learn_negative_amplitude: bool = False,
        staircase: bool = False,
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
        self._leak(decay, channels, learn_decay)


class LIF(_Linear):
    """Leaky integrate-and-fire: P(u) = decay*u, a single comparison.

    Args:
        decay: in [0, 1]; kept in the buffer `decay`, [1] or [channels].
        threshold, reset, reset_value, strict, order, state_range, surrogate, checkpoint: see `Neuron`.

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
        self._leak(decay, channels, learn=False)


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
        checkpoint: int | None = None,
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
            checkpoint=checkpoint,
        )


class PLIF(_Linear):
    """Parametric LIF: P(u) = sigmoid(w)*u with learned w, a single comparison.

    Args:
        decay: where it starts, in (0, 1); the learned parameter is `w` = log(decay / (1 - decay)), [1] or [channels].
        threshold, reset, reset_value, strict, order, state_range, surrogate, checkpoint: see `Neuron`.

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
        self._leak(decay, channels, learn=True)
