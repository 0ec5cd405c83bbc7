"""The neurons of Norse 1.1.0, each float of a step computed in the order in which Norse computes it.

Source: `norse/torch/functional/*.py`. s = [v > v_th]; the reset has no gradient. States start at rest: v = v_leak.
Numbers are Norse's: tau_*_inv in 1/s, dt in s. A number may be learned or given per channel: see `Numbered.share`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw.arguments import finite, positive
from snn2hw.nn.custom import State, fire
from snn2hw.nn.numbered import Numbered, Range, Stepped
from snn2hw.nn.surrogate import Surrogate


class _Norse(Numbered):
    """dt and numbers that are buffers until `share` puts others in their place."""

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


class NorseLIF(_Norse):
    """j = i + x, v += dt tau_mem_inv (v_leak - v + j), i = j - dt tau_syn_inv j, s = [v > v_th]; v = v_reset where it fired.

    Args:
        tau_syn_inv, tau_mem_inv: in 1/s. v_leak, v_th, v_reset: of v. dt: of a step, in s.
        state_range, current_range: of v and of i, which saturate there.
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
        state_range: Range = (-8.0, 8.0),
        current_range: Range = (-16.0, 16.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range, v_leak), "i": State(current_range)}
        super().__init__(surrogate)
        self._given(dt, tau_syn_inv=tau_syn_inv, tau_mem_inv=tau_mem_inv, v_leak=v_leak, v_th=v_th, v_reset=v_reset)

    def step(self, x: Tensor, v: Tensor, i: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        i = i + x
        v = self._moved(v, i)
        s = fire(v, self._of("v_th"), strict=True)
        return s, {"v": torch.where(s > 0, self._of("v_reset"), v), "i": self._faded(i)}


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
        """See the class."""
        i = i + x
        v = self._moved(v, i)
        return v, {"v": v, "i": self._faded(i)}
