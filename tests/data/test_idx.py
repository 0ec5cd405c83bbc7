"""idx files, plain and gzip: read back exactly, genuine images, and what is refused before anything is allocated."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from snn2hw.data import KMNIST, MNIST, FashionMNIST, read_idx
from snn2hw.errors import DataError, UsageError
from tests.data.published import idx, write_mnist
from tests.refused import refused
from tests.shared_data import shared_data

pytestmark = pytest.mark.torch

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 5, 4)).astype(np.uint8)
LABELS = np.array([3, 0, 9, 1, 1, 2, 8], np.uint8)


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_read_back_exactly(kind: str, packed: bool, tmp_path: Path) -> None:
    array = (np.random.default_rng(1).normal(size=(3, 2, 4)) * 100).astype(kind)
    (tmp_path / "x").write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    read = read_idx(tmp_path / "x")
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
@pytest.mark.parametrize("packed", [False, True])
def test_images_and_labels(kind: type[MNIST], packed: bool, tmp_path: Path) -> None:
    write_mnist(tmp_path, IMAGES, LABELS, "train", packed)
    write_mnist(tmp_path, IMAGES[:2], LABELS[:2], "test", packed)
    train, test = kind(tmp_path), kind(tmp_path, "test")
    assert (len(train), len(test), train.shape, train.steps, len(train.classes)) == (7, 2, (1, 5, 4), None, 10)
    for n, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        assert train[n][1] == label
        assert torch.equal(train[n][0], torch.from_numpy(image[None]).float() / 255)


def test_one_image_of_one_pixel_is_an_image(tmp_path: Path) -> None:
    data = MNIST(write_mnist(tmp_path, IMAGES[:1, :1, :1], LABELS[:1]))
    assert (len(data), data.shape) == (1, (1, 1, 1))


def test_torchvisions_folder_and_names_with_a_dot(tmp_path: Path) -> None:
    inside = tmp_path / "FashionMNIST" / "raw"
    inside.mkdir(parents=True)
    write_mnist(inside, IMAGES, LABELS, packed=False)
    for file in list(inside.iterdir()):
        file.rename(inside / file.name.replace("-idx", ".idx"))
    assert len(FashionMNIST(tmp_path)) == 7


def test_genuine_images_are_what_they_were(tmp_path: Path) -> None:
    with np.load(shared_data("real/fashion_mnist.npz")) as arrays:
        images, labels = arrays["x_test"][:500], arrays["y_test"][:500]
    data = FashionMNIST(write_mnist(tmp_path, images, labels, "test"), "test")
    made = torch.stack([data[n][0] for n in range(len(data))])
    assert torch.equal((made * 255).round().to(torch.uint8), torch.from_numpy(images[:, None]))
    assert data.labels.tolist() == labels.tolist()


GOOD = idx(IMAGES)
WRONG = {
    "empty": (b"", "0 bytes"),
    "a byte": (b"\0", "1 bytes"),
    "magic": (b"\x89PNG" + GOOD, "a file that begins with 89 50 4e 47"),
    "little-endian": (struct.pack("<I", 0x00000803) + GOOD[4:], "a header in little-endian order"),
    "type": (b"\0\0\x07\x03" + GOOD[4:], "numbers of an unknown type, 7"),
    "axes": (b"\0\0\x08\x09" + GOOD[4:], "9 axes"),
    "none": (b"\0\0\x08\x00", "0 axes"),
    "header cut": (GOOD[:9], "a header that is cut off after 9 bytes"),
    "cut": (GOOD[:-1], "155 bytes"),
    "longer": (GOOD + b"x", "157 bytes"),
    "absurd": (b"\0\0\x08\x03" + b"\xff" * 12, "a header that states 79228162458924105385300197391 bytes"),
    "absurd, of no numbers": (
        b"\0\0\x08\x04" + struct.pack(">4I", 0, *[2**31] * 3),
        "extents 0, 2147483648, 2147483648, 2147483648, more than an array has, even of no numbers",
    ),
    "packed absurd": (
        gzip.compress(b"\0\0\x08\x03" + struct.pack(">III", 900, 1000, 1000)),
        "bytes of gzip can hold",
    ),
    "packed cut": (gzip.compress(GOOD)[:-20], "gzip that is cut off"),
    "packed longer": (gzip.compress(GOOD + b"xx"), "more than 156 bytes"),
    "packed shorter": (gzip.compress(GOOD[:-3]), "153 bytes"),
    "packed twice": (gzip.compress(GOOD) + b"xyz", "gzip with 3 bytes behind its end"),
    "packed damaged": (gzip.compress(GOOD)[:12] + b"\xff" * 40, "damaged gzip"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a Git LFS pointer"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_cannot_be_read(fault: str, tmp_path: Path) -> None:
    data, says = WRONG[fault]
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path / "x")
    assert says in str(caught.value.got)
    assert str(tmp_path / "x") in str(caught.value)


def test_the_message(tmp_path: Path) -> None:
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(GOOD[:-1])
    with refused(
        DataError,
        f"""
        an idx file cannot be read
          where:    {path}
          got:      155 bytes, where the header states 156
          expected: two bytes 0, a type, the number of axes, big-endian extents, and as many numbers as they state
          do:       download the file again
        """,
    ):
        read_idx(path)


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (IMAGES, LABELS[:-1], "one for each image"),
        (IMAGES[0], LABELS, r"unsigned bytes \[N, H, W\]"),
        (IMAGES, IMAGES, r"unsigned bytes \[N\]"),
        (IMAGES.astype(np.int16), LABELS, "unsigned bytes"),
        (IMAGES[:0], LABELS[:0], "one image or more"),
        (IMAGES, np.where(LABELS == 9, 10, LABELS).astype(np.uint8), "label 2"),
    ],
)
def test_files_that_do_not_belong_together(images: np.ndarray, labels: np.ndarray, says: str, tmp_path: Path) -> None:
    write_mnist(tmp_path, images, labels)
    with pytest.raises(DataError, match=says):
        MNIST(tmp_path)


def test_images_and_labels_are_of_one_copy(tmp_path: Path) -> None:
    """Unpacked images alone, from elsewhere, beside both files packed; and another copy in torchvision's folder."""
    write_mnist(tmp_path, IMAGES, LABELS)
    write_mnist(tmp_path, 255 - IMAGES, LABELS, packed=False)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    assert torch.equal(MNIST(tmp_path)[0][0][0], torch.from_numpy(IMAGES[0]) / 255)
    other = tmp_path / "MNIST" / "raw"
    other.mkdir(parents=True)
    write_mnist(other, IMAGES, (LABELS + 1) % 10)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    data = MNIST(tmp_path)
    assert data.labels.tolist() == ((LABELS + 1) % 10).tolist()
    assert torch.equal(data[0][0][0], torch.from_numpy(IMAGES[0]) / 255)


def test_one_file_packed_and_the_other_not(tmp_path: Path) -> None:
    write_mnist(tmp_path, IMAGES, LABELS)
    write_mnist(tmp_path, IMAGES, LABELS, packed=False)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    (tmp_path / "train-images-idx3-ubyte.gz").unlink()
    assert MNIST(tmp_path).labels.tolist() == LABELS.tolist()


def test_another_folder_and_another_split(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with refused(
        DataError,
        f"""
        KMNIST is not in this folder
          where:    {tmp_path}
          got:      notes.txt
          expected: train-images-idx3-ubyte and train-labels-idx1-ubyte, or the same with .gz
          do:       put the four files of https://github.com/rois-codh/kmnist here
        """,
    ):
        KMNIST(tmp_path)
    with pytest.raises(UsageError, match="split"):
        KMNIST(tmp_path, "validation")
