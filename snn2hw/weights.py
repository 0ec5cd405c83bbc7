"""Trained weights from a file into a user's module: safetensors, or torch's own files, of which no code is run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from snn2hw.errors import UsageError
from snn2hw.files.safetensors_file import checked_metadata

WEIGHTS = "weights.safetensors"
PICKLED = (".pt", ".pth", ".ckpt", ".bin")
HELD_IN = ("state_dict", "model_state_dict", "model")
SHOWN = 4  # names in a message


def load_weights(module: Any, path: Path) -> None:
    """Weights from a file into a module: safetensors, or torch's own .pt, .pth, .ckpt, of which only tensors are read.

    What torch.compile and DataParallel put in front of names, `_orig_mod.` and `module.`, is left out
    where the module has it not. A file that holds more than weights has them in "state_dict",
    "model_state_dict" or "model".

    Args:
        module: a torch.nn.Module. path: the file.

    Raises:
        UsageError: no such file, another format, a whole pickled model, or weights of another model, by name.
    """
    from snn2hw.formats.torch.wrapped import unwrapped, without_prefix

    if not os.path.lexists(path):
        raise UsageError(
            "there are no weights",
            where=str(path),
            got="no such file",
            expected=WEIGHTS if path.name == WEIGHTS else "a file of weights",
            do="train the model first, or give --weights FILE" if path.name == WEIGHTS else "check the path",
        )
    tensors = _pickled(path) if path.suffix.lower() in PICKLED else _safetensors(path)
    module = unwrapped(module)
    if not set(tensors) & set(module.state_dict()):  # a model may have a child that is called `module` itself
        short = without_prefix(list(tensors))
        tensors = {short[name]: tensor for name, tensor in tensors.items()}
    _check_fit(module, tensors, path)


def _safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        checked_metadata(path)
        tensors: Mapping[str, Any] = load_file(path)
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        raise UsageError(
            "the weights cannot be read",
            where=str(path),
            got=str(error).split("\n")[0],
            expected="safetensors, or a .pt, .pth or .ckpt of torch.save(model.state_dict(), file)",
            do="write the file again, with the ending of its format",
        ) from error
    return tensors


def _pickled(path: Path) -> Mapping[str, Any]:
    """The tensors of a file of torch.save; code in it is not run."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever pickle, zipfile and torch make of a foreign file
        if other := _zip_of_something_else(path):
            raise UsageError(
                "the weights cannot be read",
                where=str(path),
                got=f"a zip archive of something else: {other}",
                expected="torch.save(model.state_dict(), file)",
                do="check the path: torch.save writes a data.pkl into its archives",
            ) from error
        whole = "Unsupported global" in str(error) or "WeightsUnpickler" in str(error)
        raise UsageError(
            "the weights cannot be read",
            where=str(path),
            got="a whole model or other objects, which only running their code would load" if whole else _first_line(error),
            expected="torch.save(model.state_dict(), file)",
            do="load it where it was written, and save its state_dict(), or save_file(model.state_dict(), 'x.safetensors')",
        ) from error
    for name in HELD_IN:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(v, torch.Tensor) for v in content.values()) or not content:
        raise UsageError(
            "this file holds no weights",
            where=str(path),
            got=", ".join(map(str, content))[:100] if isinstance(content, Mapping) else type(content).__name__,
            expected=f"a state_dict, or one in {', '.join(map(repr, HELD_IN))}",
            do="torch.save(model.state_dict(), file)",
        )
    return content


def _zip_of_something_else(path: Path) -> str:
    """What lies in an archive that torch.save did not write; '' of another file."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, NotImplementedError, BadZipFile):
        return ""
    return "" if any(name.endswith("data.pkl") for name in names) else _some(names) or "nothing"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_fit(module: Any, tensors: Mapping[str, Any], path: Path) -> None:
    """Load them all, or say which are missing, left over, or of another shape."""
    own = module.state_dict()
    missing, over = [n for n in own if n not in tensors], [n for n in tensors if n not in own]
    shaped = [n for n in own if n in tensors and own[n].shape != tensors[n].shape]
    if missing or over or shaped:
        told = {"missing": missing, "not of this model": over}
        other = [f"{n} {list(tensors[n].shape)} for {list(own[n].shape)}" for n in shaped]
        lists = [f"{what}: {_some(names)}" for what, names in {**told, "of another shape": other}.items() if names]
        raise UsageError(
            "the weights do not fit the model",
            where=str(path),
            got="; ".join(lists),
            expected=f"the {len(own)} tensors of this model",
            do="give the file that belongs to it, or build the model as it was trained",
        )
    module.load_state_dict(tensors)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
