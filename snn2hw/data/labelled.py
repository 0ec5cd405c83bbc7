"""What every data set offers beside (sample, label)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor
from torch.utils.data import Dataset

Transform: TypeAlias = Callable[[Tensor], Tensor]


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

    @abstractmethod
    def sample(self, index: int) -> Tensor:
        """The sample of this index, 0 <= index < len(self), not transformed; float32 of `shape`, not to be written to."""
