"""The neurons of SpikingJelly's `activation_based`, each float of a step computed in the order in which SpikingJelly does.

Sources: SpikingJelly 2.0.0, `_ops/*/reference.py` and `cpu.py`; 0.0.0.0.14, `activation_based/neuron.py`, in eval mode.
A step charges, h[t] = f(v[t-1], x[t]), fires, s = [h >= v_threshold], and resets: v_reset None, v = h - v_threshold s;
a number, v = v_reset where it fired. Either reset passes the gradient of the spike, unless `detach_reset`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from snn2hw.arguments import between, finite, positive, switch
from snn2hw.nn.custom import State, fire, replaced
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
        self.detach_reset = switch("detach_reset", detach_reset, self.kind)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """h[t]."""
        return v + x

    def _from_rest(self, v: Tensor) -> Tensor:
        """v - v_reset, of which 0 needs no operation."""
        return v - self.v_reset if self.v_reset else v

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the module."""
        s, v = self._fired(self.charge(x, v))
        return s, {"v": v}

    def _fired(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """(spikes, v after the reset)."""
        threshold = self._of("v_threshold")
        s = fire(h, threshold)
        if self.v_reset is not None:
            return s, torch.where(s > 0, self.v_reset, h) if self.detach_reset else replaced(h, s, self.v_reset)
        return s, torch.where(s > 0, h - threshold, h) if self.detach_reset else h - s * threshold


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
        **others: Any,
    ) -> None:
        super().__init__(v_threshold, v_reset, **others)
        self.tau = positive("tau", tau, self.kind)
        self.decay_input = switch("decay_input", decay_input, self.kind)
        self.factored = switch("factored", factored, self.kind)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """h[t]."""
        if self.decay_input:
            return v + (x - self._from_rest(v)) / self.tau
        if self.factored:
            return v * (1.0 - 1.0 / self.tau) + x
        return v - self._from_rest(v) / self.tau + x


class ParametricLIFNode(IFNode):
    """h = v + (x - (v - v_reset)) q, q = sigmoid(w); without decay_input h = v - (v - v_reset) q + x. v_reset None: 0 here.

    Args:
        init_tau: > 1; where it starts: w = -log(init_tau - 1), the one parameter. decay_input: see above.
        factored: without decay_input h = v (1 - q) + x, as 0.0.0.0.14 computes it where v_reset is 0 or None.
        v_threshold, v_reset, detach_reset, initial, state_range: see `IFNode`.
    """

    def __init__(
        self,
        init_tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        *,
        factored: bool = False,
        **others: Any,
    ) -> None:
        super().__init__(v_threshold, v_reset, **others)
        start = -math.log(between("init_tau", init_tau, 1.0, math.inf, self.kind, inclusive=False) - 1.0)
        self.w = torch.nn.Parameter(torch.tensor(start))
        self.decay_input = switch("decay_input", decay_input, self.kind)
        self.factored = switch("factored", factored, self.kind)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """h[t]."""
        q = torch.sigmoid(self._of("w"))
        if self.decay_input:
            return v + (x - self._from_rest(v)) * q
        if self.factored:
            return v * (1.0 - q) + x
        return v - self._from_rest(v) * q + x


class QIFNode(IFNode):
    """h = v + (x + a0 (v - v_rest) (v - v_c)) / tau.

    Args:
        tau, a0: > 0. v_c, v_rest: where the parabola is 0.
        v_threshold, v_reset, detach_reset, initial, state_range: see `IFNode`.
    """

    def __init__(
        self,
        tau: float = 2.0,
        v_c: float = 0.8,
        a0: float = 1.0,
        v_threshold: float = 1.0,
        v_rest: float = 0.0,
        v_reset: float | None = -0.1,
        **others: Any,
    ) -> None:
        super().__init__(v_threshold, v_reset, **others)
        self.tau, self.a0 = positive("tau", tau, self.kind), positive("a0", a0, self.kind)
        self.v_c, self.v_rest = finite("v_c", v_c, self.kind), finite("v_rest", v_rest, self.kind)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """h[t]."""
        return v + (x + self.a0 * (v - self.v_rest) * (v - self.v_c)) / self.tau


class NonSpikingNode(Numbered):
    """Never fires, what leaves is v: without tau v[t] = v[t-1] + x[t], with tau v[t] = v[t-1] + (x[t] - v[t-1]) / tau.

    Args:
        tau: None is NonSpikingIFNode, a number > 0 NonSpikingLIFNode. state_range: of v, which saturates there.
    """

    def __init__(self, tau: float | None = None, *, state_range: Range = (-16.0, 16.0)) -> None:
        self.states = {"v": State(state_range)}
        super().__init__()
        self.tau = None if tau is None else positive("tau", tau, self.kind)

    def step(self, x: Tensor, v: Tensor) -> Stepped:  # type: ignore[override]
        """See the class."""
        v = v + x if self.tau is None else v + (x - v) / self.tau
        return v, {"v": v}


class IzhikevichNode(QIFNode):
    """h = v + (x + a0 (v - v_rest) (v - v_c) - w) / tau, w = w + (a (h - v_rest) - w) / tau_w + b s.

    Args:
        tau_w, a, b, w_rest: of w, which starts at w_rest. recovery_range: of w, which saturates there.
        others: see `QIFNode`.
    """

    def __init__(
        self,
        tau_w: float = 2.0,
        a: float = 0.0,
        b: float = 0.0,
        w_rest: float = 0.0,
        *,
        recovery_range: Range = (-8.0, 8.0),
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self.states = {**self.states, "w": State(recovery_range, w_rest)}
        self.tau_w = positive("tau_w", tau_w, self.kind)
        self.a, self.b = finite("a", a, self.kind), finite("b", b, self.kind)

    def step(self, x: Tensor, v: Tensor, w: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        h = v + (x + self.a0 * (v - self.v_rest) * (v - self.v_c) - w) / self.tau
        s, after = self._fired(h)
        return s, {"v": after, "w": w + (self.a * (h - self.v_rest) - w) / self.tau_w + self.b * s}
