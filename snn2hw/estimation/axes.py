"""Which indices of a source one index of a target reads, along one axis; what a layer reads is a product of three of them.

Every value has three axes here, channels, rows and columns: [F] is [F, 1, 1]. Connections are never listed one by one: a
convolution of 64 channels over 112 x 112 places is three small tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.shapes import Shape, Window

Bools: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.int64]
Shape3: TypeAlias = "tuple[int, int, int]"

LARGEST = 1 << 25  # entries of a table; beyond it all is taken to read all


def shape3(shape: Shape) -> Shape3:
    """[C, H, W] of a shape of any number of axes, in the same order of values."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    return (shape[0], 1, shape[1]) if len(shape) == 2 else (shape[0], 1, prod(shape[1:]))


@dataclass(frozen=True, eq=False)
class Axis:
    """The relation of one axis: `to` indices of the target, `of` indices of the source.

    Args:
        table: [to, of], true where the target reads the source; None where a target reads its own index, or all.
        same: of the two, without a table, which.
    """

    to: int
    of: int
    table: Bools | None = None
    same: bool = False

    @property
    def is_same(self) -> bool:
        """Whether every index reads its own, and no other."""
        return self.same or (self.table is None and self.to == self.of == 1)

    @property
    def is_all(self) -> bool:
        """Whether every index reads all."""
        return self.table is None and (not self.same or self.of == 1)

    def as_table(self) -> Bools:
        """[to, of], true where the target reads the source."""
        if self.table is not None:
            return self.table
        return np.eye(self.to, dtype=bool) if self.same else np.ones((self.to, self.of), bool)

    def after(self, other: Axis) -> Axis:
        """What the target reads of the source of `other`, whose target is the source here."""
        if self.same or other.same:
            return other if self.same else self
        if self.is_all and bool(other.is_read().all()):
            return Axis(self.to, other.of)
        if other.is_all and bool(self.reads().all()):
            return Axis(self.to, other.of)
        if self.to * other.of > LARGEST:
            return Axis(self.to, other.of)
        return axis_of((self.as_table().astype(np.float32) @ other.as_table().astype(np.float32)) > 0)

    def tiles(self, cuts: Sequence[int]) -> Bools:
        """[tiles, of]: what the indices cuts[k] to cuts[k + 1] read together."""
        if self.is_all:
            return np.ones((len(cuts) - 1, self.of), bool)
        if self.same:
            index = np.arange(self.of)
            return np.stack([(lo <= index) & (index < hi) for lo, hi in pairwise(cuts)])
        found: Bools = np.logical_or.reduceat(self.as_table(), np.asarray(cuts[:-1]), axis=0)
        return found

    def reads(self) -> Counts:
        """[to]: how many indices of the source each one of the target reads."""
        if self.table is not None:
            return np.asarray(np.count_nonzero(self.table, axis=1), np.int64)
        return np.full(self.to, 1 if self.same else self.of, np.int64)

    def is_read(self) -> Counts:
        """[of]: how many indices of the target read each one of the source."""
        if self.table is not None:
            return np.asarray(np.count_nonzero(self.table, axis=0), np.int64)
        return np.full(self.of, 1 if self.same else self.to, np.int64)


def axis_of(table: Bools) -> Axis:
    """The relation of a table [to, of], without it where it says no more than that all, or its own, is read."""
    to, of = table.shape
    if table.all():
        return Axis(to, of)
    if to == of and np.count_nonzero(table) == to and table.diagonal().all():
        return Axis(to, of, same=True)
    return Axis(to, of, table)


Axes: TypeAlias = "tuple[Axis, Axis, Axis]"


def same(shape: Shape3) -> Axes:
    """Every place reads its own."""
    c, h, w = (Axis(n, n, same=True) for n in shape)
    return c, h, w


def everything(to: Shape3, of: Shape3) -> Axes:
    """Every place reads all of the source."""
    c, h, w = (Axis(m, n) for m, n in zip(to, of, strict=True))
    return c, h, w


def after(first: Axes, second: Axes) -> Axes:
    """What `first` reads of the source of `second`."""
    c, h, w = (a.after(b) for a, b in zip(first, second, strict=True))
    return c, h, w


def slid(window: Window, size: tuple[int, int]) -> tuple[Axis, Axis]:
    """Rows and columns that a window sees, without the padding."""
    found = [
        _slid(*each)
        for each in zip(window.output(size), size, window.kernel, window.stride, window.padding, window.dilation, strict=True)
    ]
    return found[0], found[1]


def _slid(to: int, of: int, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    seen = np.arange(to)[:, None] * stride - padding + np.arange(kernel) * dilation
    table = np.zeros((to, of), bool)
    inside = (seen >= 0) & (seen < of)
    table[np.nonzero(inside)[0], seen[inside]] = True
    return axis_of(table)


def grouped(to: int, of: int, groups: int) -> Axis:
    """Channels that read those of their group: `to` of them, of `of`, in so many `groups`."""
    if groups == 1:
        return Axis(to, of)
    if groups == to == of:
        return Axis(to, of, same=True)
    ours, theirs = np.arange(to) // (to // groups), np.arange(of) // (of // groups)
    return axis_of(ours[:, None] == theirs[None, :])


def offset(to: int, of: int, first: int) -> Axis:
    """`to` indices, of which those from `first` on read the `of` of the source, in their order; the others read none."""
    table = np.zeros((to, of), bool)
    table[first + np.arange(of), np.arange(of)] = True
    return axis_of(table)


def resized(of: int, factor: int, tail: int, *, zeros: bool) -> Axis:
    """Indices that are repeated, or spread out with zeros between.

    Args:
        of: indices of the source. factor: how often each is repeated, or how far apart they come to lie.
        tail: zeros behind the last. zeros: whether they are spread out.
    """
    if factor == 1 and not tail:
        return Axis(of, of, same=True)
    to = (of - 1) * factor + 1 + tail if zeros else of * factor
    table = np.zeros((to, of), bool)
    source = np.arange(of) if zeros else np.arange(to) // factor
    table[np.arange(of) * factor if zeros else np.arange(to), source] = True
    return axis_of(table)


def reshaped(axes: Axes, of: Shape3) -> tuple[Axes, bool]:
    """The same relation to a source whose values stand in another shape, in the same order; and whether it is exact.

    The target may change its shape, too: it has as many values as before, in their order.

    Args:
        axes: to the source in the shape that it had. of: the shape that it has.
    """
    before = shape_of(axes)
    if before == of:
        return axes, True
    if all(a.is_same for a in axes):
        return same(of), True
    to = (axes[0].to, axes[1].to, axes[2].to)
    if all(a.is_all for a in axes):
        return everything(to, of), True
    if before[0] != of[0]:
        read = axes[0].reads()
        some = before[1:] == (1, 1) and bool(((read == 0) | (read == before[0])).all())  # of the targets read all, others none
        first = axis_of(np.repeat((read > 0)[:, None], of[0], axis=1)) if some else Axis(to[0], of[0])
        return (first, Axis(to[1], of[1]), Axis(to[2], of[2])), some
    if all(a.is_same for a in axes[1:]):
        return (axes[0], Axis(of[1], of[1], same=True), Axis(of[2], of[2], same=True)), True
    exact = all(a.is_all for a in axes[1:])
    return (axes[0], Axis(to[1], of[1]), Axis(to[2], of[2])), exact


def turned(axes: Axes, to: Shape3) -> tuple[Axes, bool]:
    """The same relation of a target whose values stand in another shape; and whether it is exact."""
    if tuple(a.to for a in axes) == to:
        return axes, True
    of = shape_of(axes)
    if all(a.is_all for a in axes):
        return everything(to, of), True
    return everything(to, of), False


def shape_of(axes: Axes) -> Shape3:
    """Of the source."""
    return axes[0].of, axes[1].of, axes[2].of


def product(parts: Sequence[Any]) -> Any:
    """[C, H, W] of three arrays [C], [H], [W]."""
    c, h, w = parts
    return c[:, None, None] * h[None, :, None] * w[None, None, :]
