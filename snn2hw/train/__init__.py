"""Training: a torch model, labelled data and a recipe enter; trained weights and a history leave.

One loop has everything a spiking network needs, in parts that a loop of one's own can take.

Raises:
    MissingExtraError: torch or safetensors is not installed.
"""

from __future__ import annotations

from snn2hw.errors import MissingExtraError

try:
    import safetensors as _safetensors  # noqa: F401  (asked for here, so that its absence is said once and clearly)
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as missing:
    if missing.name not in ("torch", "safetensors"):
        raise
    raise MissingExtraError(missing.name, "torch", "snn2hw.train") from missing

from snn2hw.train.evaluation import evaluate
from snn2hw.train.fitting import fit
from snn2hw.train.history import Epoch, Fitted
from snn2hw.train.optimisers import optimiser, schedule
from snn2hw.train.recipe import Recipe
from snn2hw.train.seeds import seeded

__all__ = ["Epoch", "Fitted", "Recipe", "evaluate", "fit", "optimiser", "schedule", "seeded"]
