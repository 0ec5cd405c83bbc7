"""The neurons of Norse 1.1.0, each float of a step computed in the order in which Norse computes it.

Source: `norse/torch/functional/*.py`. s = [v > v_th]. States start at rest: v = v_leak. A reset passes the gradient of the
spike, but not in Norse's recurrent forms of LIF and LSNN: `detach_reset`.
Numbers are Norse's: tau_*_inv in 1/s, dt in s. A number may be learned or given per channel: see `Numbered.share`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from snn2hw.arguments import finite, one_of, positive, switch
from snn2hw.nn.custom import State, fire, replaced
from snn2hw.nn.numbered import Numbered, Range, Stepped
from snn2hw.nn.surrogate import Surrogate


class _Norse(Numbered):
    """dt and numbers that are buffers until `share` puts others in their place."""

    detach_reset = False

    def _given(self, dt: float, **numbers: float) -> None:
        self.dt = positive("dt", dt, self.kind)
        for name, value in numbers.items():
            self._number(name, finite(name, value, self.kind), None, False)

    def _moved(self, v: Tensor, i: Tensor) -> Tensor:
        """v + dt tau_mem_inv (v_leak - v + i)."""
        return v + (self.dt * self._of("tau_mem_inv")) * (self._of("v_leak") - v + i)

    def _faded(self, i: Tensor) -> Tensor:
        """i - dt tau_syn_inv i."""
        return i + (-self.dt * self._of("tau_syn_inv")) * i

    def _reset(self, v: Tensor, s: Tensor) -> Tensor:
        """v_reset where it fired, else v."""
        value = self._of("v_reset")
        return torch.where(s > 0, value, v) if self.detach_reset else replaced(v, s, value)


class NorseLIF(_Norse):
    """j = i + x, v += dt tau_mem_inv (v_leak - v + j), i = j - dt tau_syn_inv j, s = [v > v_th]; v = v_reset where it fired.

    Args:
        tau_syn_inv, tau_mem_inv: in 1/s. v_leak, v_th, v_reset: of v. dt: of a step, in s.
        detach_reset: no gradient through the reset. state_range, current_range: of v and of i, which saturate there.
    """

    def __init__(
        self,
        tau_syn_inv: float = 200.0,
        tau_mem_inv: float = 100.0,
        v_leak: float = 0.0,
        v_th: float = 1.0,
        v_reset: float = 0.0,
        *,
        dt: float = 0.001,
        detach_reset: bool = False,
        state_range: Range = (-8.0, 8.0),
        current_range: Range = (-16.0, 16.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range, v_leak), "i": State(current_range)}
        super().__init__(surrogate)
        self.detach_reset = switch("detach_reset", detach_reset, self.kind)
        self._given(dt, tau_syn_inv=tau_syn_inv, tau_mem_inv=tau_mem_inv, v_leak=v_leak, v_th=v_th, v_reset=v_reset)

    def step(self, x: Tensor, v: Tensor, i: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        i = i + x
        v = self._moved(v, i)
        s = fire(v, self._of("v_th"), strict=True)
        return s, {"v": self._reset(v, s), "i": self._faded(i)}


class LI(_Norse):
    """j = i + x, v += dt tau_mem_inv (v_leak - v + j), i = j - dt tau_syn_inv j; never fires: what leaves is v.

    Arguments as `NorseLIF`.
    """

    def __init__(
        self,
        tau_syn_inv: float = 200.0,
        tau_mem_inv: float = 100.0,
        v_leak: float = 0.0,
        *,
        dt: float = 0.001,
        state_range: Range = (-8.0, 8.0),
        current_range: Range = (-16.0, 16.0),
    ) -> None:
        self.states = {"v": State(state_range, v_leak), "i": State(current_range)}
        super().__init__()
        self._given(dt, tau_syn_inv=tau_syn_inv, tau_mem_inv=tau_mem_inv, v_leak=v_leak)

    def step(self, x: Tensor, v: Tensor, i: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        i = i + x
        v = self._moved(v, i)
        return v, {"v": v, "i": self._faded(i)}


class LIFRefrac(NorseLIF):
    """`NorseLIF` that keeps v and stays silent while n > 0; n is rho_reset after a spike, and one less after each step.

    Args:
        rho_reset: steps after a spike without another one, a number > 0. others: see `NorseLIF`.
    """

    def __init__(self, rho_reset: float = 5.0, **others: Any) -> None:
        super().__init__(**others)
        self.states = {**self.states, "n": State((0.0, positive("rho_reset", rho_reset, self.kind)))}
        self._number("rho_reset", rho_reset, None, False)

    def step(self, x: Tensor, v: Tensor, i: Tensor, n: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        s, after = super().step(x, v, i)
        silent = fire(n, 0.0, strict=True)  # with a gradient, as in Norse
        s = s * (1.0 - silent)
        left = torch.relu(n - silent)
        return s, {
            "v": replaced(after["v"], silent, v),
            "i": after["i"],
            "n": replaced(left, s, self._of("rho_reset")),
        }


class LSNN(_Norse):
    """LIF with a threshold b that rises with every spike: its input acts from the step to come on.

    v += dt tau_mem_inv (v_leak - v + i), b += dt tau_adapt_inv (v_th - b), s = [v > b], v = v_reset where it fired,
    i = i - dt tau_syn_inv i + x, b = b + beta s. b starts at v_th.

    Args:
        tau_syn_inv, tau_mem_inv, tau_adapt_inv: in 1/s. v_leak, v_th, v_reset: of v. beta: a spike adds it to b.
        dt: of a step, in s. detach_reset: no gradient through what a spike does to v and b.
        state_range, current_range, threshold_range: of v, i and b, which saturate there.
    """

    def __init__(
        self,
        tau_syn_inv: float = 200.0,
        tau_mem_inv: float = 100.0,
        tau_adapt_inv: float = 1.0 / 800,
        v_leak: float = 0.0,
        v_th: float = 1.0,
        v_reset: float = 0.0,
        beta: float = 1.8,
        *,
        dt: float = 0.001,
        detach_reset: bool = False,
        state_range: Range = (-8.0, 8.0),
        current_range: Range = (-16.0, 16.0),
        threshold_range: Range = (0.0, 32.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range, v_leak), "i": State(current_range), "b": State(threshold_range, v_th)}
        super().__init__(surrogate)
        self.detach_reset = switch("detach_reset", detach_reset, self.kind)
        times = {"tau_syn_inv": tau_syn_inv, "tau_mem_inv": tau_mem_inv, "tau_adapt_inv": tau_adapt_inv}
        self._given(dt, **times, v_leak=v_leak, v_th=v_th, v_reset=v_reset, beta=beta)

    def step(self, x: Tensor, v: Tensor, i: Tensor, b: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        v = self._moved(v, i)
        b = b + (self.dt * self._of("tau_adapt_inv")) * (self._of("v_th") - b)
        s, beta = fire(v, b, strict=True), self._of("beta")
        raised = torch.where(s > 0, beta, 0.0) if self.detach_reset else s * beta
        return s, {"v": self._reset(v, s), "i": self._faded(i) + x, "b": b + raised}


class IAF(_Norse):
    """v += x, s = [v > v_th]; v = v_reset where it fired, and at the start.

    Args:
        v_th, v_reset: of v. state_range: of v, which saturates there.
    """

    def __init__(
        self,
        v_th: float = 1.0,
        v_reset: float = 0.0,
        *,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range, v_reset)}
        super().__init__(surrogate)
        self._given(1.0, v_th=v_th, v_reset=v_reset)

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        v = v + x
        s = fire(v, self._of("v_th"), strict=True)
        return s, {"v": self._reset(v, s)}


class LIFBox(_Norse):
    """v += dt tau_mem_inv (x + v_leak - v), s = [v > v_th]; then v = v_reset, or with reset "subtract" v - v_th.

    Args:
        tau_mem_inv: in 1/s. v_leak, v_th, v_reset: of v. reset: "value" or "subtract". dt: of a step, in s.
        state_range: of v, which saturates there.
    """

    def __init__(
        self,
        tau_mem_inv: float = 100.0,
        v_leak: float = 0.0,
        v_th: float = 1.0,
        v_reset: float = 0.0,
        *,
        reset: str = "value",
        dt: float = 0.001,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range, v_leak)}
        super().__init__(surrogate)
        self.reset = one_of("reset", reset, ("value", "subtract"), self.kind)
        self._given(dt, tau_mem_inv=tau_mem_inv, v_leak=v_leak, v_th=v_th, v_reset=v_reset)

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        v = v + (self.dt * self._of("tau_mem_inv")) * (x + self._of("v_leak") - v)
        threshold = self._of("v_th")
        s = fire(v, threshold, strict=True)
        return s, {"v": self._reset(v, s) if self.reset == "value" else replaced(v, s, v - threshold)}


class LIBox(_Norse):
    """v += dt tau_mem_inv (v_leak - v + x); never fires: what leaves is v. Arguments as `LIFBox`."""

    def __init__(
        self, tau_mem_inv: float = 100.0, v_leak: float = 0.0, *, dt: float = 0.001, state_range: Range = (-8.0, 8.0)
    ) -> None:
        self.states = {"v": State(state_range, v_leak)}
        super().__init__()
        self._given(dt, tau_mem_inv=tau_mem_inv, v_leak=v_leak)

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        v = self._moved(v, x)
        return v, {"v": v}
