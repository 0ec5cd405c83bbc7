"""What a module of another framework is here."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Known:
    """A module with state of another framework, and the layer that does the same.

    Args:
        layer: of `snn2hw.nn`, on [T, N, C, ...]; it shares the module's parameters.
        whole: whether one call of the module takes all steps, [T, N, C, ...], or a single one, [N, C, ...].
        states: of each tensor that the module returns behind its output, in order, nested tuples
            flattened: the name of that state of the neuron in `layer`; None where it has no such state.
    """

    layer: torch.nn.Module
    whole: bool
    states: tuple[str | None, ...] = ()
