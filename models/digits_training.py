"""How the digits models are trained: cross-entropy on the mean logits of four steps, AdamW, one cosine, shifted images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import digits_data
import torch
from digits_progress import reporter
from torch import Tensor

from snn2hw import nn

STEPS = 4
BATCH = 96
LEARNING_RATE = 6e-3
WEIGHT_DECAY = 1e-2
LABEL_SMOOTHING = 0.05
SHIFTED = 0.3  # the share of images moved by up to a pixel; the scans fill their frame, so moving more cuts digits off
COEFFICIENT_PENALTY = 1e-2  # keeps learned polynomials near where they started, and so bounded over the state range

Build = Callable[[], torch.nn.Module]


@dataclass(frozen=True)
class Epoch:
    """Means over the training samples of one epoch (number from 1): loss, and accuracy in 0..1 while it was training."""

    number: int
    loss: float
    accuracy: float

    def __str__(self) -> str:
        return f"epoch {self.number:2d}  loss {self.loss:.4f}  accuracy {self.accuracy:.4f}"


def train(build: Build, seed: int, epochs: int, progress: bool = True) -> tuple[torch.nn.Module, list[Epoch]]:
    """A trained model in eval mode (weights of the last epoch) and its history; the test split is never read.

    Args:
        build: makes the untrained model, [T, N, 1, 8, 8] -> [T, N, 10].
        seed: of weights, order and shifts; the same seed gives the same weights on the same CPU and torch.
        epochs: passes over the 1437 training samples.
        progress: a bar on a terminal, else a line every five epochs; nothing where False.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    images, labels = digits_data.load("train")
    return fit(build, images, labels, seed, epochs, progress)


def fit(
    build: Build, images: Tensor, labels: Tensor, seed: int, epochs: int, progress: bool = True
) -> tuple[torch.nn.Module, list[Epoch]]:
    """`train` on given images float32 [N, 1, 8, 8] and labels int64 [N], N at least one batch."""
    history: list[Epoch] = []
    with _seeded(seed), reporter(epochs, progress) as report:
        model = build().train()
        optimiser = torch.optim.AdamW(_groups(model), lr=LEARNING_RATE)
        batches = len(labels) // BATCH
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=epochs * batches, pct_start=0.15)
        for number in range(1, epochs + 1):
            loss_sum, right = 0.0, 0
            for chosen in torch.randperm(len(labels))[: batches * BATCH].reshape(batches, BATCH):
                logits = model(nn.repeat(_shifted(images[chosen]), STEPS)).mean(0)
                loss = torch.nn.functional.cross_entropy(logits, labels[chosen], label_smoothing=LABEL_SMOOTHING)
                optimiser.zero_grad()
                torch.autograd.backward(loss + COEFFICIENT_PENALTY * nn.coefficient_penalty(model))
                optimiser.step()
                schedule.step()
                loss_sum += loss.item()
                right += int((logits.argmax(1) == labels[chosen]).sum())
            history.append(Epoch(number, loss_sum / batches, right / (batches * BATCH)))
            report(str(history[-1]))
    return model.eval(), history


@torch.no_grad()
def accuracy(model: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    """Fraction of images [N, 1, 8, 8] whose largest mean logit is at their label [N]; leaves the model in eval mode."""
    logits = model.eval()(nn.repeat(images, STEPS)).mean(0)
    return float((logits.argmax(1) == labels).double().mean())


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """One thread: sums then have one order on every machine, and tensors this small gain little from two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _groups(model: torch.nn.Module) -> list[dict[str, object]]:
    """Weight decay for weights; none for biases, norms and neurons."""
    decayed = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    rest = [p for p in model.parameters() if not any(p is d for d in decayed)]
    return [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}]


def _shifted(images: Tensor) -> Tensor:
    """A share of the images moved by -1, 0 or 1 pixels down and across, zeros moving in."""
    n, size = len(images), images.shape[-1]
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))[:, 0]
    start = torch.where(torch.rand(n, 1) < SHIFTED, torch.randint(0, 3, (2, n, 1)), 1)
    down, across = start + torch.arange(size)
    return padded[torch.arange(n)[:, None, None], down[:, :, None], across[:, None, :]][:, None]
