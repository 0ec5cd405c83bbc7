"""What neurons did in a forward: membrane mass, rates and saturation of every step, kept only where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.errors import ValueRangeError


@dataclass(frozen=True, eq=False)
class Observation:
    """One layer in one forward; every tensor is [T], a mean over samples and neurons.

    Args:
        positive, negative: of relu(h) and relu(-h), h the clamped membrane before firing; differentiable.
        rate: the share of spike values that are not 0.
        saturated: the share of h at a bound of the state range; a bound at 0, where every state starts, does not count.
        undefined: the share of h that is NaN.
    """

    positive: Tensor
    negative: Tensor
    rate: Tensor
    saturated: Tensor
    undefined: Tensor

    @property
    def finite(self) -> bool:
        """Whether no membrane was NaN at any step; infinity does not pass the clamp, it counts as saturated."""
        return not bool(self.undefined.any())


Seen = dict[str, Observation]


class Observable(torch.nn.Module):
    """A layer of neurons that `observe` can look at: while `observed`, its forward calls `tell`."""

    def __init__(self) -> None:
        super().__init__()
        self._watchers: tuple[tuple[str, Seen], ...] = ()

    @property
    def observed(self) -> bool:
        """Whether somebody looks."""
        return bool(self._watchers)

    def tell(self, payload: Tensor, positive: Tensor, negative: Tensor, h: Tensor, state_range: tuple[float, float]) -> None:
        """Enter one forward under this layer's path, or path#2 and so on where the model calls the layer again.

        Args:
            state_range: (lo, hi) of h.
            payload, h: [T, N, ...]. positive, negative: [T], with their gradient.
        """
        shares = _shares(payload.detach(), h.detach(), state_range)
        for path, seen in self._watchers:
            name, n = path, 1
            while name in seen:
                n += 1
                name = f"{path}#{n}"
            seen[name] = Observation(positive, negative, *shares)


def _shares(payload: Tensor, h: Tensor, state_range: tuple[float, float]) -> list[Tensor]:
    """[T] each: the shares of spike values that are not 0, of h at a bound, and of h that is NaN."""
    in_memory = h.device.type == "cpu" and torch.bfloat16 not in (h.dtype, payload.dtype)
    return _counted(payload.numpy(), h.numpy(), *state_range) if in_memory else _averaged(payload, h, *state_range)


def _averaged(payload: Tensor, h: Tensor, lo: float, hi: float) -> list[Tensor]:
    bound = torch.zeros_like(h, dtype=torch.bool)
    if hi != 0:
        bound |= h >= hi
    if lo != 0:
        bound |= h <= lo
    return [share.flatten(1).float().mean(1) for share in (payload != 0, bound, h.isnan())]


def _counted(payload: npt.NDArray[Any], h: npt.NDArray[Any], lo: float, hi: float) -> list[Tensor]:
    """The same, of arrays in memory: NumPy counts flags several times as fast as torch averages them."""
    spikes, bound, undefined = list[int](), list[int](), list[int]()
    with np.errstate(invalid="ignore"):  # NaN is at no bound
        for y, v in zip(payload, h, strict=True):
            spikes.append(int(np.count_nonzero(y != 0)))
            bound.append(int(hi != 0 and np.count_nonzero(v >= hi)) + int(lo != 0 and np.count_nonzero(v <= lo)))
            undefined.append(int(np.count_nonzero(np.isnan(v))))
    return [torch.tensor(counts, dtype=torch.float32) / h[0].size for counts in (spikes, bound, undefined)]


@contextmanager
def observe(model: torch.nn.Module) -> Iterator[Seen]:
    """`with nn.observe(model) as seen:` - after a forward of model, seen[path] is the `Observation` of the neuron at that path.

    Every forward of `model` begins anew. A neuron that the model calls a second time is entered as path#2. Nothing is
    computed outside the block; a graph is kept only as long as `seen` is.
    """
    seen: Seen = {}
    layers = [(path, m) for path, m in model.named_modules() if isinstance(m, Observable)]

    def begin(module: torch.nn.Module, entering: Any) -> None:
        seen.clear()

    hook = model.register_forward_pre_hook(begin)
    for path, layer in layers:
        layer._watchers = (*layer._watchers, (path, seen))
    try:
        yield seen
    finally:
        hook.remove()
        for _, layer in layers:
            layer._watchers = tuple(w for w in layer._watchers if w[1] is not seen)


def check_alive(seen: Seen) -> None:
    """Stops a polynomial that has run away.

    Raises:
        ValueRangeError: at some step more than half of a layer's membranes are NaN or at a bound of the state range.
    """
    for path, layer in seen.items():
        lost = (layer.saturated + layer.undefined).tolist()
        for step, share in enumerate(lost):
            if share > 0.5:
                undefined = float(layer.undefined[step])
                raise ValueRangeError(
                    "the membranes of a layer have left their range: its polynomial diverges",
                    where=f"{path or 'the model itself'}, step {step}",
                    got=f"{undefined:.1%} NaN, {share - undefined:.1%} at a bound of the state range, together more than half",
                    expected="at most half of them",
                    do="add nn.range_penalty(model) to the loss, lower the learning rate, or widen state_range",
                )
