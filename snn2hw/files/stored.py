"""Samples that lie in several files, or in a Zarr array, as one array whose values are read when they are asked for.

What is asked for along the axis of the samples alone stays unread; a process that is sent it reads its own part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.errors import MissingExtraError, ShapeError, UsageError
from snn2hw.files.arrays import read_npy, read_stored
from snn2hw.files.mapped import Mapped, mapped, unmapped

Array: TypeAlias = npt.NDArray[Any]
NAME = "samples"  # of the array in an .npz file
PIECE = 1 << 23  # bytes that are looked at together


@dataclass(frozen=True)
class InZarr:
    """A Zarr array, opened where it is read."""

    path: str

    def open(self) -> Any:
        """The array, whose values stay on disk.

        Raises:
            MissingExtraError: zarr is not installed. UsageError: it cannot be opened.
        """
        try:
            import zarr
        except ModuleNotFoundError as missing:
            raise MissingExtraError("zarr", "zarr", "reading a Zarr array") from missing
        try:
            found = zarr.open(self.path, mode="r")
        except Exception as error:
            raise _unreadable(self.path, f"{type(error).__name__}: {error}") from error
        if not hasattr(found, "dtype"):
            raise _unreadable(self.path, "a group of arrays")
        return found


def _unreadable(path: str, got: str) -> UsageError:
    return UsageError(
        "the samples cannot be read", where=path, got=got, expected="a Zarr array of numbers", do="give the folder of the array"
    )


@dataclass(frozen=True, eq=False)
class Part:
    """Samples of one source: start, start + step, ... below stop.

    Args:
        source: an array, its place in a file, or a Zarr array. start, stop, step: which samples of it.
    """

    source: Array | Mapped | InZarr
    start: int
    stop: int
    step: int = 1

    @property
    def places(self) -> range:
        """Of its samples in the source."""
        return range(self.start, self.stop, self.step)

    def some(self, first: int, last: int, step: int) -> Part:
        """Samples first, first + step, ... below last, counted in this part."""
        chosen = self.places[first:last:step]
        return Part(self.source, chosen.start, chosen.stop, chosen.step)

    def values(self, axis: int) -> Array:
        """Read them."""
        found: Array = np.asarray(self.opened()[(slice(None),) * axis + (slice(self.start, self.stop, self.step),)])
        return found

    def opened(self) -> Any:
        """The source, of which nothing is read yet."""
        return self.source.open() if isinstance(self.source, InZarr) else unmapped(self.source)


@dataclass(frozen=True, eq=False)
class Stored:
    """Samples of several sources, one behind the other, as far as an array is needed.

    Args:
        parts: in their order. axis: along which samples are counted. shape, dtype: as NumPy has them.
        turned: whether the sources have the first two axes the other way about.
    """

    parts: tuple[Part, ...]
    axis: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    turned: bool = False

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """What all of it would take."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def swapaxes(self, one: int, other: int) -> Stored:
        """With the first two axes the other way about, which is all that a layout asks for."""
        assert {one, other} == {0, 1}
        shape = (self.shape[1], self.shape[0], *self.shape[2:])
        return replace(self, axis=self._swapped(self.axis), shape=shape, turned=not self.turned)

    @property
    def _inner(self) -> int:
        """The axis along which the sources count samples."""
        return self._swapped(self.axis) if self.turned else self.axis

    @staticmethod
    def _swapped(axis: int) -> int:
        return {0: 1, 1: 0}.get(axis, axis)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Some samples, which stay where they are; or any other part, which is read."""
        given = key if isinstance(key, tuple) else (key,)
        own = given[self.axis] if len(given) > self.axis else slice(None)
        rest = (*given[: self.axis], slice(None), *given[self.axis + 1 :])
        if any(g is Ellipsis or g is None for g in given) or not isinstance(own, slice) or (own.step or 1) < 1:
            return np.asarray(self)[key]
        some = self._some(*own.indices(self.shape[self.axis]))
        return some if all(g == slice(None) for g in rest) else np.asarray(some)[rest]

    def _some(self, start: int, stop: int, step: int) -> Stored:
        found, at = [], 0
        for part in self.parts:
            size = len(part.places)
            first = start - at if at <= start else -(at - start) % step  # the next one behind those of the parts before
            if first < min(stop - at, size):
                found.append(part.some(first, min(stop - at, size), step))
            at += size
        return self._of(tuple(found), len(range(start, stop, step)))

    def _of(self, parts: tuple[Part, ...], count: int) -> Stored:
        return replace(self, parts=parts, shape=(*self.shape[: self.axis], count, *self.shape[self.axis + 1 :]))

    def take(self, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Array:
        """What `np.take` calls: indices, axis, out, mode are its arguments. Along the axis of samples these alone are read."""
        places = np.asarray(indices)
        if axis != self.axis or places.ndim != 1 or out is not None or mode != "raise":
            whole: Any = np.asarray(self)
            return np.asarray(whole.take(indices, axis, out, mode))
        total, read = self.shape[self.axis], list[Array]()
        if places.size and not -total <= places.min() <= places.max() < total:
            raise IndexError(f"sample {places.min()} to {places.max()} of {total}")
        inner, opened = self._inner, Opened()
        ends = np.cumsum([len(part.places) for part in self.parts])
        for place in (places % max(1, total)).tolist():
            number = int(np.searchsorted(ends, place, side="right"))
            part, first = self.parts[number], int(ends[number]) - len(self.parts[number].places)
            at = part.places[place - first]
            read.append(np.asarray(opened.of(part)[(slice(None),) * inner + (slice(at, at + 1),)]))
        if not read:
            return np.asarray(self[(slice(None),) * self.axis + (slice(0, 0),)])
        joined = np.concatenate(read, inner)
        return np.swapaxes(joined, 0, 1) if self.turned else joined

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The values, read. Arguments, and the ValueError where copy=False cannot be, as NumPy 2 asks for them."""
        inner = self._inner
        values = [part.values(inner) for part in self.parts]
        whole: Array = values[0] if len(values) == 1 else np.concatenate(values, axis=inner) if values else np.zeros(0)
        if not values:
            whole = np.zeros(self.shape, self.dtype)
        elif self.turned:
            whole = np.swapaxes(whole, 0, 1)
        kept = len(values) == 1 and not isinstance(self.parts[0].source, InZarr)  # a part of an array, or of a map of a file
        wanted = whole.dtype if dtype is None else np.dtype(dtype)
        if copy is False and not (kept and wanted == whole.dtype):
            raise ValueError("these samples lie in files: they are an array only where they are copied (copy=None)")
        return whole.astype(wanted, copy=bool(copy) and kept)

    def sent(self) -> Stored:
        """The same for another process: places instead of values, where they lie in files."""
        parts = [replace(p, source=mapped(p.source)) if isinstance(p.source, np.ndarray) else p for p in self.parts]
        return replace(self, parts=tuple(parts))


class Opened:
    """Sources that were opened, each once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Part, Any]] = {}

    def of(self, part: Part) -> Any:
        """That of a part."""
        if id(part.source) not in self._known:
            self._known[id(part.source)] = part, part.opened()
        return self._known[id(part.source)][1]


def pieces(x: Any, most: int = PIECE, axis: int | None = None) -> Iterator[Array]:
    """All values, a piece at a time, so that no more than a few pieces are in memory.

    Args:
        x: an array, that may be the map of a file, or samples that lie in files. most: bytes of a piece, about.
        axis: along which pieces follow each other; by default that of the samples where it is known, else the longest.
    """
    if axis is None:
        axis = x.axis if isinstance(x, Stored) else int(np.argmax(x.shape)) if x.ndim else 0
    if x.nbytes <= most or not x.ndim:
        yield np.asarray(x)
        return
    size = max(1, x.shape[axis] * most // x.nbytes)
    for start in range(0, x.shape[axis], size):
        yield np.asarray(x[(slice(None),) * axis + (slice(start, start + size),)])


def open_folder(path: Path, axis: int) -> Stored:
    """Samples of all files of a folder, by the numbers in their names, or of a Zarr array.

    Args:
        path: of a folder with .npy files, or .npz files with an array `samples`; or of a Zarr array.
        axis: along which samples are counted.

    Raises:
        UsageError: no such files, or one that cannot be read. ShapeError: files whose samples are of different shapes.
        MissingExtraError: zarr is not installed.
    """
    if (path / ".zarray").is_file() or (path / "zarr.json").is_file():
        source = InZarr(str(path.resolve()))
        opened = source.open()
        return _joined(path, [(str(path), source, tuple(map(int, opened.shape)), np.dtype(opened.dtype))], axis)
    files = sorted((p for p in path.iterdir() if p.suffix in (".npy", ".npz") and p.is_file()), key=_place)
    if not files:
        raise UsageError(
            "this folder holds no samples",
            where=str(path),
            got=", ".join(sorted(p.name for p in path.iterdir())[:6]) or "nothing",
            expected="files .npy, or .npz with an array 'samples'; or a Zarr array",
            do="give a file, or the folder in which the files are",
        )
    sources = []
    for file in files:
        array = _file(file)
        sources.append((file.name, array, array.shape, array.dtype))
    return _joined(path, sources, axis)


def _place(path: Path) -> list[tuple[int, str]]:
    """Of part-2 before part-10: numbers count as numbers."""
    return [(int(word), "") if word.isdigit() else (-1, word) for word in re.split(r"(\d+)", path.name)]


def _file(path: Path) -> Array:
    try:
        return read_npy(path) if path.suffix == ".npy" else read_stored(path, NAME)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            "the samples cannot be read",
            where=str(path),
            got=f"no array {NAME!r}" if isinstance(error, KeyError) else str(error),
            expected=f"a .npy file, or a .npz file with an array {NAME!r}",
            do=f"np.save(file, x), or np.savez(file, {NAME}=x)",
        ) from error


def _joined(path: Path, sources: Sequence[tuple[str, Any, tuple[int, ...], np.dtype[Any]]], axis: int) -> Stored:
    first, _, shape, dtype = sources[0]
    if len(shape) <= axis or dtype.kind not in "iufb":
        raise UsageError(
            "this is no array of samples",
            where=str(path / first) if first != str(path) else first,
            got=f"{list(shape)} of {dtype}",
            expected="numbers, [N, ...] or [T, N, ...]",
            do="store samples along an axis of their own",
        )
    for name, _, other, kind in sources[1:]:
        if other[:axis] + other[axis + 1 :] != shape[:axis] + shape[axis + 1 :] or len(other) != len(shape) or kind != dtype:
            raise ShapeError(
                "the files of a folder do not hold samples of one kind",
                where=str(path / name),
                got=f"{list(other)} of {kind}",
                expected=f"as {first}, {list(shape)} of {dtype}; along axis {axis} any number",
                do="store all in the same shape and type, and nothing else in this folder",
            )
    parts = tuple(Part(source, 0, each[axis]) for _, source, each, _ in sources)
    total = sum(p.stop for p in parts)
    return Stored(parts, axis, (*shape[:axis], total, *shape[axis + 1 :]), dtype)
