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
from snn2hw.files.record import sha256
from snn2hw.files.safetensors_file import checked_metadata
from snn2hw.files.write import write_file
from snn2hw.train.checksums import of_tensor
from snn2hw.train.history import read as history_of

FILE = "checkpoint.safetensors"
FORMAT = 2
KEY, SUM = "snn2hw.train", "snn2hw.train.sha256"  # metadata: the facts as JSON, and the checksum of that text
SUMS = "tensors"  # of the facts: name of every tensor -> its checksum
DATA = "checksums"  # of the facts, where a newer snn2hw wrote them: "data", "validation" -> their checksum, None: not known
SHOWN = 4
AFRESH = "pass resume=False to start afresh over it, or another out"
FACTS: Mapping[str, type | tuple[type, ...]] = {  # samples: None of a DataLoader, which says its batches only
    "recipe": dict, "seed": int, "samples": (int, type(None)), "batches": int, "steps": (int, type(None)), "scaler": dict,
    "warned": list, "machine": dict, "history": list, SUMS: dict,
}  # fmt: skip


def write(folder: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer, facts: Mapping[str, Any]) -> None:
    """Write the checkpoint, with a checksum of every tensor and of the facts.

    Args:
        model: whose parameters and buffers are written.
        folder: where FILE is replaced. optimiser: whose state per parameter is kept. facts: what else a resumed run
            needs.

    Raises:
        UsageError: it cannot be written. UnsupportedError: the model's state holds something else than tensors.
    """
    tensors = {f"model.{name}": value for name, value in state(model).items()}
    for index, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in values.items() if isinstance(value, Tensor)}
    write_file(folder / FILE, content(tensors, facts), force=True)


def content(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """The bytes of a checkpoint."""
    sums = {name: of_tensor(tensor) for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, **facts, SUMS: sums})
    return packed(tensors, {KEY: text, SUM: sha256(text.encode())})


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
        CheckpointError: missing, truncated, foreign, of another version, or not as it was written: one flipped bit is found.
    """
    try:
        metadata = checked_metadata(path)
        facts = json_value(metadata[KEY], constants=True)
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise ValueError(f"format {facts.get('format') if isinstance(facts, dict) else 'unknown'}")
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            "this is no checkpoint that can be read",
            where=str(path),
            got=f"no metadata {KEY!r}" if isinstance(error, KeyError) else getattr(error, "strerror", None) or str(error),
            expected=f"a safetensors file as snn2hw.train writes it, format {FORMAT}",
            do=AFRESH,
        ) from error
    damage = [] if metadata.get(SUM) == sha256(metadata[KEY].encode()) else ["its facts (JSON)"]
    damage = damage or _missing(facts) or _unlike(tensors, facts[SUMS])
    if damage:
        more = [f"and {len(damage) - SHOWN} more"] if len(damage) > SHOWN else []
        raise CheckpointError(
            "the checkpoint is not as it was written",
            where=str(path),
            got="; ".join(damage[:SHOWN] + more),
            expected="what its checksums say",
            do=f"restore the file from where it came, or {AFRESH}",
        )
    return tensors, facts


def _missing(facts: Mapping[str, Any]) -> list[str]:
    """Facts that are not there, or of another type."""
    wrong = [f"fact {name}: {_said(facts, name)}" for name, kind in FACTS.items() if not _is(facts, name, kind)]
    if wrong:
        return wrong
    try:
        epochs = history_of(facts["history"])
    except TypeError:
        return ["fact history: records of another form"]
    machine, known = facts["machine"], {"torch": str, "threads": int, "device": str}
    wrong = [f"fact machine: {name} {_said(machine, name)}" for name, kind in known.items() if not _is(machine, name, kind)]
    wrong += [] if all(isinstance(w, str) for w in facts["warned"]) else ["fact warned: something else than names"]
    sums = facts.get(DATA, {})
    if not isinstance(sums, dict) or not all(value is None or isinstance(value, str) for value in sums.values()):
        wrong.append(f"fact {DATA}: something else than checksums")
    return wrong + ([] if epochs else ["fact history: no epoch"])


def _is(facts: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> bool:
    return name in facts and isinstance(facts[name], kind) and not isinstance(facts[name], bool)


def _said(facts: Mapping[str, Any], name: str) -> str:
    return f"it is {type(facts[name]).__name__}" if name in facts else "missing"


def _unlike(tensors: Mapping[str, Tensor], sums: Mapping[str, Any]) -> list[str]:
    """Tensors that are missing, strange, or differ from their checksum."""
    return [
        f"tensor {name}: {'missing' if name not in tensors else 'unknown' if name not in sums else 'another checksum'}"
        for name in dict.fromkeys([*sums, *tensors])
        if name not in tensors or sums.get(name) != of_tensor(tensors[name])
    ]


def load(tensors: Mapping[str, Tensor], model: torch.nn.Module, optimiser: torch.optim.Optimizer, path: Path) -> None:
    """Put the tensors of a checkpoint where they belong.

    Args:
        tensors: all of the file, by name. model: gets its parameters and buffers.
        optimiser: gets its state per parameter. path: of the checkpoint, for messages.

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
    moments = _moments(tensors, optimiser, path)
    model.load_state_dict(held)
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def _moments(tensors: Mapping[str, Tensor], optimiser: torch.optim.Optimizer, path: Path) -> dict[int, dict[str, Tensor]]:
    """The optimiser's state by parameter."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    wrong = []
    for name, t in tensors.items():
        kind, _, rest = name.partition(".")
        index, _, key = rest.partition(".")
        if kind == "model":
            continue
        if kind != "optimiser" or not index.isdecimal() or int(index) >= len(parameters):
            wrong.append(f"{name}: of no parameter")
        elif key != "step" and t.shape != parameters[int(index)].shape:
            wrong.append(f"{name}: {list(t.shape)} in the file, {list(parameters[int(index)].shape)} in the model")
        else:
            moments.setdefault(int(index), {})[key] = t
    keys = set().union(*moments.values()) if moments else set()
    wrong += [f"optimiser.{i}.{key}: missing in the file" for i, of in moments.items() for key in sorted(keys - set(of))]
    if wrong:
        raise CheckpointError(
            "the checkpoint is of another optimiser",
            where=str(path),
            got="; ".join(wrong[:SHOWN]),
            expected="the moments of this model's parameters",
            do="build the model and the recipe that were trained, or " + AFRESH,
        )
    return moments


def _differences(held: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    def kind(tensors: Mapping[str, Tensor], name: str) -> str:
        return f"{list(tensors[name].shape)} {str(tensors[name].dtype).removeprefix('torch.')}" if name in tensors else "missing"

    pairs = ((name, kind(held, name), kind(wanted, name)) for name in dict.fromkeys([*wanted, *held]))
    return [f"{name}: {a} in the file, {b} in the model" for name, a, b in pairs if a != b]
