"""The neurons of SpikingJelly's `activation_based`, each float of a step computed in the order in which SpikingJelly does.

Sources: SpikingJelly 2.0.0, `_ops/*/reference.py` and `cpu.py`; 0.0.0.0.14, `activation_based/neuron.py`, in eval mode.
A step charges, h[t] = f(v[t-1], x[t]), fires, s = [h >= v_threshold], and resets: v_reset None, v = h - v_threshold s;
a number, v = v_reset where it fired. The hard reset has no gradient, the soft one unless `detach_reset`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw.arguments import between, finite, positive
from snn2hw.nn.custom import State, fire
from snn2hw.nn.numbered import Numbered, Range, Stepped
from snn2hw.nn.surrogate import Surrogate


class IFNode(Numbered):
    """h[t] = v[t-1] + x[t].

    Args:
        v_threshold: > 0. v_reset: None subtracts the threshold. detach_reset: no gradient through the reset.
        initial: v before the first step; None is v_reset, or 0. state_range: of v, which saturates there.
    """

    def __init__(
        self,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        *,
        detach_reset: bool = False,
        initial: float | None = None,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.v_reset = None if v_reset is None else between("v_reset", v_reset, *state_range, self.kind)
        self.states = {"v": State(state_range, (self.v_reset or 0.0) if initial is None else initial)}
        super().__init__(surrogate)
        self._number("v_threshold", finite("v_threshold", v_threshold, self.kind), None, False)
        self.detach_reset = bool(detach_reset)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """h[t]."""
        return v + x

    def _from_rest(self, v: Tensor) -> Tensor:
        """v - v_reset, of which 0 needs no operation."""
        return v - self.v_reset if self.v_reset else v

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the module."""
        threshold = self._of("v_threshold")
        h = self.charge(x, v)
        s = fire(h, threshold)
        if self.v_reset is not None:
            return s, {"v": torch.where(s > 0, self.v_reset, h)}
        return s, {"v": torch.where(s > 0, h - threshold, h) if self.detach_reset else h - s * threshold}


class LIFNode(IFNode):
    """h = v + (x - (v - v_reset)) / tau; without decay_input h = v - (v - v_reset) / tau + x. v_reset None: 0 here.

    Args:
        tau: > 0. decay_input: see above.
        factored: without decay_input h = v (1 - 1 / tau) + x, as 0.0.0.0.14 computes it where v_reset is None.
        v_threshold, v_reset, detach_reset, initial, state_range: see `IFNode`.
    """

    def __init__(
        self,
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        *,
        factored: bool = False,
        detach_reset: bool = False,
        initial: float | None = None,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__(
            v_threshold,
            v_reset,
            detach_reset=detach_reset,
            initial=initial,
            state_range=state_range,
            surrogate=surrogate,
        )
        self.tau = positive("tau", tau, self.kind)
        self.decay_input, self.factored = bool(decay_input), bool(factored)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """h[t]."""
        if self.decay_input:
            return v + (x - self._from_rest(v)) / self.tau
        if self.factored:
            return v * (1.0 - 1.0 / self.tau) + x
        return v - self._from_rest(v) / self.tau + x
