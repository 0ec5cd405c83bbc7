"""A training's checkpoint: every tensor of model and optimiser by name, and what else it needs as JSON, in one safetensors file.

One file, so that no kill can leave two that do not belong together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from snn2hw.errors import CheckpointError, UnsupportedError
from snn2hw.files.read import json_value
from snn2hw.files.safetensors_file import checked_metadata
from snn2hw.folders import replace_file

FILE = "checkpoint.safetensors"
FORMAT = 1
KEY = "snn2hw.train"
SHOWN = 4
AFRESH = "pass resume=False to start afresh over it, or another out"


def write(folder: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer, facts: Mapping[str, Any]) -> None:
    """Write the checkpoint aside and rename it.

    Raises:
        UsageError: it cannot be written. UnsupportedError: the model's state holds something else than tensors.
    """
    tensors = {f"model.{name}": value for name, value in state(model).items()}
    for index, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in values.items() if isinstance(value, Tensor)}
    replace_file(folder / FILE, packed(tensors, {KEY: json.dumps({"format": FORMAT, **facts})}))


def packed(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors as the bytes of a safetensors file; copied, for two names may share memory."""
    return save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}, metadata)


def state(model: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name.

    Raises:
        UnsupportedError: something else than a tensor among them.
    """
    found = dict(model.state_dict())
    if foreign := [name for name, value in found.items() if not isinstance(value, Tensor)]:
        raise UnsupportedError(
            "the model's state holds something else than tensors",
            where=foreign[0],
            got=type(found[foreign[0]]).__name__,
            expected="parameters and buffers",
            do="keep it in a buffer, or train without out",
        )
    return found


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a file that `write` wrote.

    Raises:
        CheckpointError: missing, truncated, foreign, or of another version.
    """
    try:
        facts = json_value(checked_metadata(path)[KEY], constants=True)
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']}")
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118  (it is no mapping)
    except (SafetensorError, OSError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            "this is no checkpoint that can be read",
            where=str(path),
            got=f"no metadata {KEY!r}" if isinstance(error, KeyError) else str(error),
            expected=f"a safetensors file as snn2hw.train writes it, format {FORMAT}",
            do=AFRESH,
        ) from error


def load(tensors: Mapping[str, Tensor], model: torch.nn.Module, optimiser: torch.optim.Optimizer, path: Path) -> None:
    """Put the tensors of a checkpoint where they belong.

    Raises:
        CheckpointError: names, shapes or types are those of another model; the first few are listed, nothing is changed.
    """
    held = {name[len("model.") :]: t for name, t in tensors.items() if name.startswith("model.")}
    differing = _differences(held, state(model))
    if differing:
        more = [f"and {len(differing) - SHOWN} more"] if len(differing) > SHOWN else []
        raise CheckpointError(
            "the checkpoint is of another model",
            where=str(path),
            got="; ".join(differing[:SHOWN] + more),
            expected="the names, shapes and types of this model",
            do="build the model that was trained, or " + AFRESH,
        )
    model.load_state_dict(held)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, t in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = t
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def _differences(held: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    def kind(tensors: Mapping[str, Tensor], name: str) -> str:
        return f"{list(tensors[name].shape)} {str(tensors[name].dtype).removeprefix('torch.')}" if name in tensors else "missing"

    pairs = ((name, kind(held, name), kind(wanted, name)) for name in dict.fromkeys([*wanted, *held]))
    return [f"{name}: {a} in the file, {b} in the model" for name, a, b in pairs if a != b]
