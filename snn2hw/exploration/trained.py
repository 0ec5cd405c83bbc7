"""A choice of widths, trained for a few epochs on the integers that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.errors import UsageError
from snn2hw.ir.layout import TN

if TYPE_CHECKING:
    import torch

    from snn2hw.exploration.point import Setting

RATE = 1e-3  # the highest learning rate: the float training is the warm-up


@dataclass(frozen=True, eq=False)
class Training:
    """What all choices are trained on, from the same start and in the same order.

    Args:
        model: of torch, trained in floats. samples: [N, ...] where `steps` says T, else [T, N, ...]. labels: classes [N].
        steps, input_range: as in `snn2hw.compile`.
    """

    model: torch.nn.Module
    samples: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    steps: int | None
    input_range: tuple[float, float] | None

    def compiled(self, setting: Setting, sample: npt.NDArray[Any]) -> Artefact:
        """The integers behind the training.

        Args:
            setting: the widths and the epochs. sample: calibration samples, as the network takes them.
        """
        import torch

        from snn2hw.quantize import prepare
        from snn2hw.train import Recipe, fit

        layout = None if self.steps is not None else TN
        with torch.random.fork_rng(devices=[]):
            prepared = prepare(
                self.model, sample, setting.target, steps=self.steps, options=setting.options, input_range=self.input_range,
                layout=layout,
            )  # fmt: skip
            recipe = Recipe(epochs=setting.epochs, learning_rate=RATE, guard="off")
            data = torch.as_tensor(np.asarray(self.samples, np.float32)), torch.as_tensor(np.asarray(self.labels, np.int64))
            fit(prepared, data, steps=self.steps, layout=layout, recipe=recipe, device="cpu", progress=False)
        return api.compile(prepared.eval(), sample, layout=layout)


def training_of(
    model: Any, data: Any, samples: npt.NDArray[Any], steps: int | None, input_range: tuple[float, float] | None
) -> Training:
    """What is trained on, checked.

    Args:
        model: as `explore` takes it. data: (samples, labels). samples: those that are measured, as the network takes them.
        steps, input_range: as in `snn2hw.compile`.

    Raises:
        UsageError: no torch model, or no samples with classes that fit.
    """
    if not hasattr(model, "state_dict"):
        raise UsageError(
            "only a torch model can be trained on its integers", where="epochs", got=type(model).__name__,
            expected="a torch.nn.Module of snn2hw.nn", do="give the model itself, or epochs=0",
        )  # fmt: skip
    if data is None:
        raise UsageError(
            "there is nothing to train on", where="train", got="none", expected="(samples, labels)",
            do="give train=(samples, labels), others than those that are measured",
        )  # fmt: skip
    x, y = (np.asarray(each) for each in data)
    axis = 0 if steps is not None else 1
    fits = x.ndim == samples.ndim and x.shape[axis + 1 :] == samples.shape[axis + 1 :]
    if not fits or y.ndim != 1 or y.dtype.kind not in "iu" or x.shape[axis] != len(y):
        raise UsageError(
            "samples and labels of the training do not fit",
            where="train",
            got=f"{list(x.shape)}, labels {list(y.shape)} of {y.dtype}",
            expected=f"samples as those that are measured, {list(samples.shape)}, and a class for each",
            do="give train=(samples, labels) in the same form",
        )
    return Training(model, x, y, steps, input_range)
