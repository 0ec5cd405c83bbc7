"""Images in idx files, plain or gzip: MNIST, Fashion-MNIST, KMNIST and what is published like them.

A file begins with two bytes 0, one byte for the type of its numbers (8: unsigned bytes), one for the number of axes, and the
extent of each axis, 32 bits, big-endian; then the numbers, the last axis running fastest
(http://yann.lecun.com/exdb/mnist, "the IDX file format").
"""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.data.content import GZIP, content, unpacked
from snn2hw.data.folders import SPLITS, given_file, given_folder, wrong_folder
from snn2hw.data.labelled import Samples, Transform
from snn2hw.errors import DataError
from snn2hw.files.read import MOST_BYTES, is_file

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_AXES = 4
AGAIN = "download the file again"
BEGINS = {"train": "train", "test": "t10k"}
KINDS = {"images": "idx3-ubyte", "labels": "idx1-ubyte"}
ENDS = ("", ".gz")


def read_idx(path: str | Path) -> npt.NDArray[Any]:
    """The array of an idx file, plain or gzip, in the shape and type that it states, of this machine's order of bytes: images
    [N, height, width], labels [N].

    What the header states is compared with the bytes that are there before anything is allocated; of a packed file with what
    can be packed into so many bytes.

    Raises:
        DataError: no such file, empty, another format or order of bytes, cut off, or longer than its header states.
    """
    path = given_file(path)
    data = content(path, "an idx file", "an idx file, or one packed by gzip", AGAIN)
    try:
        packed = data.startswith(GZIP)
        head = unpacked(data, 4 + 4 * MOST_AXES) if packed else data
        dtype, shape, begins = _header(head)
        size = begins + prod(shape) * dtype.itemsize
        if size > MOST_BYTES:
            raise ValueError(f"a header that states {size} bytes, more than the {MOST_BYTES} that are read")
        if dtype.itemsize * prod(extent or 1 for extent in shape) > MOST_BYTES:  # NumPy refuses these, too, whatever the product
            raise ValueError(f"extents {', '.join(map(str, shape))}, more than an array has, even of no numbers")
        if packed and size > 1100 * len(data):  # deflate packs 1032 bytes into one at most
            raise ValueError(f"a header that states {size} bytes, more than {len(data)} bytes of gzip can hold")
        data = unpacked(data, size + 1) if packed else data
        if len(data) != size:
            got = f"more than {size}" if packed and len(data) > size else str(len(data))
            raise ValueError(f"{got} bytes, where the header states {size}")
    except ValueError as error:
        raise DataError(
            "an idx file cannot be read",
            where=str(path),
            got=str(error),
            expected="two bytes 0, a type, the number of axes, big-endian extents, and as many numbers as they state",
            do=AGAIN,
        ) from error
    return np.frombuffer(data, dtype, offset=begins).reshape(shape).astype(dtype.newbyteorder("="))


def _header(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """(type, shape, bytes before the first number)."""
    if len(data) < 4:
        raise ValueError(f"{len(data)} bytes")
    zero, kind, axes = struct.unpack(">HBB", data[:4])
    if zero:
        swapped = data[2:4] == b"\0\0" and data[1] in TYPES
        raise ValueError("a header in little-endian order" if swapped else f"a file that begins with {data[:4].hex(' ')}")
    if kind not in TYPES:
        raise ValueError(f"numbers of an unknown type, {kind}")
    if not 1 <= axes <= MOST_AXES:
        raise ValueError(f"{axes} axes")
    begins = 4 + 4 * axes
    if len(data) < begins:
        raise ValueError(f"a header that is cut off after {len(data)} bytes")
    return np.dtype(TYPES[kind]), struct.unpack(f">{axes}I", data[4:begins]), begins


class MNIST(Samples):
    """MNIST (LeCun, Cortes, Burges), or any set that is published in the same four files: images uint8, ten classes.

    Samples are float32 [1, H, W] in [0, 1], bytes / 255. The images of the split are in memory, as bytes.

    Args:
        root: the folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the same of t10k, packed (.gz) or not; or the
            one that holds them as MNIST/raw, as torchvision leaves them.
        split: "train" or "test".
        transform: applied to every sample.

    Raises:
        UsageError: another split. DataError: another folder, a file that cannot be read, images and labels that differ in number,
            a label out of range.
    """

    name = "MNIST"
    site = "https://yann.lecun.com/exdb/mnist"
    classes = tuple(map(str, range(10)))

    def __init__(self, root: str | Path, split: str = "train", transform: Transform | None = None) -> None:
        one_of("split", split, SPLITS, self.name)
        self.split, self.transform, self.steps = split, transform, None
        folder = given_folder(root)
        found = self._files(folder, split)
        images, labels = (read_idx(found[kind]) for kind in KINDS)
        self._require(found["images"], images.ndim == 3 and images.dtype == np.uint8, images, "unsigned bytes [N, H, W]")
        self._require(found["labels"], labels.ndim == 1 and labels.dtype == np.uint8, labels, "unsigned bytes [N]")
        self._require(found["labels"], len(labels) == len(images), labels, f"{len(images)} labels, one for each image")
        self._require(found["images"], images.size > 0, images, "one image or more, with pixels")
        if int(labels.max()) >= len(self.classes):
            raise DataError(
                f"a label of {self.name} is out of range",
                where=f"{found['labels']}, label {int(labels.argmax())}",
                got=str(int(labels.max())),
                expected=f"0..{len(self.classes) - 1}",
                do=f"check that the file is of {self.name}",
            )
        self._images = images
        self.labels, self.shape = torch.from_numpy(labels.astype(np.int64)), (1, *images.shape[1:])

    def sample(self, index: int) -> Tensor:
        """The image in [0, 1]."""
        return torch.from_numpy(self._images[index][None].astype(np.float32)) / 255

    def _files(self, root: Path, split: str) -> dict[str, Path]:
        """Images and labels of one copy: in one form, and where there is none such, at least from one folder."""
        forms = [(joint, end) for joint in "-." for end in ENDS]  # both joints are about
        left: list[dict[str, Path]] = []
        for folder in (root, root / self.name / "raw"):
            names = {(k, f): folder / f"{BEGINS[split]}-{k}{f[0]}{KINDS[k]}{f[1]}" for k in KINDS for f in forms}
            there = {kind: [f for f in forms if is_file(names[kind, f])] for kind in KINDS}
            if both := [f for f in there["images"] if f in there["labels"]]:
                return {kind: names[kind, both[0]] for kind in KINDS}
            if all(there.values()):
                left.append({kind: names[kind, there[kind][0]] for kind in KINDS})
        if left:
            return left[0]
        expected = " and ".join(f"{BEGINS[split]}-{kind}-{end}" for kind, end in KINDS.items()) + ", or the same with .gz"
        raise wrong_folder(self.name, root, expected, f"put the four files of {self.site} here")

    def _require(self, path: Path, holds: bool, array: npt.NDArray[Any], expected: str) -> None:
        if not holds:
            raise DataError(
                f"a file of {self.name} holds something else",
                where=str(path),
                got=f"{array.dtype} {list(array.shape)}",
                expected=expected,
                do=f"put the four files of {self.site} here",
            )


class FashionMNIST(MNIST):
    """Fashion-MNIST (Xiao, Rasul, Vollgraf, arXiv 1708.07747); all else as `MNIST`."""

    name = "FashionMNIST"
    site = "https://github.com/zalandoresearch/fashion-mnist"
    classes = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


class KMNIST(MNIST):
    """KMNIST (Clanuwat et al., arXiv 1812.01718), cursive characters of o, ki, su, tsu, na, ha, ma, ya, re, wo; as `MNIST`."""

    name = "KMNIST"
    site = "https://github.com/rois-codh/kmnist"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
