"""The neurons of snnTorch 1.0.0, each float of a step computed in the order in which snnTorch computes it.

Source: `snntorch/_neurons/*.py`. There v is called `mem`, i `syn`. What snnTorch calls reset, [v[t-1] >
threshold], is r[t] here: the reset comes one step late and after the decay; `reset_delay=False` takes it at once.
A late reset has no gradient; one that is taken at once has that of the spike. States saturate at their ranges (snnTorch's
have none: choose them wide).
"""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw.arguments import between, finite, one_of, positive, switch
from snn2hw.nn.custom import State, fire
from snn2hw.nn.numbered import Numbered, Range, Stepped
from snn2hw.nn.surrogate import Surrogate

MECHANISMS = ("subtract", "zero", "none")


class SnnTorchNeuron(Numbered):
    """Threshold, reset and spike value, which all neurons of snnTorch have.

    Args:
        learn_alpha, learn_beta, learn_threshold, learn_recurrent: whether training changes that number.
    """

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
        self.reset_delay = switch("reset_delay", reset_delay, self.kind)
        self.graded = graded_spikes_factor is not None  # 0 and 1 where it is not: spikes that every chip has
        if graded_spikes_factor is not None:
            self._number("graded_spikes_factor", finite("graded_spikes_factor", graded_spikes_factor, self.kind), None, False)

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
            due = s - late  # the late reset is taken back: no spike is reset twice
            v = v - due * threshold if self.reset_mechanism == "subtract" else v - due * v
        return (s * self._of("graded_spikes_factor") if self.graded else s), v


class Leaky(SnnTorchNeuron):
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


class Synaptic(SnnTorchNeuron):
    """i[t] = alpha i[t-1] + x[t], v[t] = beta v[t-1] + i[t] - threshold r[t], s = [v > threshold], r[t] = [v[t-1] > threshold].

    reset_mechanism "zero": v[t] = 0 where r[t]; "none": no reset. i is never reset.

    Args:
        alpha, beta: in [0, 1]; learnable, per layer or per channel. state_range, current_range: of v and of i.
        threshold, reset_mechanism, reset_delay, graded_spikes_factor: see `Leaky`.
    """

    def __init__(
        self,
        alpha: float,
        beta: float,
        threshold: float = 1.0,
        *,
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        channels: int | None = None,
        learn_alpha: bool = False,
        learn_beta: bool = False,
        learn_threshold: bool = False,
        state_range: Range = (-8.0, 8.0),
        current_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
        graded_spikes_factor: float | None = None,
    ) -> None:
        self.states = {"v": State(state_range), "i": State(current_range)}
        super().__init__(surrogate)
        self._number("alpha", between("alpha", alpha, 0.0, 1.0, self.kind), channels, learn_alpha)
        self._number("beta", between("beta", beta, 0.0, 1.0, self.kind), channels, learn_beta)
        self._spiking(threshold, reset_mechanism, reset_delay, graded_spikes_factor, channels, learn_threshold)

    def step(self, x: Tensor, v: Tensor, i: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        threshold = self._of("threshold")
        late = self._late(v, threshold)
        i = self._decay("alpha") * i + x
        v = self._reset(late, self._decay("beta") * v + i, threshold)
        s, v = self._fired(late, v, threshold)
        return s, {"v": v, "i": i}


class Alpha(SnnTorchNeuron):
    """e[t] = alpha e[t-1] + x[t], i[t] = beta i[t-1] - x[t], v[t] = tau (e[t] + i[t]), s = [v > threshold].

    tau = log(alpha) / (log(beta) - log(alpha)) + 1. Where v[t-1] was over the threshold, reset_mechanism "subtract" gives
    e[t] - threshold, 0 for i[t], v[t] + i[t-1], as snnTorch computes it; "zero" 0 for all three; "none" no reset.

    Args:
        alpha, beta: 0 < beta < alpha < 1; learnable, per layer or per channel.
        threshold, reset_mechanism, graded_spikes_factor: see `Leaky`.
        state_range, excitatory_range, inhibitory_range: of v, e and i.
    """

    def __init__(
        self,
        alpha: float,
        beta: float,
        threshold: float = 1.0,
        *,
        reset_mechanism: str = "subtract",
        channels: int | None = None,
        learn_alpha: bool = False,
        learn_beta: bool = False,
        learn_threshold: bool = False,
        state_range: Range = (-8.0, 8.0),
        excitatory_range: Range = (-8.0, 8.0),
        inhibitory_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
        graded_spikes_factor: float | None = None,
    ) -> None:
        self.states = {"v": State(state_range), "e": State(excitatory_range), "i": State(inhibitory_range)}
        super().__init__(surrogate)
        self._number("alpha", between("alpha", alpha, 0.0, 1.0, self.kind, inclusive=False), channels, learn_alpha)
        self._number("beta", between("beta", beta, 0.0, alpha, self.kind, inclusive=False), channels, learn_beta)
        self._spiking(threshold, reset_mechanism, True, graded_spikes_factor, channels, learn_threshold)

    def step(self, x: Tensor, v: Tensor, e: Tensor, i: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        alpha, beta, threshold = self._decay("alpha"), self._decay("beta"), self._of("threshold")
        late = self._late(v, threshold)
        tau = torch.log(alpha) / (torch.log(beta) - torch.log(alpha)) + 1
        before, e, i = i, alpha * e + x, beta * i - x
        v = tau * (e + i)
        if self.reset_mechanism == "subtract":
            e, v = torch.where(late > 0, e - threshold, e), torch.where(late > 0, v + before, v)
        elif self.reset_mechanism == "zero":
            e, v = (torch.where(late > 0, 0.0, a) for a in (e, v))
        if self.reset_mechanism != "none":
            i = torch.where(late > 0, 0.0, i)
        s, v = self._fired(late, v, threshold)
        return s, {"v": v, "e": e, "i": i}


class Lapicque(SnnTorchNeuron):
    """v[t] = x[t] R (1 / (R C)) dt + (1 - dt / (R C)) v[t-1] - threshold r[t], s = [v > threshold], r[t] = [v[t-1] > threshold].

    reset_mechanism "zero": v[t] = 0 where r[t]; "none": no reset.

    Args:
        R, C, time_step: resistance, capacitance, dt; not learned, as in snnTorch.
        threshold, reset_mechanism, graded_spikes_factor: see `Leaky`. state_range: of v.
    """

    def __init__(
        self,
        R: float = 1.0,  # noqa: N803  (snnTorch's own names)
        C: float = 10.0,  # noqa: N803
        time_step: float = 1.0,
        threshold: float = 1.0,
        *,
        reset_mechanism: str = "subtract",
        channels: int | None = None,
        learn_threshold: bool = False,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
        graded_spikes_factor: float | None = None,
    ) -> None:
        self.states = {"v": State(state_range)}
        super().__init__(surrogate)
        for name, value in {"R": R, "C": C, "time_step": time_step}.items():
            self._number(name, positive(name, value, self.kind), None, False)
        self._spiking(threshold, reset_mechanism, True, graded_spikes_factor, channels, learn_threshold)

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        threshold, r, c, dt = (self._of(name) for name in ("threshold", "R", "C", "time_step"))
        late = self._late(v, threshold)
        v = self._reset(late, x * r * (1 / (r * c)) * dt + (1 - dt / (r * c)) * v, threshold)
        s, v = self._fired(late, v, threshold)
        return s, {"v": v}
