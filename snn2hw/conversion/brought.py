"""Models of other frameworks where a model of `snn2hw.nn` is wanted: converted on a part of the sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from snn2hw.conversion.convert import Converted, convert
from snn2hw.conversion.frameworks import framework_of
from snn2hw.conversion.run import NT
from snn2hw.errors import Snn2hwError

FEW = 16  # samples are enough to follow a forward, and to compare some hundred thousand spikes


def is_foreign(model: torch.nn.Module) -> bool:
    """Whether a model has modules of snnTorch, SpikingJelly or Norse."""
    return any(framework_of(m) is not None for m in model.modules())


def brought(
    model: torch.nn.Module, sample: npt.NDArray[Any], steps: int | None, layout: str | None = None
) -> tuple[Converted, npt.NDArray[Any], int | None, str | None]:
    """A converted model, the sample as it takes it ([T, N, ...] or, static, [N, ...]), then T, and the layout it was given in.

    Args:
        model: of another framework. sample, steps, layout: as in `convert`.
    """
    made = _converted(model, sample, steps, layout)
    found = made.conversion
    if found.static:
        return made, sample, found.steps, None
    if found.layout == NT or (layout == NT and steps is None):
        return made, np.swapaxes(sample, 0, 1), None, NT
    return made, sample, None, layout


def _converted(model: torch.nn.Module, sample: npt.NDArray[Any], steps: int | None, layout: str | None) -> Converted:
    """On a few samples, or, where the forward needs another number of them, on all."""
    few = [sample[:FEW]] if steps is not None or layout == NT else [sample[:, :FEW]]
    failed: Snn2hwError | None = None
    for some in (*few, sample):
        try:
            return convert(model, some, steps=steps, layout=layout)
        except Snn2hwError as error:
            failed = failed or error
            if some.shape == sample.shape:
                break
    assert failed is not None
    raise failed
