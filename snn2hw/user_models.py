"""Finding the model a user names: a folder of models/, or module:factory."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import DataError, Snn2hwError, UsageError
from snn2hw.files.arrays import read_arrays, read_npy, read_stored
from snn2hw.files.read import is_file
from snn2hw.files.stored import open_folder
from snn2hw.formats.sample import samples_array
from snn2hw.model_names import no_such_model
from snn2hw.needs import check_needs
from snn2hw.shown import one_of
from snn2hw.trace import read_npz
from snn2hw.weights import WEIGHTS, load_weights

CALIBRATION = "calibration.npz"
SHOWN = 8  # names of functions


@dataclass(frozen=True)
class Model:
    """A torch model with what compiling it needs.

    Args:
        module: the torch.nn.Module with its weights.
        sample: calibration samples, or None where the user must give some.
        steps: T for static samples, or None for temporal ones.
        source: the model.py it came from, or None; offers train_data() and test_data().
    """

    module: Any
    sample: npt.NDArray[Any] | None
    steps: int | None
    source: ModuleType | None


def models_folder() -> Path:
    """Where the models that come with snn2hw are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def find_model(name: str, weights: str | None = None, *, sampled: bool = True, measured: bool = False) -> Model:
    """A model by folder ('models/digits_lnm', 'digits_lnm') or factory ('package.module:function').

    A folder holds model.py with build(), STEPS and train_data(), and weights.safetensors; TEMPORAL = True where the samples of
    train_data() are [T, N, ...]. Where it also holds calibration.npz, whose array `samples` begins as those of train_data() do,
    that is taken, so that the model compiles without its data. A factory returns a torch.nn.Module, or (module, sample).

    Args:
        weights: a file of safetensors or torch.save, instead of the folder's own.
        sampled: whether calibration samples are wanted; without, train_data() is not called.
        measured: whether the caller then asks for the data of model.py: what they need is missed at once.

    Raises:
        UsageError: nothing of that name, or not of that form. MissingExtraError: packages that it needs are not installed.
    """
    if ":" in name and not os.path.exists(name):
        check_needs(None, data=False)
        return _from_factory(name, weights)
    folder = next((p for p in (Path(name), models_folder() / name) if is_file(p / "model.py")), None)
    if folder is None:
        known = sorted(p.parent.name for p in models_folder().glob("*/model.py"))
        raise no_such_model(name, known)
    check_needs(folder / "model.py", data=measured or (sampled and not is_file(folder / CALIBRATION)))
    source = load_source(folder / "model.py")
    missing = [name for name in ("build", "STEPS", "train_data") if not hasattr(source, name)]
    if missing:
        raise UsageError(
            "a model.py lacks what compiling needs",
            where=str(folder / "model.py"),
            got=f"no {', '.join(missing)}",
            expected="build(), STEPS, train_data()",
            do="define them in model.py: build() returns the module, STEPS is T, train_data() returns (samples, labels)",
        )
    where = str(folder / "model.py")
    module = _call(source.build, f"{where}: build()")
    _check_module(module, where)
    load_weights(module, Path(weights) if weights else folder / WEIGHTS)
    temporal = bool(getattr(source, "TEMPORAL", False))
    steps = None if temporal else source.STEPS
    if not sampled:
        return Model(module, None, steps, source)
    if is_file(folder / CALIBRATION):
        return Model(module, read_samples(folder / CALIBRATION), steps, source)
    data = _data(source.train_data, f"{where}: train_data()", "give --sample FILE.npy")
    if not isinstance(data, tuple) or len(data) != 2:
        raise UsageError(
            "train_data returns something else",
            where=where,
            got=type(data).__name__,
            expected="(samples, labels)",
            do="return two arrays, samples and labels",
        )
    return Model(module, samples_array(data[0][:, :256] if temporal else data[0][:256]), steps, source)


def _call(function: Callable[[], Any], where: str) -> Any:
    """What a user's function returns; whatever it raises becomes an error that names it."""
    try:
        return function()
    except Snn2hwError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            "a function of the model fails",
            where=where,
            got=f"{type(error).__name__}: {error}",
            expected="a function without arguments",
            do="call it in Python and fix it",
        ) from error


def _data(function: Callable[[], Any], where: str, do: str) -> Any:
    """The data that a model states; where they are not here, the first remedy is `do`, for most users have no copy of them."""
    try:
        return _call(function, where)
    except DataError as error:
        raise DataError(
            error.what, where=error.where, got=error.got, expected=error.expected, do=f"{do}, or {error.do}"
        ) from error


def _check_module(module: Any, where: str) -> None:
    if not hasattr(module, "load_state_dict"):
        raise UsageError(
            "the model is no torch.nn.Module",
            where=where,
            got=type(module).__name__,
            expected="a torch.nn.Module, or from a factory (module, sample)",
            do="return the module itself",
        )


def load_source(path: Path) -> ModuleType:
    """A Python file of models/ as a module; its neighbours can be imported by it."""
    neighbours = str(path.parent.parent.resolve())
    if neighbours not in sys.path:
        sys.path.insert(0, neighbours)
    spec = importlib.util.spec_from_file_location(f"snn2hw_models.{path.parent.name}.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Snn2hwError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            "a file of the model cannot be run",
            where=str(path),
            got=f"{type(error).__name__}: {error}",
            expected="Python that imports",
            do=f"check that `python {path}` works",
        ) from error
    return module


def _factories(source: ModuleType) -> list[str]:
    """Names of what a module itself defines and can be called without arguments, as they come."""
    found = []
    for name, value in vars(source).items():
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == source.__name__:
            with suppress(TypeError, ValueError):  # it has arguments that must be given, or does not say
                inspect.signature(value).bind()
                found.append(name)
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _from_factory(name: str, weights: str | None) -> Model:
    module_name, _, function = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    remedy = f"import {module_name}"
    try:
        source = importlib.import_module(module_name)
        if hasattr(source, function):
            remedy += f"; {module_name}.{function}()"
            made = getattr(source, function)()
    except Snn2hwError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            "the factory cannot be called",
            where=name,
            got=f"{type(error).__name__}: {error}",
            expected="a function without arguments",
            do=f"check that `python -c '{remedy}'` works in this folder",
        ) from error
    if not hasattr(source, function):
        there = _factories(source)
        raise UsageError(
            "the module has no such function",
            where=name,
            got=repr(function),
            expected=_some(there) or "a function without arguments, of which there is none",
            do=one_of(function, there) if there else "write one that returns your torch.nn.Module",
        )
    parts = made if isinstance(made, tuple) else (made, None)
    if len(parts) != 2:
        raise UsageError(
            "the factory returns something else",
            where=name,
            got=f"{len(parts)} values",
            expected="a torch.nn.Module, or (module, sample)",
            do="return the module, or the module and a sample",
        )
    module, sample = parts
    _check_module(module, name)
    if weights is not None:
        load_weights(module, Path(weights))
    return Model(module, None if sample is None else samples_array(sample), None, None)


def open_samples(path: str | Path, axis: int = 0) -> Any:
    """Samples of a file or folder, which stay on disk until they are needed.

    Args:
        path: of a .npy file; of an .npz file, whose array `samples` is meant, and is mapped where the file is not packed
            (`np.savez`); of a folder of such files, whose samples follow each other by the numbers in the files' names; or of a
            Zarr array (extra `zarr`).
        axis: in a folder, and of a Zarr array, along which samples are counted: 0 for [N, ...], 1 for [T, N, ...].

    Returns:
        An array, or of a folder and a Zarr array what `snn2hw.verify`, `evaluate`, `simulate` and `diagnose` take like one:
        their processes read their own part. `numpy.asarray` reads all of it.

    Raises:
        UsageError: no such file, not an array, or one with Python objects. ShapeError: files of different shapes.
        MissingExtraError: zarr is not installed.
    """
    return read_samples(Path(path), axis)


def read_samples(path: Path, axis: int = 0) -> npt.NDArray[Any]:
    """`open_samples`, whose result is taken for the array that it stands for.

    Raises:
        UsageError, ShapeError, MissingExtraError: as there.
    """
    if path.is_dir():
        found: Any = open_folder(path, axis)
        return found  # type: ignore[no-any-return]
    try:
        if path.suffix != ".npz":
            return _of_samples(read_npy(path), path)
        return _of_samples(read_stored(path, "samples"), path)
    except KeyError:
        raise UsageError(
            "this file has no array 'samples'",
            where=str(path),
            got=", ".join(read_arrays(path, lambda name: False)[1]),
            do="np.savez(file, samples=x)",
        ) from None
    except (OSError, ValueError) as error:
        gone = isinstance(error, FileNotFoundError)
        raise UsageError(
            "the samples cannot be read",
            where=str(path),
            got="no such file" if gone else str(error),
            expected="a .npz file" if path.suffix == ".npz" else "a .npy file",
            do="check the path" if gone else "np.savez(file, samples=x)" if path.suffix == ".npz" else "np.save(file, x)",
        ) from error


def read_labels(path: Path) -> npt.NDArray[Any]:
    """Labels from a .npy file, from the array 'labels' of an .npz file, or of a folder of .npy files or a Zarr array.

    Raises:
        UsageError: no such file, not an array, or one with Python objects.
    """
    if path.is_dir():
        return np.asarray(open_folder(path, 0))
    if path.suffix == ".npz":
        arrays = read_npz(path, lambda name: name == "labels")
        if "labels" not in arrays:
            raise UsageError(
                "this file has no array 'labels'",
                where=str(path),
                got=", ".join(read_arrays(path, lambda name: False)[1]),
                do="np.savez(file, labels=y)",
            )
        return arrays["labels"]
    try:
        return read_npy(path)
    except (OSError, ValueError) as error:
        gone = isinstance(error, FileNotFoundError)
        raise UsageError(
            "the labels cannot be read",
            where=str(path),
            got="no such file" if gone else str(error),
            expected="a .npy file",
            do="check the path" if gone else "np.save(file, y)",
        ) from error


def test_data(found: Model, name: str) -> tuple[Any, Any]:
    """Samples and labels that a model states itself, by test_data() in its model.py.

    Args:
        found: the model. name: what the user calls it, for messages.

    Raises:
        UsageError: it states none.
    """
    return _stated(
        found, name, "test_data", "test samples", "give --samples FILE.npy, and --labels FILE.npy where there are labels"
    )


def train_data(found: Model, name: str) -> tuple[Any, Any]:
    """Samples and labels to train on, by train_data() in a model.py. Arguments as `test_data`.

    Raises:
        UsageError: it states none.
    """
    return _stated(found, name, "train_data", "samples to train on", "give --train FILE.npz, with arrays samples and labels")


def _stated(found: Model, name: str, function: str, what: str, do: str) -> tuple[Any, Any]:
    if not hasattr(found.source, function):
        raise UsageError(
            f"the model states no {what}",
            where=name,
            expected=f"a model.py with {function}(), which returns (samples, labels)",
            do=do,
        )
    data = _data(getattr(found.source, function), f"{name}: {function}()", do)
    if not isinstance(data, tuple) or len(data) != 2:
        raise UsageError(
            f"{function} returns something else",
            where=name,
            got=type(data).__name__,
            expected="(samples, labels)",
            do="return two arrays, samples and labels",
        )
    return data


def _of_samples(values: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    if values.ndim == 0 or values.dtype.kind not in "iufb":
        raise UsageError(
            "this is no array of samples",
            where=str(path),
            got=f"{'one value' if values.ndim == 0 else str(list(values.shape))} of {values.dtype}",
            expected="numbers, [N, ...] or [T, N, ...]",
            do="np.save(file, x)",
        )
    return values
