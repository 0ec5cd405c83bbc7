"""The neurons of snnTorch 1.0.0, each float of a step computed in the order in which snnTorch computes it.

Source: `snntorch/_neurons/*.py`. There v is called `mem`, i `syn`. What snnTorch calls reset, [v[t-1] >
threshold], is r[t] here: the reset comes one step late and after the decay; `reset_delay=False` takes it at once.
No reset has a gradient. States saturate at their ranges (snnTorch's have none: choose them wide).
"""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw.arguments import between, finite, one_of, positive
from snn2hw.nn.custom import State, fire
from snn2hw.nn.numbered import Numbered, Range, Stepped
from snn2hw.nn.surrogate import Surrogate

MECHANISMS = ("subtract", "zero", "none")


class _SnnTorch(Numbered):
    """Threshold, reset and spike value, which all of them have."""

    def _spiking(
        self,
        threshold: float,
        reset_mechanism: str,
        reset_delay: bool,
        graded_spikes_factor: float | None,
        channels: int | None,
        learn_threshold: bool,
    ) -> None:
        self._number("threshold", positive("threshold", threshold, self.kind), channels, learn_threshold)
        self.reset_mechanism = one_of("reset_mechanism", reset_mechanism, MECHANISMS, self.kind)
        self.reset_delay = bool(reset_delay)
        self.graded = graded_spikes_factor is not None  # 0 and 1 where it is not: spikes that every chip has
        if graded_spikes_factor is not None:
            self._number("graded_spikes_factor", finite("graded_spikes_factor", graded_spikes_factor, self.kind), None, False)

    def _decay(self, name: str) -> Tensor:
        """A decay, held to [0, 1] as in snnTorch."""
        return self._of(name).clamp(0.0, 1.0)

    def _late(self, v: Tensor, threshold: Tensor) -> Tensor:
        """r[t], as 0 and 1."""
        return torch.where(v > threshold, 1.0, 0.0)

    def _reset(self, late: Tensor, v: Tensor, threshold: Tensor) -> Tensor:
        """v after the reset of the spike before."""
        if self.reset_mechanism == "none":
            return v
        return torch.where(late > 0, v - threshold if self.reset_mechanism == "subtract" else 0.0, v)

    def _fired(self, late: Tensor, v: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor]:
        """(spikes, v as the step leaves it)."""
        s = fire(v, threshold, strict=True)
        if not self.reset_delay and self.reset_mechanism != "none":
            due = torch.where(v > threshold, 1.0, 0.0) - late  # the late reset is taken back: no spike is reset twice
            v = v - due * threshold if self.reset_mechanism == "subtract" else v - due * v
        return (s * self._of("graded_spikes_factor") if self.graded else s), v


class Leaky(_SnnTorch):
    """v[t] = beta v[t-1] + x[t] - threshold r[t], s = [v > threshold], r[t] = [v[t-1] > threshold].

    reset_mechanism "zero": v[t] = beta (1 - r[t]) v[t-1] + x[t]; "none": no reset.

    Args:
        beta: in [0, 1]; learnable, per layer or per channel. threshold: > 0; learnable.
        reset_mechanism: "subtract", "zero" or "none". reset_delay: False resets v in the step of the spike.
        graded_spikes_factor: what a spike is worth; None is 1.
        state_range: of v, which saturates there (snnTorch's does not: choose it wide).
    """

    def __init__(
        self,
        beta: float,
        threshold: float = 1.0,
        *,
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        channels: int | None = None,
        learn_beta: bool = False,
        learn_threshold: bool = False,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
        graded_spikes_factor: float | None = None,
    ) -> None:
        self.states = {"v": State(state_range)}
        super().__init__(surrogate)
        self._number("beta", between("beta", beta, 0.0, 1.0, self.kind), channels, learn_beta)
        self._spiking(threshold, reset_mechanism, reset_delay, graded_spikes_factor, channels, learn_threshold)

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        threshold = self._of("threshold")
        late = self._late(v, threshold)
        if self.reset_mechanism == "zero":
            v = self._decay("beta") * torch.where(late > 0, 0.0, v) + x
        else:
            v = self._reset(late, self._decay("beta") * v + x, threshold)
        s, v = self._fired(late, v, threshold)
        return s, {"v": v}
