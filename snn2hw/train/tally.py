"""Sums over the batches of an epoch, kept on the device until somebody asks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from snn2hw.errors import Snn2hwWarning, ValueRangeError
from snn2hw.nn.bernstein import SHARE
from snn2hw.nn.observe import Seen
from snn2hw.nn.polynomial_neurons import LearnedPolynomial
from snn2hw.train.recipe import CALMER, Recipe

HALF = 0.5
PLACES = 129  # of the state range at which a polynomial is looked at


class Tally:
    """Loss and right predictions of all batches, balance and firing rates of those observed, weighted by their samples."""

    def __init__(self, device: torch.device) -> None:
        self.samples = self.observed = 0
        self._loss, self._balance, self._right = torch.zeros(3, dtype=torch.float64, device=device)
        self._rates: dict[str, Tensor] = {}

    def add(self, loss: Tensor, balance: Tensor | None, logits: Tensor, labels: Tensor, seen: Seen) -> None:
        """One batch: its mean loss, its balance, logits [N, classes], labels [N], and what was observed of its layers.

        Args:
            loss, balance: scalars; no balance where nobody looked. seen: by path of the layer, of which the rates [T] are added
                up.
        """
        n = len(labels)
        self.samples += n
        self._loss += n * loss.detach()
        self._right += (logits.detach().argmax(1) == labels).sum()
        if balance is None:
            return
        self.observed += n
        self._balance += n * balance.detach()
        for path, layer in seen.items():
            rate = n * layer.rate.detach().mean()
            self._rates[path] = self._rates[path] + rate if path in self._rates else rate

    @property
    def loss(self) -> float:
        """Mean over the samples so far."""
        return float(self._loss) / self.samples

    @property
    def balance(self) -> float:
        """Mean over the samples observed so far."""
        return float(self._balance) / max(self.observed, 1)

    @property
    def accuracy(self) -> float:
        """Share of right predictions so far."""
        return float(self._right) / self.samples

    @property
    def rates(self) -> dict[str, float]:
        """Mean firing rate of each layer so far, in spikes per neuron and step."""
        return {path: float(rate) / self.observed for path, rate in self._rates.items()}

    def __str__(self) -> str:
        rates = self.rates
        return f"loss {self.loss:.4f}  accuracy {self.accuracy:.4f}  rate {sum(rates.values()) / max(len(rates), 1):.3f}"


def stop_if_undefined(loss: Tensor, seen: Seen, where: str) -> None:
    """No membrane observed is NaN, and the loss is finite.

    Args:
        seen: by path, what was observed of a layer in this batch. loss: its scalar. where: epoch and batch, for
            messages.

    Raises:
        ValueRangeError: not so; the first layer and step at fault are named, and what helps.
    """
    for path, layer in seen.items():
        if not layer.finite:
            step = int(layer.undefined.gt(0).int().argmax())
            raise ValueRangeError(
                "the training diverged: membranes are no numbers any more",
                where=f"{path or 'the model itself'}, step {step}, {where}",
                got=f"{float(layer.undefined[step]):.0%} NaN",
                expected="numbers",
                do=f"train with {CALMER}",
            )
    if not bool(torch.isfinite(loss)):
        raise ValueRangeError(
            "the training diverged",
            where=where,
            got=f"a loss of {loss.item()}",
            expected="a finite loss",
            do=f"train with {CALMER}",
        )


def guard_bounds(
    model: torch.nn.Module, seen: Seen, recipe: Recipe, warned: set[str], where: str, *, untrained: bool = False
) -> None:
    """Warn, once per layer, or stop, as the recipe says, where more than half of a layer's membranes are at a bound of their
    range: what stays there passes no gradient, and all of them look alike to the layer behind.

    Args:
        model: where a remedy is looked for. seen: by path, what was observed of a layer in this batch.
        recipe: its `guard`. warned: marks of the warnings given, added to. where: epoch and batch.
        untrained: no step was taken yet, so that the model came like this: it may work like this, and no training refuses it.

    Raises:
        ValueRangeError: where the recipe says "stop", but for what came like this.
    """
    if recipe.guard == "off":
        return
    for path, layer in seen.items():
        share, step = (float(v) for v in layer.saturated.max(0))
        mark = f"{path} at a bound"
        if share <= HALF or mark in warned:
            continue
        parts = {
            "where": f"{path or 'the model itself'}, step {int(step)}, {where}",
            "got": f"{share:.1%} at a bound of the state range, more than half",
            "expected": "at most half of them",
            "do": _calming(model, path, recipe, untrained),
        }
        what = "the membranes of a layer have left their range"
        if recipe.guard == "stop" and not untrained:
            raise ValueRangeError(what, **parts)
        warned.add(mark)
        warnings.warn(Snn2hwWarning(what, **parts), stacklevel=5)


def _calming(model: torch.nn.Module, path: str, recipe: Recipe, untrained: bool) -> str:
    """What helps: a learned polynomial that has left is held back by its penalty; elsewhere less input helps, or more room.

    The penalty keeps a polynomial from leaving; one that has left comes back too slowly, and may well work where it is.
    """
    layers = dict(model.named_modules())
    layer = layers.get(path) or layers[path.rsplit("#", maxsplit=1)[0]]
    learned = [m for m in layer.modules() if isinstance(m, LearnedPolynomial)]
    if any(map(_has_left, learned)):
        more = max(1.0, 10 * recipe.range_penalty)
        if untrained:
            again = f"train it from its first weights with Recipe(range_penalty={more:g})"
            return f'{again}, or go on with guard="off" where it works as it is'
        return f"train with Recipe(range_penalty={more:g}), which is {recipe.range_penalty:g} now, from the same weights again"
    return "widen its state_range, or put a BatchNorm before it" + ("" if learned else " and lower its decay")


@torch.no_grad()
def _has_left(neuron: LearnedPolynomial) -> bool:
    """Whether learning took P, somewhere in the state range, beyond SHARE of it: else it is the input that drives membranes."""
    lo, hi = neuron.state_range
    powers = torch.linspace(lo, hi, PLACES).double()[:, None] ** torch.arange(neuron.a.shape[1])
    now, before = (powers @ a.detach().double().cpu().T for a in (neuron.coefficients, neuron.start))
    beyond = (now > SHARE * hi) | (now < SHARE * lo)
    return bool((beyond & ((now - before).abs() > (1 - SHARE) * max(abs(lo), abs(hi)))).any())


def warn_of_silence(rates: Mapping[str, float], warned: set[str], epoch: int) -> None:
    """Warn, once per layer, of those that did not fire in a whole epoch; their names are added to `warned`.

    Args:
        rates: by path of the layer, the share of spike values in the epoch that are not 0. epoch: its number.
    """
    for path in [p for p, rate in rates.items() if rate == 0 and p not in warned]:
        warned.add(path)
        warnings.warn(
            Snn2hwWarning(
                "a layer is silent: nothing behind it can be learned from the input",
                where=f"{path}, epoch {epoch}",
                got="not one spike in the whole epoch: no membrane reached its threshold",
                expected="a firing rate above 0",
                do="lower its threshold, put a BatchNorm before it, raise its decay, or widen its surrogate",
            ),
            stacklevel=4,
        )
