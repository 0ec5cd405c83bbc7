"""Where a training begins: at the weights of a simpler model, which has some of the layers under the same names."""

from __future__ import annotations

import torch

from snn2hw.errors import CheckpointError


def begin_with(model: torch.nn.Module, simpler: torch.nn.Module) -> None:
    """Give `model` what `simpler` holds: every value of it, and to a layer all of its values or none.

    Raises:
        CheckpointError: `simpler` holds values that the model has no place for, a part of what a layer of the model has, or
            values of another shape.
    """
    held, own = simpler.state_dict(), model.state_dict()
    extra = [name for name in held if name not in own]
    begun = {_layer(name) for name in held}
    missing = [name for name in own if name not in held and _layer(name) in begun]
    shapes = [f"{name!r} as {list(held[name].shape)} for {list(own[name].shape)}"
              for name in held if name in own and held[name].shape != own[name].shape]  # fmt: skip
    if extra or missing or shapes:
        found = {"has no place for": _quoted(extra), "does not get": _quoted(missing), "gets": shapes}
        raise CheckpointError(
            "the model cannot begin with the weights of the simpler one",
            where=type(model).__name__,
            got="; ".join(f"it {what} {', '.join(names)}" for what, names in found.items() if names),
            expected="the same names and shapes in both, but for layers that the simpler one has not",
            do="give the layers of both models the same names and sizes",
        )
    model.load_state_dict(held, strict=False)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _quoted(names: list[str]) -> list[str]:
    return [repr(name) for name in names]
