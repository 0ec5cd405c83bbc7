"""Two trainings, one after the other: of the floats, then of the integers; what is kept are the integers, as floats.

The loss of both is that of `snn2hw.train` (cross-entropy of the mean logits, penalties of learned polynomials) and, with a
weight, the mean magnitude of what the neurons fire: a circuit whose work follows its events is faster and cooler the fewer
there are.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from beginnings import begin_with
from torch import Tensor
from torch.nn.functional import cross_entropy, grid_sample, interpolate

from snn2hw import Options, nn
from snn2hw.nn.observe import Observable
from snn2hw.quantize import Prepared, prepare
from snn2hw.quantize.neuron import QuantisedNeuron
from snn2hw.train import Recipe, optimiser, schedule, seeded
from snn2hw.train.threads import one_thread

NONE, ALL = 2.0**-60, 1 - 2.0**-20  # decays that compile to 0 and 1, whose own logits are infinite
FIELD = 5  # points of a random field along a side; between them it is interpolated

Say = Callable[[str], None]
_TRAINED = torch.nn.Linear | torch.nn.Conv2d | nn.Neuron | nn.CustomNeuron


@dataclass(frozen=True)
class Plan:
    """What decides the weights but the seed.

    Args:
        build: makes the untrained model. steps: T of static samples, None where samples are [T, N, ...].
        options: widths of the integers.
        floats, integers: recipes of the two trainings; balance and mix of them are not used, and of amp only "bf16".
        quiet: weight of the mean magnitude of what neurons fire.
        short: (T, recipe) of a float training at fewer steps before the others, which costs less; None: there is none.
        simpler: (build, recipe) of another model that is trained in floats before: of its state dict the model begins with what
            it has under the same names.
        calibration: how many of the first samples scales are taken of.
    """

    build: Callable[[], torch.nn.Module]
    steps: int | None
    options: Options
    floats: Recipe
    integers: Recipe
    quiet: float = 0.0
    short: tuple[int, Recipe] | None = None
    simpler: tuple[Callable[[], torch.nn.Module], Recipe] | None = None
    calibration: int = 256

    def shown(self, samples: Tensor) -> Tensor:
        """The samples that scales are taken of."""
        return samples[: self.calibration] if self.steps else samples[:, : self.calibration]


def train(plan: Plan, samples: Tensor, labels: Tensor, seed: int, say: Say = print) -> torch.nn.Module:
    """The model in evaluation mode; compiled with the options of the plan, its weights become the integers that were trained.

    The same seed gives the same weights on the same CPU with the same torch; one thread is used.

    Args:
        plan: see there. samples: [N, ...], or [T, N, ...] where the plan has no steps. labels: int64 [N].
        seed: of weights, order and augmentation. say: is told of each epoch.
    """
    with one_thread(), seeded(seed):
        model = plan.build()
        if plan.simpler is not None:
            build, recipe = plan.simpler
            before = build()
            _fit(before, plan, recipe, samples, labels, say)
            begin_with(model, before)
        if plan.short is not None:
            _fit(model, replace(plan, steps=plan.short[0]), plan.short[1], samples, labels, say)
        _fit(model, plan, plan.floats, samples, labels, say)
        return _on_integers(plan, model, samples, labels, say)


def again(plan: Plan, model: torch.nn.Module, samples: Tensor, labels: Tensor, seed: int, say: Say = print) -> torch.nn.Module:
    """A model that is trained already, after a training on integers as the plan has it; arguments as of `train`."""
    with one_thread(), seeded(seed):
        return _on_integers(plan, model, samples, labels, say)


def _on_integers(plan: Plan, model: torch.nn.Module, samples: Tensor, labels: Tensor, say: Say) -> torch.nn.Module:
    layout = None if plan.steps else "TN"
    prepared = prepare(model.eval(), plan.shown(samples), steps=plan.steps, options=plan.options, layout=layout)
    _fit(prepared, plan, plan.integers, samples, labels, say)
    return deployed(model, prepared)


@torch.no_grad()
def deployed(model: torch.nn.Module, prepared: Prepared) -> torch.nn.Module:
    """`model` with the integers of `prepared` times their scales, of which `snn2hw.compile` makes the same integers again.

    So the same network comes out, spike for spike, where no dynamics are learned. A learned decay is stored as its integer, too,
    but how products with it are rounded is decided anew; of a learned polynomial the floats are stored, and all of it is decided
    anew. Their states may differ in the last bits, and, seldom, a spike.

    What a BatchNorm did is in the integers of the layer before it, so that it does nothing any more but add the bias where
    that layer has none of its own; it is the next module in the model's order.
    """
    left = torch.zeros(1)  # the bias of a layer that has none of its own
    for path, module in model.named_modules():
        layer: Any = prepared.layers[path.replace(".", "/")] if isinstance(module, _TRAINED) else None
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            assert not left.any(), "no BatchNorm keeps the bias of the layer before"
            weight, bias = (torch.from_numpy(raw) for raw in layer.integers())
            module.weight.copy_(weight / layer.weight_scale)
            left = bias / layer.bias_scale
            if module.bias is not None:
                module.bias.copy_(left)
                left = torch.zeros(1)
        elif isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.reset_parameters()
            assert module.running_var is not None
            module.running_var.fill_(1 - module.eps)
            module.bias.copy_(left.expand_as(module.bias))
            left = torch.zeros(1)
        elif isinstance(module, nn.Neuron | nn.CustomNeuron):
            module.load_state_dict(layer.neuron.state_dict())
            if isinstance(module, nn.Neuron) and 1 in module.learned_degrees and "w" in module._parameters:
                module.w.copy_(torch.logit(_decay(layer).clamp(NONE, ALL)))
    assert not left.any(), "no BatchNorm keeps the bias of the last layer"
    return model.eval()


def _decay(layer: QuantisedNeuron) -> Tensor:
    """What the integer of a learned decay stands for, [1 or C]; the float that was trained may be rounded to another one."""
    name, moving = next((n, m) for n, m in layer.layer.constants.moving.items() if m.degree == 1)
    return layer.now().raw[name] * 2.0**-moving.frac


def bent(images: Tensor) -> Tensor:
    """Images [N, C, S, S] turned, scaled, slanted, moved and bent a little, each its own way; values stay in [0, 1]."""
    n, size = len(images), images.shape[-1]
    turn, slant, right, down = (_between(n, -reach, reach) for reach in (0.2, 0.18, 0.08, 0.08))
    wide, high = (_between(n, 0.9, 1.12) for _ in range(2))
    cos, sin = turn.cos(), turn.sin()
    rows = torch.stack([wide * cos, slant - high * sin, right, wide * sin, high * cos, down], 1)
    weights = torch.cat([rows.reshape(n, 2, 3), 0.06 * torch.randn(n, 2, FIELD**2)], 2)
    grid = (weights @ _places(size)).reshape(n, 2, size, size).permute(0, 2, 3, 1)
    return grid_sample(images, grid, align_corners=False).clamp(0, 1)


@cache
def _places(size: int) -> Tensor:
    """[3 + FIELD**2, size * size]: column, row and 1 of each pixel, in -1..1, and how much it follows each point of the field."""
    line = (torch.arange(size) + 0.5) * 2 / size - 1
    plane = torch.stack([line.expand(size, size), line[:, None].expand(size, size), torch.ones(size, size)])
    points = torch.eye(FIELD**2).reshape(1, FIELD**2, FIELD, FIELD)
    field = interpolate(points, (size, size), mode="bicubic", align_corners=True)[0]
    return torch.cat([plane, field]).flatten(1)


def _between(n: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(n)


def _fit(model: torch.nn.Module, plan: Plan, recipe: Recipe, samples: Tensor, labels: Tensor, say: Say) -> None:
    axis = 0 if plan.steps else 1
    batches = len(labels) // recipe.batch
    optim, share = optimiser(model.train(), recipe), schedule(recipe, recipe.epochs * batches)
    rates = torch.optim.lr_scheduler.LambdaLR(optim, share)
    begun = time.perf_counter()
    with _fired(model) as fired:
        for epoch in range(1, recipe.epochs + 1):
            total, right, events = 0.0, 0, 0.0
            for chosen in torch.randperm(len(labels))[: batches * recipe.batch].split(recipe.batch):
                x, y = samples.index_select(axis, chosen), labels[chosen]
                if recipe.augment is not None:
                    x = recipe.augment(x)
                fired.clear()
                with torch.autocast("cpu", torch.bfloat16, enabled=recipe.amp == "bf16"):
                    logits = (_shown(model, x, plan.steps) if plan.steps else model(x)).mean(0)
                magnitude = torch.stack([p.abs().mean() for p in fired]).mean()
                loss = cross_entropy(logits, y, label_smoothing=recipe.label_smoothing) + plan.quiet * magnitude
                loss = loss + recipe.coefficient_penalty * nn.coefficient_penalty(model)
                loss = loss + recipe.range_penalty * nn.range_penalty(model)
                optim.zero_grad()
                torch.autograd.backward(loss)
                if recipe.clip is not None:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
                optim.step()
                rates.step()
                total += float(loss.detach())
                right += int((logits.argmax(1) == y).sum())
                events += float(magnitude.detach())
            if epoch % 10 == 0 or epoch == recipe.epochs or batches > 100:
                seconds = time.perf_counter() - begun
                of = f"epoch {epoch:3d}  loss {total / batches:.4f}  right {right / batches / recipe.batch:.4f}"
                say(f"{of}  fired {events / batches:.3f}  {seconds:.0f} s")
    model.eval()


def _shown(model: torch.nn.Module, images: Tensor, steps: int) -> Tensor:
    """Logits [T, N, classes]; what is the same at every step, the layers before the first neuron, is computed once."""
    if not isinstance(model, torch.nn.Sequential):
        return model(nn.repeat(images, steps))  # type: ignore[no-any-return]
    first = next(k for k, layer in enumerate(model) if isinstance(layer, Observable))
    still = model[:first](images[None])
    logits: Tensor = model[first:](still.expand(steps, *still.shape[1:]))
    return logits


@contextlib.contextmanager
def _fired(model: torch.nn.Module) -> Iterator[list[Tensor]]:
    """What the neuron layers of the model gave in its forwards since the list was emptied."""
    found: list[Tensor] = []
    layers = [m for m in model.modules() if isinstance(m, Observable)]
    inner = {id(below) for m in layers for below in m.modules() if below is not m}
    hooks = [m.register_forward_hook(lambda m, x, y: found.append(y)) for m in layers if id(m) not in inner]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
