"""CIFAR-10 and CIFAR-100 in their binary version (https://www.cs.toronto.edu/~kriz/cifar.html), mapped, not loaded.

A file is a sequence of records without anything around them: the label, one byte (CIFAR-100: the coarse, then the fine
label, one byte each), then 3072 bytes, the red, green and blue planes of 32x32 pixels, rows from the top.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.data.folders import SPLITS, given_folder, wrong_folder
from snn2hw.data.labelled import Samples, Transform
from snn2hw.errors import DataError
from snn2hw.files import pointers
from snn2hw.files.read import is_file, is_folder, opened, read_bytes

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
MOST_POINTER, MOST_NAMES = 1 << 10, 1 << 16  # bytes
SITE = "https://www.cs.toronto.edu/~kriz/cifar.html"


@dataclass(frozen=True)
class Layout:
    """How a set is published.

    Args:
        name: of the set. folder: what the archive unpacks to. archive: its name on the site.
        files: those of each split. records: in each file of each split.
        labels: how many label bytes begin a record.
    """

    name: str
    folder: str
    archive: str
    files: dict[str, tuple[str, ...]]
    records: dict[str, int]
    labels: int

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return self.labels + PIXELS


TEN = Layout(
    "CIFAR-10",
    "cifar-10-batches-bin",
    "cifar-10-binary.tar.gz",
    {"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)},
    {"train": 10_000, "test": 10_000},
    labels=1,
)
HUNDRED = Layout(
    "CIFAR-100",
    "cifar-100-binary",
    "cifar-100-binary.tar.gz",
    {"train": ("train.bin",), "test": ("test.bin",)},
    {"train": 50_000, "test": 10_000},
    labels=2,
)


class _Cifar(Samples):
    """Files of one layout, one of whose label bytes is the label."""

    shape, steps = SHAPE, None

    def __init__(
        self, layout: Layout, root: Path, split: str, byte: int, classes: int, names: str, transform: Transform | None
    ) -> None:
        one_of("split", split, SPLITS, layout.name)
        self.split, self.transform = split, transform
        self._layout, self._records = layout, layout.records[split]
        folder = _folder(layout, root, split)
        self._files = [folder / name for name in layout.files[split]]
        for file in self._files:
            with _reading(file, layout):
                _check_size(file, layout, self._records)
        self._maps: dict[Path, npt.NDArray[np.uint8]] = {}
        parts = [np.array(self._map(file)[:, byte]) for file in self._files]
        for file, labels in zip(self._files, parts, strict=True):
            _check_labels(file, labels, classes, names)
        self.labels = torch.from_numpy(np.concatenate(parts).astype(np.int64))
        self.classes = _names(folder / names, classes, layout)

    def sample(self, index: int) -> Tensor:
        """The image in [0, 1]: bytes / 255."""
        file, record = divmod(index, self._records)
        pixels = np.array(self._map(self._files[file])[record, self._layout.labels :])
        return torch.from_numpy(pixels).reshape(SHAPE).float() / 255

    def __getstate__(self) -> dict[str, Any]:
        # A map would be copied to every worker as an array; each opens its own.
        return {**self.__dict__, "_maps": {}}

    def _map(self, file: Path) -> npt.NDArray[np.uint8]:
        if file not in self._maps:
            with _reading(file, self._layout), opened(file) as data:
                self._maps[file] = np.memmap(data, np.uint8, "r", shape=(self._records, self._layout.record))
        return self._maps[file]


class CIFAR10(_Cifar):
    """CIFAR-10, binary version: 50,000 images for training, 10,000 for testing, 10 classes.

    Samples are float32 [3, 32, 32] in [0, 1], read from the mapped files; labels and nothing else are in memory.

    Args:
        root: the folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin, or the one that holds
            cifar-10-batches-bin.
        split: "train" or "test".
        transform: applied to every sample.

    Raises:
        UsageError: another split. DataError: another folder, a file of another size, a label above 9.
    """

    def __init__(self, root: str | Path, split: str = "train", transform: Transform | None = None) -> None:
        super().__init__(TEN, given_folder(root), split, 0, 10, "batches.meta.txt", transform)


class CIFAR100(_Cifar):
    """CIFAR-100, binary version: 50,000 images for training, 10,000 for testing, 100 classes in 20 coarse ones.

    Samples are as those of CIFAR10.

    Args:
        root: the folder with train.bin and test.bin, or the one that holds cifar-100-binary.
        split: "train" or "test".
        labels: "fine" (100 classes) or "coarse" (20).
        transform: applied to every sample.

    Raises:
        UsageError: another split or kind of labels. DataError: another folder, a file of another size, a label out of range.
    """

    def __init__(self, root: str | Path, split: str = "train", labels: str = "fine", transform: Transform | None = None) -> None:
        fine = one_of("labels", labels, ("fine", "coarse"), "CIFAR-100") == "fine"
        folder, classes = given_folder(root), 100 if fine else 20
        super().__init__(HUNDRED, folder, split, int(fine), classes, f"{labels}_label_names.txt", transform)


def _folder(layout: Layout, root: Path, split: str) -> Path:
    for folder in (root, root / layout.folder):
        if all(is_file(folder / name) for name in layout.files[split]):
            return folder
    inside = root / layout.folder if is_folder(root / layout.folder) else root
    raise wrong_folder(
        f"{layout.name} in its binary version",
        inside,
        f"{', '.join(layout.files[split])}, or a folder {layout.folder} with them",
        f"unpack {layout.archive} from {SITE} here",
    )


@contextmanager
def _reading(file: Path, layout: Layout) -> Iterator[None]:
    """What the system says against it is an error with a place."""
    try:
        yield
    except (OSError, ValueError) as error:  # a file that was cut since its size was looked at cannot be mapped
        raise DataError(
            f"a file of {layout.name} cannot be read",
            where=str(file),
            got=(error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__,
            expected="a file that you may read",
            do="check the path and its permissions",
        ) from error


def _check_size(file: Path, layout: Layout, records: int) -> None:
    size, expected = file.stat().st_size, records * layout.record
    if size != expected:
        if size < MOST_POINTER and pointers.is_pointer(read_bytes(file)):
            raise DataError(
                f"a file of {layout.name} is not the file itself",
                where=str(file),
                got=pointers.GOT,
                expected=f"{expected} bytes",
                do=pointers.DO,
            )
        raise DataError(
            f"a file of {layout.name} is {'empty' if size == 0 else 'truncated' if size < expected else 'too long'}",
            where=str(file),
            got=f"{size} bytes",
            expected=f"{expected} bytes: {records} records of {layout.record}",
            do=f"unpack {layout.archive} from {SITE} again",
        )


def _check_labels(file: Path, labels: npt.NDArray[np.uint8], classes: int, names: str) -> None:
    wrong = np.flatnonzero(labels >= classes)
    if len(wrong):
        raise DataError(
            "a label is out of range",
            where=f"{file}, record {wrong[0]}",
            got=f"{labels[wrong[0]]}; {len(wrong)} of {len(labels)} records have such labels",
            expected=f"0..{classes - 1}, the lines of {names}",
            do="check that the file is of this set, and unpack it again",
        )


def _names(file: Path, classes: int, layout: Layout) -> tuple[str, ...]:
    """The lines of the archive's own list; numbers where that is not there."""
    if not is_file(file):
        return tuple(map(str, range(classes)))
    with _reading(file, layout):
        text = read_bytes(file, MOST_NAMES).decode("utf-8", "replace")
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(names) != classes:
        raise DataError(
            "the list of class names is of another set",
            where=str(file),
            got=f"{len(names)} names",
            expected=f"{classes} lines with a name",
            do="unpack the archive again",
        )
    return names
