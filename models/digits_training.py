"""How the digits models are trained: cross-entropy on the mean logits of four steps, AdamW, one cosine, shifted images."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import digits_data
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor

from snn2hw import nn

STEPS = 4
BATCH = 96
LEARNING_RATE = 6e-3
WEIGHT_DECAY = 1e-2
COEFFICIENT_PENALTY = 1e-2  # keeps learned polynomials near where they started, and so bounded over the state range

Build = Callable[[], torch.nn.Module]
Report = Callable[["Epoch"], None]


@dataclass(frozen=True)
class Epoch:
    """Means over the training samples of one epoch (number from 1): loss, and accuracy in 0..1 on the shifted images."""

    number: int
    loss: float
    accuracy: float


def train(build: Build, seed: int, epochs: int, progress: bool = True) -> tuple[torch.nn.Module, list[Epoch]]:
    """A trained model in eval mode (weights of the last epoch) and what was seen on the way; the test split is not read.

    Args:
        build: makes the untrained model, [T, N, 1, 8, 8] -> [T, N, 10].
        seed: of weights, order and shifts; the same seed gives the same weights on the same CPU, torch and thread count.
        epochs: passes over the 1437 training samples.
        progress: a bar on a terminal, else one line every five epochs; nothing where False.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    images, labels = digits_data.load("train")
    return fit(build, images, labels, seed, epochs, progress)


def fit(build: Build, images: Tensor, labels: Tensor, seed: int, epochs: int, progress: bool) -> tuple[torch.nn.Module, list[Epoch]]:
    """`train` on given images [N, 1, 8, 8] and labels [N]."""
    history: list[Epoch] = []
    with torch.random.fork_rng(devices=[]), _reporter(epochs, progress) as report:
        torch.manual_seed(seed)
        model = build().train()
        start = {name: p.detach().clone() for name, p in _coefficients(model).items()}
        decayed = [p for p in model.parameters() if p.ndim > 1 and not any(p is c for c in _coefficients(model).values())]
        rest = [p for p in model.parameters() if not any(p is d for d in decayed)]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=LEARNING_RATE)
        batches = len(labels) // BATCH
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=epochs * batches, pct_start=0.15)
        for number in range(1, epochs + 1):
            loss_sum, right, seen = 0.0, 0, 0
            order = torch.randperm(len(labels))
            for chosen in order[: batches * BATCH].split(BATCH):
                logits = model(nn.repeat(_shifted(images[chosen]), STEPS)).mean(0)
                loss = torch.nn.functional.cross_entropy(logits, labels[chosen], label_smoothing=0.05)
                away = sum(((p - start[name]) ** 2).sum() for name, p in _coefficients(model).items())
                optimiser.zero_grad()
                (loss + COEFFICIENT_PENALTY * away).backward()
                optimiser.step()
                schedule.step()
                loss_sum += loss.item() * len(chosen)
                right += int((logits.argmax(1) == labels[chosen]).sum())
                seen += len(chosen)
            history.append(Epoch(number, loss_sum / seen, right / seen))
            report(history[-1])
    return model.eval(), history


@torch.no_grad()
def accuracy(model: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    """Fraction of images [N, 1, 8, 8] whose largest mean logit is at their label [N]."""
    logits = model.eval()(nn.repeat(images, STEPS)).mean(0)
    return float((logits.argmax(1) == labels).double().mean())


def _coefficients(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    return {name: m.a for name, m in model.named_modules() if isinstance(m, nn.LNM)}


def _shifted(images: Tensor) -> Tensor:
    """Each image moved by -1, 0 or 1 pixels down and across, zeros moving in."""
    n, size = len(images), images.shape[-1]
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))[:, 0]
    down, across = torch.randint(0, 3, (2, n, 1)) + torch.arange(size)
    return padded[torch.arange(n)[:, None, None], down[:, :, None], across[:, None, :]][:, None]


@contextlib.contextmanager
def _reporter(epochs: int, progress: bool) -> Iterator[Report]:
    if not progress:
        yield lambda epoch: None
    elif not sys.stdout.isatty():
        yield lambda epoch: print(_line(epoch, epochs), flush=True) if epoch.number % 5 == 0 or epoch.number == epochs else None
    else:
        columns = (TextColumn("training"), BarColumn(), TextColumn("{task.fields[line]}"), TimeElapsedColumn())
        with Progress(*columns) as bar:
            task = bar.add_task("training", total=epochs, line="")
            yield lambda epoch: bar.update(task, advance=1, line=_line(epoch, epochs))


def _line(epoch: Epoch, epochs: int) -> str:
    return f"epoch {epoch.number:3d}/{epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}"
