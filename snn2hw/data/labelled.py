"""What every data set offers beside (sample, label)."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import Dataset

from snn2hw.errors import UsageError, ValueRangeError

Transform: TypeAlias = Callable[[Tensor], Tensor]
MOST = 1 << 28  # numbers of a sample: 1 GiB in float32


def sized(shape: Sequence[int], where: str) -> tuple[int, ...]:
    """The shape of a sample that a computer can hold.

    Args:
        shape: as steps, sizes and bands were asked for. where: the data set, for messages.

    Raises:
        ValueRangeError: more than MOST numbers.
    """
    if (numbers := prod(shape)) > MOST:
        raise ValueRangeError(
            "a sample would be absurdly large",
            where=where,
            got=f"{list(shape)}, {numbers:,} numbers",
            expected=f"at most {MOST:,}",
            do="ask for fewer steps, less time, or a smaller size",
        )
    return tuple(shape)


class Samples(Dataset[tuple[Tensor, int]], ABC):
    """A torch Dataset: `self[i]` is (sample float32 [*shape], label int); it is picklable, so DataLoader workers may read it.

    A DataLoader makes [N, *shape] of it. Temporal samples begin with T, so a model of `snn2hw.nn` takes
    `batch.transpose(0, 1)`; static ones are shown T times with `snn2hw.nn.repeat`.

    Attributes:
        shape: of one sample: [C, H, W] where static, [T, ...] where temporal.
        steps: T, or None where static.
        classes: their names; a label is an index into them.
        labels: int64 [len(self)].
        transform: applied to every sample, such as those of `snn2hw.data.augment`.
    """

    shape: tuple[int, ...]
    steps: int | None
    classes: tuple[str, ...]
    labels: Tensor
    transform: Transform | None = None

    @property
    def static(self) -> bool:
        """Whether a sample is one image, to be shown at every step."""
        return self.steps is None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        at = range(len(self))[index]  # counts from the end where negative; IndexError outside
        sample = self.sample(at)
        return sample if self.transform is None else self.transform(sample), int(self.labels[at])

    def part(self, places: Sequence[int] | Tensor | npt.NDArray[Any]) -> Part:
        """The samples of these indices, in this order. What takes the place of a sample that is passed over is one of them, too:
        two parts without a common index never show the same sample, as torch's `Subset` may.

        Args:
            places: whole numbers, in a list, an array or a tensor [n]; they count from the end where negative.

        Raises:
            UsageError: something else, such as a mask. ValueRangeError: an index outside of the set.
        """
        return Part(self, _indices(places, len(self)))

    def first(self, places: Iterable[int]) -> tuple[Tensor, int]:
        """The sample of the first index; where samples are passed over, of the first that can be read."""
        return self[next(iter(places))]

    @abstractmethod
    def sample(self, index: int) -> Tensor:
        """The sample of this index, 0 <= index < len(self), not transformed; float32 of `shape`, not to be written to."""


class Part(Samples):
    """Some samples of a set, made by `Samples.part`.

    Args:
        whole: the set. places: indices of it, from 0 on.
    """

    def __init__(self, whole: Samples, places: list[int]) -> None:
        self.whole, self.places = whole, places
        self.shape, self.steps, self.classes, self.labels = whole.shape, whole.steps, whole.classes, whole.labels[self.places]

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.first(from_there_on(range(len(self))[index], len(self)))

    def first(self, places: Iterable[int]) -> tuple[Tensor, int]:
        """As of the whole set, among these."""
        return self.whole.first(self.places[k] for k in places)

    def sample(self, index: int) -> Tensor:
        """Of the whole set."""
        return self.whole.sample(self.places[index])


def _indices(places: Any, length: int) -> list[int]:
    """Indices of a set of this length, from 0 on. Arguments and errors as of `Samples.part`.

    A mask is refused: its True and False would be taken for the indices 1 and 0.
    """
    given = places.tolist() if isinstance(places, Tensor | np.ndarray) else places
    try:
        found = [operator.index(place) for place in given if not isinstance(place, bool | np.bool_)]
        listed = len(found) == len(given) and not isinstance(given, str | bytes)
    except TypeError:
        listed = False
    if not listed:
        raise UsageError(
            "a part of a data set is asked for by something else than indices",
            where="part",
            got=f"{type(places).__name__} {str(given)[:60]}",
            expected=f"whole numbers of 0..{length - 1}, in a list, an array or a tensor of one axis",
            do="of a mask, pass its indices: numpy.flatnonzero(mask)",
        )
    if outside := [place for place in found if not -length <= place < length]:
        raise ValueRangeError(
            "a part of a data set is asked for by an index that it has not",
            where="part",
            got=str(outside[0]),
            expected=f"0..{length - 1}" if length else "no index: the set is empty",
            do="take the length of this set",
        )
    return [place % length for place in found]


def from_there_on(index: int, length: int) -> Iterator[int]:
    """The indices of a list from this one on, after the last one those before it."""
    return ((index + later) % length for later in range(length))
