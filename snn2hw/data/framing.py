"""The part of an image that becomes a sample, by Pillow's bilinear resizing with its filter over the source area."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from PIL.Image import Image

CROPS = ("centre", "random")
AREA = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
TRIES = 10


def centre_crop(image: Image, size: int) -> Image:
    """The middle 7/8 of the shorter side, resized to size x size: resized to 8/7 * size and cut, in one."""
    from PIL.Image import Resampling

    side = min(image.size) * 7 / 8
    left, top = ((length - side) / 2 for length in image.size)
    return image.resize((size, size), Resampling.BILINEAR, box=(left, top, left + side, top + side))


def random_crop(image: Image, size: int) -> Image:
    """A share of the area in AREA, of a width to height in RATIO (uniform in its logarithm), anywhere; resized to size x size.

    Drawn from torch's own generator. Where it does not fit into the image ten times, the largest middle part within RATIO.
    """
    from PIL.Image import Resampling

    width, height = image.size
    for area, ratio, across, down in torch.rand(TRIES, 4).tolist():
        share = width * height * (AREA[0] + (AREA[1] - AREA[0]) * area)
        shape = math.exp(math.log(RATIO[0]) + (math.log(RATIO[1]) - math.log(RATIO[0])) * ratio)
        w, h = math.sqrt(share * shape), math.sqrt(share / shape)
        if 1 <= w <= width and 1 <= h <= height:
            left, top = across * (width - w), down * (height - h)
            break
    else:
        w, h = min(width, height * RATIO[1]), min(height, width / RATIO[0])
        left, top = (width - w) / 2, (height - h) / 2
    return image.resize((size, size), Resampling.BILINEAR, box=(left, top, left + w, top + h))
