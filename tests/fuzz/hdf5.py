"""Ways to damage an HDF5 file: its bytes, what it holds, and where it leads."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.harness import anything, never
from tests.fuzz.mutators import damaged_bytes, flip

READ = ("node/", "layer/")  # what lies beside is not looked at
NUMBERS = (
    np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-320, -0.0, 0.5, 1.5, -1, 0, 1, 2, 3, 127, 128, 255, 4096, 4097, 2**31 - 1, 2**31,
    -(2**31), 2**53 + 1, 2**62,
)  # fmt: skip
TYPES = ("?", "f2", "g", "F", "S3", "u1", "i8", ">f8", ">i2", "u8", "D", "i1")
NAMES = ("²", "00", "-1", "1.0", "١", "a.b", "type", "nodes", "metadata", "type_check", "x" * 300, "[/x]", "é", "\x1b[31m", " ")  # noqa: RUF001


def damaged(rng: random.Random, path: Path, good: bytes) -> tuple[str, Callable[[Any], bool] | None]:
    """Write a damaged copy of `good`; what was done, and whether it must be refused (`never`) or its content decides (None)."""
    import h5py

    how = rng.random()
    if how < 0.45:
        says, data = damaged_bytes(rng, good) if how < 0.25 else flip(rng, good)
        path.write_bytes(data)
        return says, None
    path.write_bytes(good)
    with h5py.File(path, "r+") as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name))
        sets = [n for n in found if isinstance(file[n], h5py.Dataset)]
        edit = rng.choice(_EDITS)
        try:
            name = rng.choice(sets)
            says, verdict = edit(rng, file, name, rng.choice(found), path)
            return says, verdict if name.startswith(READ) else None
        except (
            ValueError,
            RuntimeError,
            KeyError,
            TypeError,
            OSError,
        ) as error:  # HDF5 does not write this; what was done before stays
            return f"{edit.__name__}, as far as it goes: {error}", None


Edit = Callable[[random.Random, Any, str, str, Path], "tuple[str, Callable[[Any], bool] | None]"]


def _value(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, None]:
    old = file[name][()]
    new = rng.choice(NUMBERS)
    value = np.array(old, np.float64) if getattr(old, "dtype", np.dtype("O")).kind in "iuf" else np.array(new)
    if value.size:
        value.ravel()[rng.randrange(value.size)] = new
    _put(file, name, value)
    return f"{name}: a value became {new}", None


def _type(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, None]:
    old, kind = file[name][()], rng.choice(TYPES)
    numbers = getattr(old, "dtype", np.dtype("O")).kind in "iuf"
    with np.errstate(all="ignore"):
        _put(file, name, np.asarray(old).astype(kind) if numbers else np.zeros(2, kind))
    return f"{name} became {kind}", None


def _shape(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, None]:
    import h5py

    old = np.asarray(file[name][()])
    if old.dtype == object:
        old = np.array([1.0, 2.0])
    made: Any = rng.choice(
        (
            lambda: old.ravel()[:1],
            lambda: old.ravel()[0] if old.size else 0,
            old.T.copy,
            old.ravel,
            lambda: old[None],
            lambda: old.reshape(-1)[:0],
            lambda: np.zeros((0, 3)),
            lambda: h5py.Empty("f4"),
            lambda: np.stack([old] * 2),
            lambda: np.zeros((1,) * 20),
        )
    )()
    _put(file, name, made)
    return f"{name}: shape became {getattr(made, 'shape', ())}", None


def _declared(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, Callable[[Any], bool]]:
    del file[name]
    size = rng.choice((10, 1 << 20, 1 << 28, 1 << 40))
    kind = rng.choice(("f4", "i1", "S8", "f8"))
    if rng.random() < 0.5:
        file.create_dataset(name, (size, 2), kind, chunks=(min(size, 1024), 2), compression=rng.choice((None, "gzip")))
    else:
        file.create_dataset(name, (size,), kind)
    return f"{name} declares {size} and holds none", never


def _bomb(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, None]:
    del file[name]
    size = rng.choice((1 << 20, 1 << 24))
    file.create_dataset(name, data=np.zeros(size, "i1"), chunks=(1 << 20,), compression="gzip")
    return f"{name}: {size} zeros, packed", None


def _outside(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, Callable[[Any], bool]]:
    """Where it leads lies a FIFO: whoever opens it waits for ever."""
    import h5py

    shape = file[name].shape or (4,)
    trap = path.parent / "trap"
    os.mkfifo(trap)
    there = rng.choice((str(trap), "trap", "missing.h5", "/etc/passwd"))
    del file[name]
    how = rng.choice(("virtual", "external", "external link", "soft link"))
    if how == "virtual":
        layout = h5py.VirtualLayout(shape, "f4")
        layout[...] = h5py.VirtualSource(there, "x", shape)
        file.create_virtual_dataset(name, layout)
    elif how == "external":
        file.create_dataset(
            name, shape, "f4", external=[("/etc/passwd" if there == "/etc/passwd" else "none.bin", 0, h5py.h5f.UNLIMITED)]
        )
    else:
        file[name] = (
            h5py.ExternalLink(there, "/x") if how == "external link" else h5py.SoftLink(rng.choice((f"/{any_}", "/none")))
        )
    return f"{name}: {how} to {there}", never


def _filter(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, Callable[[Any], bool] | None]:
    old = np.atleast_1d(np.asarray(file[name][()]))
    if old.dtype == object or not old.size:
        return "nothing", anything
    del file[name]
    options: dict[str, Any] = rng.choice(
        (
            {"compression": "lzf"},
            {"shuffle": True, "compression": "gzip"},
            {"fletcher32": True},
            {"scaleoffset": 0 if old.dtype.kind in "iu" else 2},
        )
    )
    file.create_dataset(name, data=old, chunks=True, **options)
    return f"{name} packed with {options}", never if "scaleoffset" in options else None


def _gone(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, None]:
    del file[any_]
    return f"{any_} is gone", None


def _other(rng: random.Random, file: Any, name: str, any_: str, path: Path) -> tuple[str, None]:
    """Something else in its place, or under another name."""
    import h5py

    how, new = rng.randrange(6), rng.choice(NAMES)
    owner = any_.rpartition("/")[0]
    if how == 0:
        file.move(any_, f"{owner}/{new}")
    elif how == 1:
        file.copy(any_, f"{owner}/{new}")
    elif how == 2:
        file[f"{owner}/{new}"] = file[rng.choice((any_, owner or any_))]  # a second name, which may be a loop
    elif how == 3:
        del file[any_]
        file.create_group(any_)
    elif how == 4:
        _put(
            file,
            name,
            rng.choice((new, new.encode()[:3], "LOIHI", "Linear", "same", [b"a", b"\xff"], np.array([(1, 2)], "i4,f8"))),
        )
    else:
        del file[name]
        file[name] = np.dtype("f4") if rng.random() < 0.5 else h5py.Empty("S3")
    return f"{any_} or {name}: change {how} with {new[:10]!r}", None


def _put(file: Any, name: str, value: Any) -> None:
    del file[name]
    try:
        file[name] = value
    except TypeError:  # a type that HDF5 has not
        file[name] = np.zeros(np.shape(value), "f8")


_EDITS: tuple[Edit, ...] = (_value, _value, _value, _type, _shape, _declared, _bomb, _outside, _filter, _gone, _other, _other)
