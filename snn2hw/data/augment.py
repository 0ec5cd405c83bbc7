"""Augmentations: a sample or a batch to one of the same shape, dtype and device.

An augmentation says for every pixel of the result which pixel of the sample it is, y[..., i, j] = x[..., row, column], 0
where that lies outside; so values are moved or set to 0 and never mixed, counts of events stay whole, and what was in [0, 1]
stays in it. All channels and all steps of a sample are moved alike, every sample of a batch by itself. Mixup alone mixes.

There is no normalisation by mean and deviation, on purpose: in [0, 1] an image is its bytes / 255, which the integer network
takes as they are, and 0 is black, is what padding adds, and is no event. The first layer learns its own scale and offset.

As a data set's `transform` they run in its workers; `.batch` takes [N, ...] and suits `Recipe(augment=...)`. They draw
from torch's own generator, or from one that is given (not with workers: each would draw the same).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from snn2hw.arguments import between, positive, whole
from snn2hw.errors import ShapeError, ValueRangeError

Places = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Augmentation(ABC):
    """Call it with one sample [..., H, W], static or temporal; `batch` with [N, ..., H, W].

    Args:
        generator: to draw from, on the CPU; None: torch's own.

    Raises:
        ShapeError: when called, a sample of fewer than 2 axes.
    """

    _: KW_ONLY
    generator: Generator | None = None

    def __call__(self, sample: Tensor) -> Tensor:
        """One sample [..., H, W]."""
        return self.batch(sample[None])[0]

    def batch(self, x: Tensor) -> Tensor:
        """Every sample of [N, ..., H, W] by itself."""
        if x.ndim < 3:
            raise ShapeError(
                "a sample without rows and columns cannot be moved",
                where=type(self).__name__,
                got=str(list(x.shape[1:])),
                expected="[..., H, W]",
                do="leave this augmentation out",
            )
        n, h, w = len(x), *x.shape[-2:]
        rows, columns = self.places(n, h, w)
        inside = ((rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)).expand(n, h, w).reshape(n, 1, h * w)
        flat = (rows.clamp(0, h - 1) * w + columns.clamp(0, w - 1)).expand(n, h, w).reshape(n, 1, h * w)
        planes = x.reshape(n, math.prod(x.shape[1:-2]), h * w)
        moved = planes.gather(2, flat.to(x.device).expand_as(planes))
        return torch.where(inside.to(x.device), moved, torch.zeros((), dtype=x.dtype, device=x.device)).reshape(x.shape)

    @abstractmethod
    def places(self, n: int, h: int, w: int) -> Places:
        """(rows, columns) int64 that broadcast to [n, h, w]: where each pixel of the result comes from.

        Args:
            n: samples, each with a draw of its own. h, w: size of the image.
        """

    def _whole(self, n: int, low: int, high: int) -> Tensor:
        """[n, 1, 1] uniform in low..high."""
        return torch.randint(low, high + 1, (n, 1, 1), generator=self.generator)

    def _real(self, n: int) -> Tensor:
        """[n, 1, 1] uniform in [0, 1)."""
        return torch.rand(n, 1, 1, generator=self.generator)


@dataclass(frozen=True)
class RandomCrop(Augmentation):
    """Moved by up to `padding` pixels down or up and to a side, zeros moving in: a crop of the padded image.

    Args:
        padding: at least 0.
    """

    padding: int = 4

    def __post_init__(self) -> None:
        whole("padding", self.padding, 0, None, "RandomCrop")

    def places(self, n: int, h: int, w: int) -> Places:
        """Both offsets uniform in -padding..padding. Arguments as `Augmentation.places`."""
        down, across = (self._whole(n, -self.padding, self.padding) for _ in range(2))
        return _rows(h) + down, _columns(w) + across


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirrored left to right.

    Args:
        chance: in [0, 1].
    """

    chance: float = 0.5

    def __post_init__(self) -> None:
        between("chance", self.chance, 0, 1, "Flip")

    def places(self, n: int, h: int, w: int) -> Places:
        """Column w - 1 - j instead of j, with the chance. Arguments as `Augmentation.places`."""
        return _rows(h), torch.where(self._real(n) < self.chance, w - 1 - _columns(w), _columns(w))


@dataclass(frozen=True)
class Cutout(Augmentation):
    """A square is 0 (DeVries and Taylor, arXiv 1708.04552); at the border only a part of it lies inside.

    Args:
        side: of the square, in pixels, at least 1.
    """

    side: int = 16

    def __post_init__(self) -> None:
        whole("side", self.side, 1, None, "Cutout")

    def places(self, n: int, h: int, w: int) -> Places:
        """The pixel itself, or none: rows c - side // 2 and the side - 1 after it, c uniform in 0..h-1; columns alike.

        Arguments as `Augmentation.places`.
        """
        top, left = (self._whole(n, 0, length - 1) - self.side // 2 for length in (h, w))
        rows, columns = _rows(h), _columns(w)
        cut = (rows >= top) & (rows < top + self.side) & (columns >= left) & (columns < left + self.side)
        return torch.where(cut, -1, rows), columns


@dataclass(frozen=True)
class EventRoll(Augmentation):
    """Moved by up to `most` pixels both ways, what leaves at one side coming in at the other (no event is lost).

    Args:
        most: at least 0.
    """

    most: int = 5

    def __post_init__(self) -> None:
        whole("most", self.most, 0, None, "EventRoll")

    def places(self, n: int, h: int, w: int) -> Places:
        """Both offsets uniform in -most..most. Arguments as `Augmentation.places`."""
        down, across = (self._whole(n, -self.most, self.most) for _ in range(2))
        return (_rows(h) + down) % h, (_columns(w) + across) % w


@dataclass(frozen=True)
class Rotation(Augmentation):
    """Turned around the centre; every pixel takes the value of the nearest one there was, 0 from outside.

    Args:
        degrees: the most, both ways, in [0, 180].
    """

    degrees: float = 15.0

    def __post_init__(self) -> None:
        between("degrees", self.degrees, 0, 180, "Rotation")

    def places(self, n: int, h: int, w: int) -> Places:
        """The angle uniform in -degrees..degrees. Arguments as `Augmentation.places`."""
        angle = (2 * self._real(n).double() - 1) * float(np.deg2rad(self.degrees))
        y, x = _rows(h).double() - (h - 1) / 2, _columns(w).double() - (w - 1) / 2
        sine, cosine = angle.sin(), angle.cos()
        rows, columns = cosine * y + sine * x + (h - 1) / 2, cosine * x - sine * y + (w - 1) / 2
        return (rows + 0.5).floor().long(), (columns + 0.5).floor().long()


@dataclass(frozen=True)
class Chain:
    """One augmentation after the other.

    Args:
        parts: in their order.
    """

    parts: tuple[Augmentation, ...]

    def __call__(self, sample: Tensor) -> Tensor:
        """One sample [..., H, W]."""
        return self.batch(sample[None])[0]

    def batch(self, x: Tensor) -> Tensor:
        """Every sample of [N, ..., H, W] by itself."""
        for part in self.parts:
            x = part.batch(x)
        return x


@dataclass(frozen=True)
class Mixup:
    """x' = l x + (1 - l) x[order], and labels alike, with l of Beta(alpha, alpha), one for a batch (arXiv 1710.09412).

    Soft labels are [N, classes], in the type of the batch, and their rows sum to 1: what torch's cross_entropy takes. Counts of
    events do not stay whole.

    Args:
        classes: how many there are. alpha: > 0; small: mostly one of the two.
        generator: to draw from, on the CPU; None: torch's own.
    """

    classes: int
    alpha: float = 0.2
    _: KW_ONLY
    generator: Generator | None = None

    def __post_init__(self) -> None:
        whole("classes", self.classes, 1, None, "Mixup")
        positive("alpha", self.alpha, "Mixup")

    def __call__(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """A batch [N, ...] and labels int64 [N] to the mixed batch and soft labels.

        Raises:
            ValueRangeError: a label that is none of the classes.
        """
        if bool((outside := (labels < 0) | (labels >= self.classes)).any()):
            place = int(outside.int().argmax())
            raise ValueRangeError(
                "a label is out of range",
                where=f"Mixup, place {place} of the batch",
                got=str(int(labels[place])),
                expected=f"0..{self.classes - 1}",
                do="correct the label, or give Mixup as many classes as the data have",
            )
        seed = int(torch.randint(2**62, (), generator=self.generator))  # torch's Beta takes no generator
        share = float(np.random.default_rng(seed).beta(self.alpha, self.alpha))
        order = torch.randperm(len(x), generator=self.generator).to(x.device)
        soft = torch.nn.functional.one_hot(labels, self.classes).to(x.dtype)
        return share * x + (1 - share) * x[order], share * soft + (1 - share) * soft[order]


def _rows(h: int) -> Tensor:
    return torch.arange(h)[None, :, None]


def _columns(w: int) -> Tensor:
    return torch.arange(w)[None, None, :]
