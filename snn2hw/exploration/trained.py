"""A choice of widths, trained for a few epochs on the integers that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.errors import UsageError
from snn2hw.exploration.digest import Counted, digest
from snn2hw.exploration.given import Explored, check_calibration, check_covered
from snn2hw.formats.sample import stored_or_array
from snn2hw.ir.layout import TN, read_as
from snn2hw.verification.batches import Samples

if TYPE_CHECKING:
    import torch

    from snn2hw.exploration.point import Setting
    from snn2hw.train import Recipe

RATE = 1e-3  # the highest learning rate: the float training is the warm-up


@dataclass(frozen=True, eq=False)
class Training:
    """What all choices are trained on, from the same start and in the same order.

    Args:
        model: of `snn2hw.nn`, trained in floats. samples: [N, ...] where `steps` says T, else [T, N, ...]. labels: classes [N].
        steps, input_range: as in `snn2hw.compile`.
    """

    model: torch.nn.Module
    samples: Samples
    labels: npt.NDArray[Any]
    steps: int | None
    input_range: tuple[float, float] | None

    def recipe(self, epochs: int) -> Recipe:
        """How it is trained."""
        from snn2hw.train import Recipe

        return Recipe(epochs=epochs, learning_rate=RATE, guard="off")

    def head(self) -> dict[str, str]:
        """What results of trained choices depend on besides: for the first line of a results file."""
        import torch

        from snn2hw.exploration.module_facts import module_facts

        return {
            "training": digest([Counted(self.samples.opened(), self.axis), self.labels]),
            "trained": digest([module_facts(self.model), self.steps, self.input_range]),
            "recipe": digest(self.recipe(1)),
            "torch": torch.__version__,
        }

    @property
    def axis(self) -> int:
        """Along which samples are counted."""
        return 0 if self.steps is not None else 1

    def compiled(self, setting: Setting, sample: npt.NDArray[Any]) -> Artefact:
        """The integers behind the training, which one thread does: sums over several are others in their last bits.

        Args:
            setting: the widths and the epochs. sample: calibration samples, as the network takes them.
        """
        import torch

        from snn2hw.exploration.train_data import TrainData
        from snn2hw.quantize import prepare
        from snn2hw.train import fit
        from snn2hw.train.threads import one_thread

        layout = None if self.steps is not None else TN
        with torch.random.fork_rng(devices=[]), one_thread():
            prepared = prepare(
                self.model, sample, setting.target, steps=self.steps, options=setting.options, input_range=self.input_range,
                layout=layout,
            )  # fmt: skip
            data, recipe = TrainData(self.samples, self.axis, self.labels), self.recipe(setting.epochs)
            fit(prepared, data, steps=self.steps, recipe=recipe, device="cpu", progress=False)
            return api.compile(prepared.eval(), sample, layout=layout)


def training_of(given: Explored, data: Any, input_range: tuple[float, float] | None) -> Training:
    """What is trained on, checked.

    Args:
        given: the model, and the samples that are measured. data: (samples, labels), samples in the same layout.
        input_range: as in `snn2hw.compile`.

    Raises:
        UsageError: no torch model, or no samples with classes that fit. ValueRangeError: samples beyond the range that the
            calibration samples ask for, those that are measured among them.
    """
    if not hasattr(given.model, "state_dict"):
        raise UsageError(
            "only a torch model can be trained on its integers", where="epochs", got=type(given.model).__name__,
            expected="a torch.nn.Module of snn2hw.nn", do="give the model itself, or epochs=0",
        )  # fmt: skip
    if data is None:
        raise UsageError(
            "there is nothing to train on", where="train", got="none", expected="(samples, labels)",
            do="give train=(samples, labels), others than those that are measured",
        )  # fmt: skip
    static = given.network.input.static
    x, y = read_as(stored_or_array(data[0]), given.said, given.network.steps, static=static, stacklevel=3), np.asarray(data[1])
    each, other = ((*a.shape[: given.axis], *a.shape[given.axis + 1 :]) for a in (x, given.x))
    fits = x.ndim == given.x.ndim and each == other
    if not fits or y.ndim != 1 or y.dtype.kind not in "iu" or x.shape[given.axis] != len(y):
        raise UsageError(
            "samples and labels of the training do not fit",
            where="train",
            got=f"{list(x.shape)}, labels {list(y.shape)} of {y.dtype}",
            expected=f"samples as those that are measured, {list(given.x.shape)}, and a class for each",
            do="give train=(samples, labels) in the same form",
        )
    check_calibration(given, input_range)
    check_covered(given.network, x, given.steps, "train")
    return Training(given.model, Samples.of(x, given.axis), y, given.steps, input_range)
