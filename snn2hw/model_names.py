"""What a user named where a model was asked for: the error for a name that is none, with what was probably meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snn2hw.errors import UsageError
from snn2hw.files.read import is_file, is_folder
from snn2hw.files.record import RECORD
from snn2hw.shown import meant

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
COMPILED, FOLDER, MODEL, PYTHON, MODULE, WEIGHTS, ONNX, FILE = (
    "a compiled model", "a folder without model.py", "the model.py of a folder", "a Python file", "a Python module",
    "a file of weights", "an ONNX file", "a file",
)  # fmt: skip


def no_such_model(name: str, known: Sequence[str]) -> UsageError:
    """The error.

    Args:
        name: as the user gave it. known: names of the models that come with snn2hw.
    """
    path = Path(name)
    found = _found(path)
    return UsageError(
        "there is no such model",
        got=repr(name) + f", {found}" * bool(found),
        expected=f"a folder with a model.py ({', '.join(known) or 'none here'}), or module:factory",
        do=_remedy(found, path, known),
    )


def _found(path: Path) -> str:
    """What is there in the place of a model; '' for nothing."""
    if is_folder(path):
        return COMPILED if is_file(path / RECORD) else FOLDER
    if not is_file(path):
        return MODULE if path.name and is_file(path.with_name(f"{path.name}.py")) else ""
    if path.suffix == ".py":
        return MODEL if path.name == "model.py" else PYTHON
    ending = path.suffix.lower()
    return WEIGHTS if ending in WEIGHT_FILES else ONNX if ending == ".onnx" else FILE


def _remedy(found: str, path: Path, known: Sequence[str]) -> str:
    if found == MODEL:
        return f"name the folder that it lies in: {path.parent}"
    if found in (PYTHON, MODULE):
        return f"name a function that returns your torch.nn.Module, such as {'.'.join(path.with_suffix('').parts)}:build"
    if found == WEIGHTS:
        return f"name what builds the module, its folder or module:factory, and give --weights {path}"
    said = {
        COMPILED: "name the float model that it was compiled from, by its folder or its module:factory",
        FOLDER: "name a folder with a model.py in it, or a function: package.module:factory",
        ONNX: "name the float model in torch that it was written from: ONNX files are written, not read",
    }
    return said.get(found) or f"{meant(str(path), known)}check the name, or write a factory that returns your torch.nn.Module"
