"""Neurons of the field with more than one state, or with a reset of their own, each a step of a few lines.

Sources are named where a neuron follows somebody's equation. Every number that is called learnable is
a parameter where `learn` is True, and else a buffer; a decay that learning takes out of [0, 1] counts
as 0 or 1. States saturate at their ranges. A reset passes the gradient of the spike, as that of the
built-in family does; but that of `Izhikevich` is held constant.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from snn2hw.arguments import between, finite, one_of, positive, switch, whole
from snn2hw.nn.custom import State, fire, replaced
from snn2hw.nn.numbered import Numbered, Range, Stepped
from snn2hw.nn.surrogate import Surrogate


class CubaLIF(Numbered):
    """Current-based LIF: i[t] = current_decay i[t-1] + x[t], v[t] = decay v[t-1] + i[t], s = [v >= threshold].

    Source: the equation of nir.CubaLIF and of Loihi's CUBA neuron in discrete time.

    Args:
        decay, current_decay: in [0, 1]; learnable, per layer or per channel.
        threshold: > 0; learnable. reset: "subtract", "value" (to `reset_value`) or "none". strict: > for >=.
        state_range, current_range: of v and of i.
    """

    def __init__(
        self,
        decay: float = 0.9,
        current_decay: float = 0.5,
        threshold: float = 1.0,
        *,
        reset: str = "subtract",
        reset_value: float = 0.0,
        strict: bool = False,
        channels: int | None = None,
        learn: bool = False,
        state_range: Range = (-4.0, 4.0),
        current_range: Range = (-4.0, 4.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range), "i": State(current_range)}
        super().__init__(surrogate)
        self._number("decay", between("decay", decay, 0.0, 1.0, self.kind), channels, learn)
        self._number("current_decay", between("current_decay", current_decay, 0.0, 1.0, self.kind), channels, learn)
        self._number("threshold", positive("threshold", threshold, self.kind), channels, learn)
        self.reset = one_of("reset", reset, ("subtract", "value", "none"), self.kind)
        self.reset_value = between("reset_value", reset_value, *state_range, self.kind)
        self.strict = switch("strict", strict, self.kind)

    def step(self, x: Tensor, v: Tensor, i: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        i = self._decay("current_decay") * i + x
        v = self._decay("decay") * v + i
        s = fire(v, self._of("threshold"), strict=self.strict)
        if self.reset == "subtract":
            v = replaced(v, s, v - self._of("threshold"))
        elif self.reset == "value":
            v = replaced(v, s, self.reset_value)
        return s, {"v": v, "i": i}


class ALIF(Numbered):
    """LIF whose threshold adapts, theta = threshold + strength a: v = decay v + x, s = [v >= theta], v -= theta s.

    a = rho a + (1 - rho) s after each step: the running mean of the spikes.

    Source: Bellec et al. 2018 (LSNN), the adaptive threshold B = b0 + beta b, with (1 - alpha) in the weights.

    Args:
        decay, adaptation_decay (rho): in [0, 1]; strength >= 0; threshold > 0; all learnable, per layer or per channel.
        state_range: of v; a is in [0, 1] by its equation.
    """

    def __init__(
        self,
        decay: float = 0.9,
        adaptation_decay: float = 0.95,
        strength: float = 1.0,
        threshold: float = 1.0,
        *,
        channels: int | None = None,
        learn: bool = False,
        state_range: Range = (-4.0, 4.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State(state_range), "a": State((0.0, 1.0))}
        super().__init__(surrogate)
        self._number("decay", between("decay", decay, 0.0, 1.0, self.kind), channels, learn)
        self._number("adaptation_decay", between("adaptation_decay", adaptation_decay, 0.0, 1.0, self.kind), channels, learn)
        self._number("strength", between("strength", strength, 0.0, 1e6, self.kind), channels, learn)
        self._number("threshold", positive("threshold", threshold, self.kind), channels, learn)

    def step(self, x: Tensor, v: Tensor, a: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        v = self._decay("decay") * v + x
        theta = self._of("threshold") + self._of("strength").clamp_min(0.0) * a
        s = fire(v, theta)
        rho = self._decay("adaptation_decay")
        return s, {"v": replaced(v, s, v - theta), "a": rho * a + (1 - rho) * s}


class Izhikevich(Numbered):
    """v += dt (4 v**2 + 5 v + 1.4 - u + x), u += dt a (b v - u); where v >= 0.3: v = c, u += d.

    v and u are the millivolts of the source over 100: v = -0.65 is -65 mV, x = 0.1 is its I = 10.
    Source: Izhikevich 2003, "Simple model of spiking neurons", by Euler's rule.

    Args:
        a, b, c, d: 0.02, 0.2, -0.65, 0.08 is regular spiking; c = -0.55, d = 0.04 intrinsically
            bursting; c = -0.5, d = 0.02 chattering. Learnable, per layer or per channel.
        dt: ms of a step; 1 or less.
    """

    def __init__(
        self,
        a: float = 0.02,
        b: float = 0.2,
        c: float = -0.65,
        d: float = 0.08,
        *,
        dt: float = 0.5,
        channels: int | None = None,
        learn: bool = False,
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"v": State((-1.0, 0.5), -0.65), "u": State((-0.5, 0.5), -0.13)}
        super().__init__(surrogate)
        for name, value in {"a": a, "b": b, "c": between("c", c, -1.0, 0.5, self.kind), "d": d}.items():
            self._number(name, finite(name, value, self.kind), channels, learn)
        self.dt = positive("dt", dt, self.kind)

    def step(self, x: Tensor, v: Tensor, u: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        moved = v + self.dt * (4.0 * v * v + 5.0 * v + 1.4 - u + x)
        u = u + (self.dt * self._of("a")) * (self._of("b") * v - u)
        s = fire(moved, 0.3)
        return s, {"v": torch.where(s > 0, self._of("c"), moved), "u": u + self._of("d") * s}


class RefractoryLIF(Numbered):
    """LIF that neither integrates nor fires for some steps after a spike: v = decay v + x where n = 0, else v stays at rest.

    n counts down from `refractory` after each spike; while n > 0 the membrane is held at 0.

    Args:
        decay: in [0, 1]; threshold: > 0; learnable, per layer or per channel.
        refractory: steps after a spike without another one, 1 to 255.
    """

    def __init__(
        self,
        decay: float = 0.9,
        threshold: float = 1.0,
        refractory: int = 2,
        *,
        channels: int | None = None,
        learn: bool = False,
        state_range: Range = (-4.0, 4.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.refractory = whole("refractory", refractory, 1, 255, "RefractoryLIF")
        self.states = {"v": State(state_range), "n": State((0.0, 256.0))}
        super().__init__(surrogate)
        self._number("decay", between("decay", decay, 0.0, 1.0, self.kind), channels, learn)
        self._number("threshold", positive("threshold", threshold, self.kind), channels, learn)

    def step(self, x: Tensor, v: Tensor, n: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        v = torch.where(n > 0, 0.0, self._decay("decay") * v + x)
        s = fire(v, self._of("threshold"))
        return s, {"v": replaced(v, s, 0.0), "n": torch.where(s > 0, float(self.refractory), torch.relu(n - 1.0))}


class ResonateAndFire(Numbered):
    """z = decay exp(i omega) z + x, z = re + i im; fires where im passes 0 upwards with re >= threshold. No reset.

    Source: lava-nc 0.10, `lava/proc/rf/models.py` (its float model, input on the real part).

    Args:
        frequency: omega in radians per step. decay: in [0, 1]. threshold: > 0. Learnable, per layer or per channel.
        state_range: of re and of im.
    """

    def __init__(
        self,
        frequency: float = 2.0 * math.pi / 10.0,
        decay: float = 0.95,
        threshold: float = 1.0,
        *,
        channels: int | None = None,
        learn: bool = False,
        state_range: Range = (-4.0, 4.0),
        surrogate: Surrogate | None = None,
    ) -> None:
        self.states = {"re": State(state_range), "im": State(state_range)}
        super().__init__(surrogate)
        self._number("frequency", finite("frequency", frequency, self.kind), channels, learn)
        self._number("decay", between("decay", decay, 0.0, 1.0, self.kind), channels, learn)
        self._number("threshold", positive("threshold", threshold, self.kind), channels, learn)

    def step(self, x: Tensor, re: Tensor, im: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        decay, omega = self._decay("decay"), self._of("frequency")
        cos, sin = decay * torch.cos(omega), decay * torch.sin(omega)
        real = cos * re - sin * im + x
        imaginary = sin * re + cos * im
        s = fire(real, self._of("threshold")) * fire(imaginary, 0.0) * torch.where(im < 0, 1.0, 0.0)
        return s, {"re": real, "im": imaginary}
