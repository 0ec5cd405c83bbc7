"""Where a training computes, and in which precision."""

from __future__ import annotations

import torch

from snn2hw.errors import UsageError, ValueRangeError
from snn2hw.train.recipe import CALMER, Recipe

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def device(name: str | torch.device) -> torch.device:
    """A device that is here, by its name; "auto": CUDA where there is one, else the CPU.

    Raises:
        UsageError: unknown, or not here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:  # an assertion: torch without CUDA
        raise UsageError(
            "this device cannot be used",
            where="fit(device)",
            got=f"{str(name)!r}: {str(error).splitlines()[0]}",
            expected="'auto', 'cpu', or a device of this machine such as 'cuda:0'",
            do="pass device='auto'",
        ) from error


class Precision:
    """Autocast of the forward pass and, for fp16, scaling of the loss; nothing of both where amp is "off".

    Raises:
        UsageError: fp16 on another device than CUDA.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        if recipe.amp == "fp16" and device.type != "cuda":
            raise UsageError(
                "fp16 needs a CUDA device",
                where="Recipe(amp)",
                got=f"'fp16' on {device}",
                expected="'off' or 'bf16' there",
                do="pass amp='bf16'",
            )
        self.autocast = torch.autocast(device.type, TYPES.get(recipe.amp), enabled=recipe.amp != "off")
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.amp == "fp16")

    def step(self, loss: torch.Tensor, optimiser: torch.optim.Optimizer, clip: float | None, where: str) -> None:
        """One optimiser step down the gradient of the loss, which is clipped to a norm where one is given.

        Args:
            loss: a scalar. optimiser: whose parameters are clipped together. clip: largest L2 norm of their gradient,
                None: any.
            where: epoch and batch, for messages.

        Raises:
            ValueRangeError: the gradient is not finite; the parameters stay as they are. fp16 scales down and goes on instead.
        """
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.unscale_(optimiser)
        parameters = [p for g in optimiser.param_groups for p in g["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, torch.inf if clip is None else clip)
        if not self.scaler.is_enabled() and not bool(norm.isfinite()):
            raise ValueRangeError(
                "the training diverged",
                where=where,
                got=f"a gradient of norm {norm.item()}",
                expected="a finite gradient",
                do=f"train with {CALMER}",
            )
        self.scaler.step(optimiser)
        self.scaler.update()
