"""Images that are none: other formats, large ones, nodes, whatever Pillow raises. One is named, or passed over."""

from __future__ import annotations

import os
import shutil
import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from snn2hw.data import CIFAR10, ImageFolder
from snn2hw.data.images import FORMATS, MOST_PIXELS, UndecodableError
from snn2hw.errors import DataError, Snn2hwError, Snn2hwWarning
from tests.data.writers import write_cifar10, write_image
from tests.refused import refused

pytestmark = pytest.mark.torch


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Where the first image of a set of two is to lie; the second is good."""
    write_image(tmp_path / "train" / "c" / "b.png", seed=1)
    return tmp_path / "train" / "c" / "a.png"


def first(bad: Path, on_corrupt: str = "raise") -> np.ndarray:
    data = ImageFolder(bad.parent.parent.parent, size=8, crop="centre", on_corrupt=on_corrupt)
    return np.asarray(data[0][0])


def passed_over(bad: Path) -> None:
    """The other image is taken, with a warning that names the bad one."""
    with pytest.warns(Snn2hwWarning, match=f"an image is passed over\n  where:    {bad}\n"):
        taken = first(bad, "skip")
    bad.unlink()
    assert np.array_equal(taken, first(bad))


def saved(kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).convert("P" if kind == "GIF" else "RGB").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["EPS", "GIF", "PDF", "PCX", "TGA", "ICO", "DDS"])
def test_only_the_formats_of_the_list_are_opened(bad: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = bad.parent.parent.parent / "started"
    (tools := bad.parent.parent.parent / "tools").mkdir()
    (tools / "gs").write_text(f"#!/bin/sh\ntouch {started}\n")
    (tools / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # looked for again
    assert shutil.which("gs") == str(tools / "gs")
    bad.write_bytes(saved(kind))
    with pytest.raises(DataError, match="an image cannot be decoded"):
        first(bad)
    passed_over(bad)
    assert not started.exists()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_the_list_is_opened_whatever_its_name(bad: Path, kind: str) -> None:
    bad.write_bytes(saved(kind))
    assert first(bad).shape == (3, 8, 8)


def large(width: int, height: int) -> bytes:
    """A PNG that says so; a few kilobytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("sides", [(13_000, 13_000), (MOST_PIXELS + 1, 1), (1, 10**8)])
def test_large_images_are_refused_before_they_are_decoded(
    bad: Path, sides: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad.write_bytes(large(*sides))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: pytest.fail("decoded"))
    with refused(
        UndecodableError,
        f"""
        an image cannot be decoded
          where:    {bad}
          got:      {sides[0]} x {sides[1]} pixels
          expected: at most 67108864 pixels
          do:       make it smaller
        """,
    ):
        first(bad)


def test_a_large_image_is_passed_over(bad: Path) -> None:
    bad.write_bytes(large(13_000, 13_000))
    passed_over(bad)


def test_a_node_and_a_pointer(bad: Path) -> None:
    os.mkfifo(bad)
    with pytest.raises(DataError, match="a FIFO, not a file"):
        first(bad)
    passed_over(bad)
    bad.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    with pytest.raises(DataError, match="a Git LFS pointer"):
        first(bad)


RAISED: tuple[type[Exception], ...] = (
    *(TypeError, AttributeError, AssertionError, RuntimeError, NotImplementedError, OverflowError, ZeroDivisionError),
    *(MemoryError, RecursionError, UnicodeDecodeError, KeyError, struct.error, zlib.error, UserWarning, ValueError),
)


@pytest.mark.parametrize("kind", RAISED)
def test_whatever_pillow_raises(bad: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(bad)
    whole, load = bad.read_bytes(), PngImagePlugin.PngImageFile.load

    def raises(self: PngImagePlugin.PngImageFile) -> object:
        if self.fp is not None and self.fp.getvalue() == whole:  # type: ignore[attr-defined]
            raise kind("utf-8", b"x", 0, 1, "no text") if kind is UnicodeDecodeError else kind("this")
        return load(self)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", raises)
    with pytest.raises(DataError, match="an image cannot be decoded"):
        first(bad)
    passed_over(bad)


def test_every_flipped_bit_of_a_png_is_noticed(bad: Path) -> None:
    """Pillow alone decodes past its checksums."""
    write_image(bad, size=(12, 10))
    good, right = bad.read_bytes(), first(bad)
    rng = np.random.default_rng(0)
    for at in rng.integers(8, len(good) - 12, 200).tolist():
        data = bytearray(good)
        data[at] ^= 1 << int(rng.integers(8))
        bad.write_bytes(data)
        try:
            assert np.array_equal(first(bad), right)
        except DataError as error:
            assert error.what == "an image cannot be decoded"  # noqa: PT017


def test_a_doubt_of_the_decoder_names_the_file(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(bad)
    load = PngImagePlugin.PngImageFile.load

    def doubts(self: PngImagePlugin.PngImageFile) -> object:
        if self.tile:  # not decoded yet
            warnings.warn("Corrupt EXIF data", stacklevel=2)
        return load(self)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", doubts)
    with pytest.warns(Snn2hwWarning, match=f"where:    {bad}\n  got:      Corrupt EXIF data"):
        first(bad)


def test_a_folder_that_cannot_be_listed(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: object) -> Callable[[], None]:
        raise PermissionError(13, "Permission denied")

    write_image(bad)
    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(DataError, match=r"^a folder cannot be listed\n.*\n  got:      Permission denied\n"):
        first(bad)


def test_files_of_cifar_that_are_pointers_or_no_files(tmp_path: Path) -> None:
    folder = write_cifar10(tmp_path, {})
    batch, names = folder / "data_batch_3.bin", folder / "batches.meta.txt"
    names.write_bytes(bytes(1 << 17))
    with pytest.raises(DataError, match=r"^a file of CIFAR-10 cannot be read\n.*batches.meta.txt"):
        CIFAR10(tmp_path)
    names.unlink()
    os.mkfifo(names)
    assert CIFAR10(tmp_path).classes == tuple("0123456789")
    batch.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 30730000\n")
    with pytest.raises(DataError, match=r"^a file of CIFAR-10 is not the file itself\n.*data_batch_3.bin\n.*Git LFS pointer"):
        CIFAR10(tmp_path)
    batch.unlink()
    os.mkfifo(batch)
    with pytest.raises(Snn2hwError):
        CIFAR10(tmp_path)
