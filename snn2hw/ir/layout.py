"""Which axis of temporal samples is time: stated, told by the network, or taken as [T, N, ...] with a word about it.

A network takes temporal samples as [T, N, ...] ("TN"): steps, samples, then the usual axes. Whoever has [N, T, ...]
says layout="NT". Nothing is swapped that was not asked for:

* the number of steps T is known (a compiled network, a float network): samples with another T are refused, and both
  readings are named where the other one fits; only where N = T, so that both fit, may there be a warning;
* T is not known (a torch model is compiled): [T, N, ...] is taken, and there is a warning if the numbers or the values
  speak against it: many steps of fewer samples, one step of many, or values that change less along the second axis;
* T is not known, and the samples have the shape of images [N, C, H, W], which have no axis of time: the warning asks for
  the number of steps that they are to be shown. Training, which takes [N, T, ...], asks so, too, where T is 1.

Time is the axis along which values change less from one place to the next: steps of one sample are alike, neighbouring
samples are not. Where that is the first axis by a margin, nothing is said at all.

No warning follows where the layout is stated.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, Snn2hwWarning, UsageError

TN, NT = "TN", "NT"
_AXES = {TN: ("[T, N, ...]", "step", "sample"), NT: ("[N, T, ...]", "sample", "step")}
SEVERAL = 2  # samples, from which on they could be steps
MANY = 16  # steps of fewer samples, or samples of a single step, from which on that is worth a word
ALIKE = 0.7  # of the change along one axis, below which the change along another says that this one is time
CHANNELS = {1: "gray", 3: "colour"}  # of images
SIDE = 4  # pixels, from which on two axes can be height and width
LOOKED_AT, FEATURES = 64, 1024  # places of both axes, and values of each, that are looked at


def arranged(x: npt.NDArray[Any], layout: str | None, *, static: bool) -> npt.NDArray[Any]:
    """Samples as [T, N, ...] where they are temporal, without a copy.

    Args:
        x: as they were given. layout: "TN", "NT", or None where nobody says.
        static: whether they are [N, ...], to be shown T times, so that they have no axis of time.

    Raises:
        UsageError: another layout, or one for static samples. ShapeError: too few axes to have a layout.
    """
    check_layout(layout, static=static)
    if layout is None:
        return x
    if x.ndim < 2:
        raise ShapeError(
            "temporal samples need the axes of steps and samples",
            where="samples",
            got=str(list(x.shape)),
            expected=f"[{layout[0]}, {layout[1]}, ...]",
            do="give steps and samples an axis each, of one sample, too",
        )
    return np.swapaxes(x, 0, 1) if layout == NT else x


def check_layout(layout: str | None, *, static: bool) -> None:
    """Refuse what is no layout, and one of static samples, which have no axis of time.

    Raises:
        UsageError: so it is.
    """
    if layout not in (None, TN, NT):
        raise UsageError(
            "unknown layout",
            where="layout",
            got=repr(layout),
            expected=f"{TN!r} for [T, N, ...], {NT!r} for [N, T, ...]",
            do="name one of these, or leave it out",
        )
    if layout is not None and static:
        raise UsageError(
            "samples that are shown T times have no axis of time",
            where="layout",
            got=f"layout={layout!r}",
            expected="none: the samples are [N, ...]",
            do="leave layout out, or steps where the samples are temporal",
        )


def read_as(x: npt.NDArray[Any], layout: str | None, steps: int | None, *, static: bool, stacklevel: int) -> npt.NDArray[Any]:
    """`arranged`, with a warning where nobody said which axis is time and the other reading is as likely.

    Args:
        x, layout, static: as in `arranged`.
        steps: T, where the network says. stacklevel: of the warning, 1 for whoever calls this.
    """
    if layout is not None or static or x.ndim < 2:
        return arranged(x, layout, static=static)
    if (warning := _against(x, steps)) is not None:
        warnings.warn(warning, stacklevel=stacklevel + 1)
    return x


def _against(x: npt.NDArray[Any], steps: int | None) -> Snn2hwWarning | None:
    """What speaks against the reading [T, N, ...]; None where nothing does, or where the values speak for it."""
    t, n, *each = x.shape
    if 0 in x.shape or (steps is not None and not t == n == steps):  # of another T there is an error
        return None
    images = steps is None and like_images(x.shape)
    first, second = _changes(x) if min(t, n) > 1 else (1.0, 1.0)
    if first < ALIKE * second:
        return None
    if images:
        return without_time(x.shape, TN)
    cause = _other_way(t, n, steps, values=second < ALIKE * first)
    tn, nt = f"{_number(t, 'step')} of {_number(n, 'sample')} {each}", f"{_number(t, 'sample')} of {_number(n, 'step')}"
    return ambiguous(x.shape, (TN, tn), (NT, nt), cause) if cause else None


def _other_way(t: int, n: int, steps: int | None, *, values: bool) -> str:
    """Why t steps of n samples could be n steps of t samples; empty where nothing says so.

    Args:
        steps: T, where the network says. values: whether they say that the second axis is time.
    """
    if n < SEVERAL:
        return ""
    if t == 1:
        return "a single step of many samples is seldom meant" if n >= MANY else ""
    if steps is not None:
        return "there are as many samples as steps, so that both readings fit"
    if values:
        return "the values change less along the second axis than along the first"
    return "there are more steps than samples" if t > n and t >= MANY else ""


def like_images(shape: Sequence[int]) -> bool:
    """Whether samples of this shape could be images [N, C, H, W] as well as [T, N, ...] or [N, T, ...]."""
    return len(shape) == 4 and shape[1] in CHANNELS and min(shape[2:]) >= SIDE


def without_time(shape: Sequence[int], layout: str) -> Snn2hwWarning:
    """The warning that an axis is taken as time of samples that seem to have none.

    Args:
        shape: of what was given. layout: that it is taken in, which nobody stated.
    """
    images, (axes, *each) = like_images(shape), _AXES[layout]
    read = " of ".join(_number(n, what) for n, what in zip(shape[:2], each, strict=True))
    shown = "images [N, C, H, W]" if images else "static samples [N, ...]"
    return Snn2hwWarning(
        "the samples look like images, but an axis of theirs is taken as time"
        if images
        else "the samples have a single step: no neuron ever uses the state that it keeps",
        where="samples",
        got=f"{list(shape)}, taken as {axes}: {read}",
        expected=f'steps=T for {shown}, each shown T times; layout="{layout}" for this',
        cause=f"the second axis has {shape[1]}, as that of {CHANNELS[shape[1]]} images has"
        if images
        else "nobody said how many steps there are, so that they are the second axis",
        do="give steps (--steps on the command line), or state the layout",
    )


def _changes(x: npt.NDArray[Any]) -> tuple[float, float]:
    """How much values change from one place to the next, along the first and the second axis."""
    some = np.asarray(x[:LOOKED_AT, :LOOKED_AT])
    flat = some.reshape(*some.shape[:2], -1)[..., :FEATURES].astype(np.float64)
    first, second = (np.abs(np.diff(flat, axis=axis)) for axis in (0, 1))
    return float(first.mean()), float(second.mean())


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n > 1)}"


def ambiguous(shape: Sequence[int], taken: tuple[str, str], other: tuple[str, str], cause: str) -> Snn2hwWarning:
    """The warning that names both readings.

    Args:
        shape: of what was given. taken, other: a layout, and what it makes of the shape, in words.
        cause: why that was worth a word.
    """
    return Snn2hwWarning(
        "the samples could be meant the other way about: nobody said which axis is time",
        where="samples",
        got=f"{list(shape)}, taken as {_AXES[taken[0]][0]}: {taken[1]}",
        expected=f'layout="{taken[0]}" for this; layout="{other[0]}" for {_AXES[other[0]][0]}: {other[1]}',
        cause=cause,
        do="state the layout (--layout on the command line)",
    )


def other_reading(shape: tuple[int, ...], steps: int) -> str:
    """What to do where [T, N, ...] has another T than the network's and [N, T, ...] has the right one; else empty."""
    if len(shape) < 2 or shape[1] != steps or shape[0] == steps:
        return ""
    return f'give layout="NT" (--layout NT) where they are [N, T, ...]: {shape[0]} samples of {steps} steps'
