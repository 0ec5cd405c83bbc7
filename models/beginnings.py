"""Where a training begins: at the weights of a simpler model, which has some of the layers under the same names."""

from __future__ import annotations

import torch

from snn2hw.errors import CheckpointError


def begin_with(model: torch.nn.Module, simpler: torch.nn.Module) -> None:
    """Give `model` what `simpler` holds: every value of it, and to a layer all of its values or none.

    Raises:
        CheckpointError: `simpler` holds values that the model has no place for, or a part of what a layer of the model has.
    """
    held, own = simpler.state_dict(), model.state_dict()
    extra = [name for name in held if name not in own]
    begun = {_layer(name) for name in held}
    missing = [name for name in own if name not in held and _layer(name) in begun]
    if extra or missing:
        found = {"has no place for": extra, "does not get": missing}
        raise CheckpointError(
            "the model cannot begin with the weights of the simpler one",
            where=type(model).__name__,
            got="; ".join(f"it {what} {', '.join(map(repr, names))}" for what, names in found.items() if names),
            expected="the same names in both, but for layers that the simpler one has not",
            do="give the layers of both models the same names",
        )
    model.load_state_dict(held, strict=False)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]
