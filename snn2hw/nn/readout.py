"""What a network is read by: the sum, the mean, the last step, or a leaky sum of its logits over the steps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from snn2hw.arguments import between, one_of, switch
from snn2hw.errors import UsageError
from snn2hw.nn.custom import CustomNeuron, State, per_channel

KINDS = ("sum", "mean", "last", "leaky")


class LeakyIntegrator(CustomNeuron):
    """A neuron that never fires: y[t] = clamp(decay * y[t-1] + x[t]), y[-1] = 0; what leaves is y itself.

    Args:
        decay: in [0, 1]; 1 is a sum. state_range: of y, which saturates there; its integers are as fine as it is narrow.
        learn: whether the decay is a parameter. channels: None for one decay of the layer, else one for each channel.
    """

    def __init__(
        self,
        decay: float = 0.9,
        state_range: tuple[float, float] = (-16.0, 16.0),
        *,
        learn: bool = False,
        channels: int | None = None,
    ) -> None:
        self.states = {"y": State(state_range)}
        super().__init__()
        start = torch.full((1 if channels is None else channels,), between("decay", decay, 0.0, 1.0, self.kind))
        self.decay: Tensor
        if switch("learn", learn, self.kind):
            self.register_parameter("decay", torch.nn.Parameter(start))
        else:
            self.register_buffer("decay", start)

    def step(self, x: Tensor, y: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:  # type: ignore[override]
        """See the class."""
        y = per_channel(self.decay).clamp(0.0, 1.0) * y + x
        return y, {"y": y}


class Membrane(CustomNeuron):
    """A neuron of which a state leaves in place of its spikes: y[t] = state after step t; it fires and resets as ever.

    Args:
        neuron: one with declared states, whose parameters stay its own. state: the name of one of them.

    Raises:
        UsageError: another kind of neuron, or no such state.
    """

    def __init__(self, neuron: CustomNeuron, state: str) -> None:
        if not isinstance(neuron, CustomNeuron) or state not in neuron.states:
            raise UsageError(
                "the neuron has no such state",
                where="nn.Membrane",
                got=f"{type(neuron).__name__}, {state!r}",
                expected="a neuron with declared states (nn.CustomNeuron), and the name of one of them",
                do=f"choose one of {', '.join(getattr(neuron, 'states', {})) or 'the states that it declares'}",
            )
        self.states = dict(neuron.states)
        super().__init__(neuron.surrogate)
        self.neuron, self.state = neuron, state

    def step(self, x: Tensor, **states: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See the class."""
        _, after = self.neuron.step(x, **states)
        return after[self.state], after


class Readout(torch.nn.Module):
    """What is made of logits x [T, N, classes]: [N, classes].

    sum    y = sum_t x[t]            mean    y = sum_t x[t] / T
    last   y = x[T-1]                leaky   y = y[T-1] of a `LeakyIntegrator`: y[t] = clamp(decay * y[t-1] + x[t])

    Args:
        kind: one of these. decay, state_range, learn: of "leaky", see `LeakyIntegrator`.

    Raises:
        UsageError: another kind, or a decay of one that has none.
    """

    def __init__(
        self,
        kind: str = "sum",
        decay: float | None = None,
        state_range: tuple[float, float] | None = None,
        *,
        learn: bool = False,
    ) -> None:
        super().__init__()
        self.kind = one_of("kind", kind, KINDS, "Readout")
        if self.kind != "leaky" and (decay is not None or state_range is not None or learn):
            raise UsageError(
                "this readout has no decay and no state",
                where=f"nn.Readout({kind!r})",
                got=f"decay={decay}, state_range={state_range}, learn={learn}",
                expected="a kind and nothing else",
                do="use kind='leaky', or leave them out",
            )
        if self.kind == "leaky":
            self.integrator = LeakyIntegrator(0.9 if decay is None else decay, state_range or (-16.0, 16.0), learn=learn)

    def forward(self, x: Tensor) -> Tensor:
        """[N, classes] of x [T, N, classes]."""
        if self.kind == "leaky":
            steps: Tensor = self.integrator(x)
            return steps[-1]
        if self.kind == "last":
            return x[-1]
        return x.mean(0) if self.kind == "mean" else x.sum(0)

    def extra_repr(self) -> str:
        """The kind, for print."""
        return self.kind
