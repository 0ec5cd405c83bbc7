"""The neurons of snnTorch 1.0.0 that hear themselves, in its order of float operations: see `snntorch_neurons`."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from snn2hw.arguments import between, finite
from snn2hw.nn.custom import State
from snn2hw.nn.numbered import Range, Stepped
from snn2hw.nn.snntorch_neurons import SnnTorchNeuron, Synaptic
from snn2hw.nn.surrogate import Surrogate


class RLeaky(SnnTorchNeuron):
    """v[t] = beta v[t-1] + x[t] + V s[t-1] - threshold r[t], s = [v > threshold], r[t] = [v[t-1] > threshold].

    reset_mechanism "zero": v[t] = 0 where r[t]; "none": no reset. With V None it hears itself through a synapse:
    `nn.Recurrent(nn.RLeaky(0.9), nn.Linear(64, 64), enters="after")`.

    Args:
        V: of every neuron's own spike; learnable, per layer or per channel.
        beta, threshold, reset_mechanism, reset_delay, graded_spikes_factor, state_range: see `Leaky`.
    """

    def __init__(
        self,
        beta: float,
        V: float | None = None,  # noqa: N803  (snnTorch's own name)
        threshold: float = 1.0,
        *,
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        channels: int | None = None,
        learn_beta: bool = False,
        learn_recurrent: bool = False,
        learn_threshold: bool = False,
        state_range: Range = (-8.0, 8.0),
        surrogate: Surrogate | None = None,
        graded_spikes_factor: float | None = None,
    ) -> None:
        self.states = {"v": State(state_range), **_own_spike(V, graded_spikes_factor)}
        super().__init__(surrogate)
        self._number("beta", between("beta", beta, 0.0, 1.0, self.kind), channels, learn_beta)
        if V is not None:
            self._number("V", finite("V", V, self.kind), channels, learn_recurrent)
        self._spiking(threshold, reset_mechanism, reset_delay, graded_spikes_factor, channels, learn_threshold)

    def step(self, x: Tensor, v: Tensor, own: Tensor | None = None) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        threshold = self._of("threshold")
        late = self._late(v, threshold)
        v = self._decay("beta") * v + x
        v = self._reset(late, v if own is None else v + own * self._of("V"), threshold)
        s, v = self._fired(late, v, threshold)
        return s, {"v": v} if own is None else {"v": v, "own": s}


class RSynaptic(Synaptic):
    """`Synaptic` with i[t] = alpha i[t-1] + x[t] + V s[t-1].

    Args:
        V: of every neuron's own spike; learnable, per layer or per channel. learn_recurrent: whether it is learned.
        others: see `Synaptic`.
    """

    def __init__(
        self,
        alpha: float,
        beta: float,
        V: float = 1.0,  # noqa: N803  (snnTorch's own name)
        threshold: float = 1.0,
        *,
        learn_recurrent: bool = False,
        **others: Any,
    ) -> None:
        super().__init__(alpha, beta, threshold, **others)
        self.states = {**self.states, **_own_spike(V, others.get("graded_spikes_factor"))}
        self._number("V", finite("V", V, self.kind), others.get("channels"), learn_recurrent)

    def step(self, x: Tensor, v: Tensor, i: Tensor, own: Tensor) -> Stepped:  # type: ignore[override]
        """See the class. Arguments as `CustomNeuron.step`."""
        threshold = self._of("threshold")
        late = self._late(v, threshold)
        i = self._decay("alpha") * i + x + own * self._of("V")
        v = self._reset(late, self._decay("beta") * v + i, threshold)
        s, v = self._fired(late, v, threshold)
        return s, {"v": v, "i": i, "own": s}


def _own_spike(weight: float | None, graded: float | None) -> dict[str, State]:
    """The state that keeps a neuron's spike for the step to come."""
    worth = 1.0 if graded is None else graded
    return {} if weight is None else {"own": State((min(worth, 0.0), max(worth, 0.0)))}
