"""The recipe of a training: everything but model, data and seed that decides the weights."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

from torch import Tensor

from snn2hw.arguments import between, one_of, positive, whole
from snn2hw.errors import UsageError

OPTIMISERS = ("adamw", "sgd")
CALMER = "a lower learning_rate, a smaller clip, a larger range_penalty, or a longer warmup"
PRECISIONS = ("off", "bf16", "fp16")
GUARDS = ("warn", "stop", "off")

Augment: TypeAlias = Callable[[Tensor], Tensor]
Mix: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Recipe:
    """loss = cross_entropy(mean of the logits over T, labels) + balance * B + coefficient_penalty * C + range_penalty * R,
    one step per batch. B is `nn.balance_loss`, C `nn.coefficient_penalty` and R `nn.range_penalty`.

    Args:
        epochs: passes over the data, at least 1.
        batch: samples in a batch, at least 1.
        optimiser: "adamw" (torch's defaults), or "sgd" with momentum 0.9.
        learning_rate: the highest, > 0; see `schedule`.
        dynamics_rate: factor of the learning rate for coefficients, decays, thresholds, negative amplitudes and surrogate widths
            of neurons: P(u) moves by u**i times what a_i does, and the membrane by that again at every step.
        weight_decay: of weights; biases, norms, neurons and surrogate widths have none.
        warmup: share of all steps, in [0, 1], over which the learning rate rises; a cosine to 0 follows.
        label_smoothing: in [0, 1].
        clip: the largest norm of the gradient of all parameters together; None: any.
        amp: "off", or torch's autocast in "bf16" or "fp16" (CUDA only, with loss scaling); parameters stay float32.
        balance: weight of the positive-negative balance loss, >= 0.
        coefficient_penalty: weight of the penalty on learned coefficients that leave their start, >= 0.
        range_penalty: weight of the same, over the state range: what keeps membranes from its bounds, >= 0.
        augment: a batch [N, ...] (temporal: [N, T, ...]) on the training device to another; draw from torch's own generators.
        mix: (batch, labels [N]) to (batch, soft labels [N, classes]), after augment: mixup and its kin.
        guard: what happens where more than half of a layer's membranes are at a bound of their range: "warn" once per layer,
            "stop", or "off": nobody looks. NaN stops every training. Layers that were there before the first step are warned of
            and stop none. It changes no weight.
        workers: processes that read a Dataset ahead; 0: none.
        drop_last: leave out a last batch that is not full.

    Raises:
        UsageError: an unknown word, or a value of the wrong type. ValueRangeError: a number outside its range.
    """

    epochs: int = 30
    batch: int = 64
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    dynamics_rate: float = 0.1
    weight_decay: float = 1e-2
    warmup: float = 0.1
    label_smoothing: float = 0.0
    clip: float | None = 1.0
    amp: str = "off"
    balance: float = 0.0
    coefficient_penalty: float = 1e-2
    range_penalty: float = 0.1
    augment: Augment | None = None
    mix: Mix | None = None
    guard: str = "warn"
    workers: int = 0
    drop_last: bool = False

    def __post_init__(self) -> None:
        where = "Recipe"
        for name, least in (("epochs", 1), ("batch", 1), ("workers", 0)):
            whole(name, getattr(self, name), least, None, where)
        one_of("optimiser", self.optimiser, OPTIMISERS, where)
        one_of("amp", self.amp, PRECISIONS, where)
        one_of("guard", self.guard, GUARDS, where)
        positive("learning_rate", self.learning_rate, where)
        positive("dynamics_rate", self.dynamics_rate, where)
        for name in ("warmup", "label_smoothing"):
            between(name, getattr(self, name), 0.0, 1.0, where)
        for name in ("weight_decay", "balance", "coefficient_penalty", "range_penalty"):
            between(name, getattr(self, name), 0.0, math.inf, where)
        if self.clip is not None:
            positive("clip", self.clip, where)
        for name in ("augment", "mix"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise UsageError(
                    f"{name} cannot be called",
                    where=where,
                    got=repr(getattr(self, name)),
                    expected="a function, or None",
                    do=f"pass {name}=None or a function of a batch",
                )

    def facts(self) -> dict[str, object]:
        """Every field that decides the weights, as JSON holds it; a function as it prints."""
        return {f.name: _named(getattr(self, f.name)) for f in fields(self) if f.name != "guard"}


USUAL = Recipe()


def _named(value: object) -> object:
    return re.sub(" at 0x[0-9a-fA-F]+", "", repr(value)) if callable(value) else value  # addresses differ from run to run
