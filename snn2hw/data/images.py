"""Images in class folders, as ImageNet is unpacked: root/train/n01440764/n01440764_10026.JPEG, root/val/..."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from snn2hw.arguments import one_of, whole
from snn2hw.data.folders import given_folder, listed, scanned, wrong_folder
from snn2hw.data.framing import CROPS, centre_crop, random_crop
from snn2hw.data.labelled import Samples, Transform, from_there_on
from snn2hw.errors import DataError, MissingExtraError, Snn2hwWarning
from snn2hw.files import pointers
from snn2hw.files.read import is_folder, read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

SPLITS = ("train", "val")
SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF")  # of these names; Pillow knows others, and starts programs for some
MOST_PIXELS, MOST_FILE = 1 << 26, 1 << 28
CHANNELS = {"L": 1, "RGB": 3}
CONVERTIBLE = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")  # 16-bit and float modes would be clipped
LAYOUT = "train/CLASS/IMAGE and val/CLASS/IMAGE, such as train/n01440764/n01440764_10026.JPEG"


class ImageFolder(Samples):
    """Images of which each class has its folder; decoded by Pillow when they are asked for.

    Samples are float32 [3, size, size] ([1, size, size] in mode "L"), bytes / 255. Classes are the names of the folders in
    order; images are in the order of class and name. Names are in memory, as bytes, and no image.

    Args:
        root: the folder with train/ and val/.
        split: "train" or "val".
        size: rows and columns of a sample.
        crop: "centre": the shorter side is resized to 8/7 of `size` (256 where that is 224), the centre is cut out; "random": an
            area of 8 to 100 %, 3/4 to 4/3 as wide as high, anywhere, drawn from torch's own generator, resized to `size`;
            None: "random" in training, "centre" in validation.
        mode: "RGB" or "L": every image is converted (ImageNet has grey and CMYK ones); None: all images have the mode
            of the first one, and one of another is an error.
        on_corrupt: what an image that cannot be decoded is: "raise": an error; "skip": passed over, the next readable one of
            the list takes its place, with its own label, of a `part` the next one of the part; see `skipped`.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: an unknown word, a size below 1. MissingExtraError: Pillow is not installed. DataError:
            another folder, a class without images, classes that differ between train and val; when a sample is taken: an
            image that cannot be decoded, or of another mode.
    """

    steps = None

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        size: int = 224,
        crop: str | None = None,
        mode: str | None = "RGB",
        on_corrupt: str = "raise",
        transform: Transform | None = None,
    ) -> None:
        where = "ImageFolder"
        one_of("split", split, SPLITS, where)
        self.split, self.transform, self.size = split, transform, whole("size", size, 1, None, where)
        self.crop = one_of("crop", crop or ("random" if split == "train" else "centre"), CROPS, where)
        self.on_corrupt = one_of("on_corrupt", on_corrupt, ("raise", "skip"), where)
        folder = given_folder(root)
        self._folder = folder / split
        self.classes = _classes(folder, split)
        names = [_images(self._folder / c) for c in scanned(self.classes, f"{split}: listing the images of the classes")]
        self.labels = torch.from_numpy(np.repeat(np.arange(len(names)), [len(n) for n in names]))
        self._names = np.array([name for some in names for name in some])
        self._corrupt = torch.zeros(len(self), dtype=torch.bool)
        if on_corrupt == "skip":
            self._corrupt.share_memory_()  # type: ignore[no-untyped-call]  # workers note here what they pass over
        self.mode = self._first_mode() if mode is None else one_of("mode", mode, tuple(CHANNELS), where)
        self._convert = mode is not None
        self.shape = (CHANNELS[self.mode], size, size)

    @property
    def skipped(self) -> list[Path]:
        """The images that were passed over so far, in this process and in workers."""
        return [self.path(i) for i in self._corrupt.nonzero().flatten().tolist()]

    def path(self, index: int) -> Path:
        """The file of a sample."""
        return self._folder / self.classes[int(self.labels[index])] / os.fsdecode(self._names[index])

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if self.on_corrupt == "raise":
            return super().__getitem__(index)
        return self.first(from_there_on(range(len(self))[index], len(self)))

    def first(self, places: Iterable[int]) -> tuple[Tensor, int]:
        """The image of the first index; of the first that can be decoded, where others are passed over."""
        if self.on_corrupt == "raise":
            return super().first(places)
        tried = 0
        for place in places:
            tried += 1
            if self._corrupt[place]:
                continue
            try:
                return super().__getitem__(place)
            except UndecodableError as error:
                self._corrupt[place] = True
                passed = Snn2hwWarning("an image is passed over", where=error.where, got=error.got, do="unpack it again")
                warnings.warn(passed, stacklevel=2)
        raise self._none(tried)

    def sample(self, index: int) -> Tensor:
        """The image in [0, 1], cut out and resized."""
        path = self.path(index)
        image = _decoded(path, self.mode, self._convert)
        framed = (random_crop if self.crop == "random" else centre_crop)(image, self.size)
        pixels = np.array(framed).reshape(self.size, self.size, -1)
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255

    def _first_mode(self) -> str:
        """The mode of the first image; of those that can be decoded, where others are skipped."""
        for index in range(len(self)):
            path = self.path(index)
            try:
                mode = _opened(path).mode
            except UndecodableError:
                if self.on_corrupt == "raise":
                    raise
                continue
            if mode not in CHANNELS:
                raise _mode_error(path, mode, " or ".join(CHANNELS))
            return mode
        raise self._none(len(self))

    def _none(self, tried: int) -> DataError:
        return DataError("not one image can be decoded", where=str(self._folder), got=f"{tried} files", do="unpack the set again")


class UndecodableError(DataError):
    """An image that cannot be decoded: `where` is its file, `got` what the decoder said."""


def _decoded(path: Path, mode: str, convert: bool) -> Image:
    image = _opened(path)
    if image.mode != mode and not (convert and image.mode in CONVERTIBLE):
        raise _mode_error(path, image.mode, ", ".join(CONVERTIBLE) if convert else f"{mode}, as the first image")
    return image.convert(mode)


def _opened(path: Path) -> Image:
    """An image, decoded: one of FORMATS whatever its name says, no larger than MOST_PIXELS; Pillow's decoders raise anything."""
    from PIL.Image import open as open_image

    try:
        data = read_bytes(path, MOST_FILE)
        if pointers.is_pointer(data):
            raise _undecodable(path, pointers.GOT, "an image", pointers.DO)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            image: Image
            with open_image(BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise _undecodable(path, f"{width} x {height} pixels", f"at most {MOST_PIXELS} pixels", "make it smaller")
                if image.format == "PNG":  # only this looks at the checksums
                    with open_image(BytesIO(data), formats=("PNG",)) as same:
                        same.verify()
                image.load()
    except DataError:
        raise
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        got = (reason.splitlines() or [type(error).__name__])[0].replace("<_io.BytesIO object", "<the file")
        raise _undecodable(path, got, "a whole image file", 'unpack it again, delete it, or pass on_corrupt="skip"') from error
    for warning in said:
        text = str(warning.message).splitlines() or [""]
        warnings.warn(
            Snn2hwWarning("the decoder has doubts about an image", where=str(path), got=text[0], do="look at it"), stacklevel=2
        )
    return image


def _undecodable(path: Path, got: str, expected: str, do: str) -> UndecodableError:
    return UndecodableError("an image cannot be decoded", where=str(path), got=got, expected=expected, do=do)


def _mode_error(path: Path, mode: str, expected: str) -> DataError:
    return DataError(
        "an image has another mode", where=str(path), got=mode, expected=expected, do='convert it, or pass mode="RGB" or "L"'
    )


def _classes(root: Path, split: str) -> tuple[str, ...]:
    """The class folders of a split, in order; the same ones in both splits."""
    try:
        import PIL  # noqa: F401
    except ModuleNotFoundError as missing:
        raise MissingExtraError("pillow", "data", "ImageFolder") from missing
    if not is_folder(root / split):
        raise wrong_folder("a set of images in class folders", root, LAYOUT, f"pass the folder that holds {split}/")
    found = {s: [name for name in listed(root / s) if is_folder(root / s / name)] for s in SPLITS if is_folder(root / s)}
    for empty in (s for s in SPLITS if found.get(s) == []):
        raise wrong_folder(
            "a set of images in class folders", root / empty, LAYOUT, "sort the images into a folder for each class"
        )
    if len(found) == 2 and found["train"] != found["val"]:
        alone = {s: sorted(set(found[s]) - set(found[other])) for s, other in (SPLITS, SPLITS[::-1])}
        raise DataError(
            "train and val have different classes",
            where=str(root),
            got=", ".join(f"{len(names)} only in {s} ({names[0]})" for s, names in alone.items() if names),
            expected="the same folders in both: labels are their places in the order of names",
            do="unpack the set again, or add what is missing",
        )
    return tuple(found[split])


def _images(folder: Path) -> list[bytes]:
    names = [os.fsencode(name) for name in listed(folder) if name.lower().endswith(SUFFIXES)]
    if not names:
        raise wrong_folder(
            "an image", folder, f"files that end in {', '.join(SUFFIXES)}", "unpack the class again, or remove its folder"
        )
    return names
