"""Neurons written as a step, with numbers that are learnable or given: what the library's neurons are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from snn2hw.arguments import switch
from snn2hw.nn.custom import CustomNeuron, per_channel

Range: TypeAlias = tuple[float, float]
Stepped: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
Number: TypeAlias = "float | Tensor"


class Numbered(CustomNeuron):
    """A `CustomNeuron` whose numbers are learnable or not, one for the layer or one per channel.

    Args:
        channels: how many values each number has, one per channel; None: one for the layer.
        learn: whether training changes them. surrogate: the derivative of firing. state_range: of the membrane.
    """

    def _number(self, name: str, value: float, channels: int | None, learn: bool) -> None:
        start = torch.full((1 if channels is None else channels,), value)
        if switch("learn", learn, f"{type(self).__name__}, {name}"):
            self.register_parameter(name, torch.nn.Parameter(start))
        else:
            self.register_buffer(name, start)

    def share(self, name: str, tensor: Tensor) -> None:
        """Take a tensor in place of a number of this layer: the same object, so whoever trains it trains this layer.

        Args:
            name: of the number. tensor: of one value, or one value per channel in any shape, as [C] or [C, 1, 1];
                learned where it is a `torch.nn.Parameter`, else a buffer.
        """
        delattr(self, name)
        if isinstance(tensor, torch.nn.Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)

    def _of(self, name: str) -> Tensor:
        """The number as it broadcasts to the values of a step."""
        found: Tensor = getattr(self, name)
        return found.reshape(()) if found.numel() == 1 else per_channel(found.reshape(-1))

    def _decay(self, name: str) -> Tensor:
        """The number, a decay, as it broadcasts; clamped to [0, 1] wherever learning takes it: outside the state would grow."""
        return self._of(name).clamp(0.0, 1.0)
