"""Thirty models of three frameworks, converted, compiled and held against their own forward: `python -m tests.conversion.zoo`."""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import snn2hw
from snn2hw.conversion.frameworks import framework_of
from snn2hw.conversion.run import has_state
from snn2hw.data import task
from snn2hw.errors import Snn2hwError, Snn2hwWarning

PIXELS, SIGNAL, IMAGES, EVENTS = "pixels", "signal", "images", "events"
EXECUTORS = ("reference", "fast", "onnxruntime", "onnx-reference", "torch")
FRAMEWORKS = ("snntorch", "spikingjelly", "norse")
CLASSES = 10
LIVELY = 0.05  # the least share of neurons that fire in a step


@dataclass(frozen=True)
class Model:
    """One of the thirty.

    Args:
        name, framework: for people. data: PIXELS that fire by chance [T, N, 64], a SIGNAL [T, N, 8],
            static IMAGES [N, 1, 8, 8], EVENTS [T, N, 2, 16, 16]. make: the model, with random weights.
        stepwise: whether its forward takes one step. states: how many it takes and returns; without, it keeps them itself.
        shown: whether it takes all steps, of a static image all alike.
        layout: what it takes. left_out: what follows the output in the forward, and is no part of the converted model.
    """

    name: str
    framework: str
    data: str
    make: Callable[[], nn.Module]
    stepwise: bool = False
    states: int = 0
    shown: bool = False
    layout: str = "TN"
    left_out: Callable[[Tensor], Tensor] = lambda y: y

    @property
    def shows(self) -> bool:
        """Whether `convert` must be told T."""
        return self.data == IMAGES and (self.stepwise or self.shown)

    @property
    def static(self) -> bool:
        """Whether samples are [N, ...]."""
        return self.data == IMAGES


@dataclass(frozen=True)
class Shown:
    """What came of a model.

    Args:
        name: and whose it is, and what its weights are. layers: with state. equal, total: spikes.
        outputs: whether all outputs are those of the framework. compared, differing: integers of all executors.
        agreement: the share of samples of which integers and floats predict the same.
        tie: the first difference, where there is one.
    """

    name: str
    layers: int
    equal: int
    total: int
    tie: str
    outputs: bool
    compared: int
    differing: int
    agreement: float
    seconds: float


def models(framework: str, steps: int = 50) -> list[Model]:
    """The ten of a framework, which is imported here.

    Args:
        framework: one of FRAMEWORKS. steps: T of those models that have it in them.
    """
    found: list[Model] = importlib.import_module(f"tests.conversion.zoo_{framework}").models(steps)
    return found


def data(kind: str, split: str, steps: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Real scans of digits, and their labels [N]; as one of the kinds of samples that `Model` names.

    Args:
        split: train, test. steps: T. count: N. seed: which scans, and what fires by chance.
    """
    draw = torch.Generator().manual_seed(seed)
    given = task({EVENTS: "digits-events", SIGNAL: "digits-sequential"}.get(kind, "digits"), split)
    some = torch.randperm(len(given), generator=draw)[:count]
    x, labels = given.samples[some], given.labels[some]
    if kind == IMAGES:
        return x, labels
    if kind == PIXELS:
        x = x.flatten(1)
        return (torch.rand((steps, *x.shape), generator=draw) < x).float(), labels
    return x.transpose(0, 1)[torch.arange(steps) % x.shape[1]], labels


def theirs(model: Model, module: nn.Module, x: Tensor, steps: int) -> Tensor:
    """The output of the framework's own forward: [T, N, ...], or [N, ...] where the model gives that.

    Args:
        x: as `data` gives it.
    """
    for own in module.modules():
        reset = getattr(own, "reset_mem", None) or (getattr(own, "reset", None) if framework_of(own) else None)
        if reset is not None and has_state(own):
            reset()
    if not model.stepwise:
        if model.shown:
            x = x.unsqueeze(0).repeat(steps, *[1] * x.ndim)
        out = _first(module(x.transpose(0, 1) if model.layout == "NT" else x))
        turned = model.layout == "NT" and out.ndim > 2 and out.shape[1] == steps
        return out.transpose(0, 1) if turned else out
    states: tuple[Any, ...] = ()
    record = []
    for t in range(steps):
        result = module(x if model.static else x[t], *states)
        states = tuple(result[1:]) if model.states else ()
        record.append(_first(result))
    return torch.stack(record)


def _first(result: Any) -> Tensor:
    out: Tensor = result[0] if isinstance(result, tuple) else result
    return out


@torch.no_grad()
def enliven(model: Model, module: nn.Module, x: Tensor, steps: int) -> None:
    """Random weights are made larger, layer by layer, until neurons behind them fire."""
    order = [(path, m) for path, m in module.named_modules() if has_state(m) or isinstance(m, nn.Linear | nn.Conv2d)]
    behind: list[nn.Module] = []
    fired: list[Tensor] = []
    for _, layer in order:
        if not has_state(layer):
            behind.append(layer)
            continue
        weights = [p for m in behind for p in m.parameters() if p.ndim > 1]
        weights += [p for n, p in layer.named_parameters() if n.endswith("input_weights")]
        hook = layer.register_forward_hook(lambda _m, _x, result: fired.append(_first(result)))
        for _ in range(10):
            fired.clear()
            theirs(model, module, x, steps)
            if float(torch.stack(fired).mean()) > LIVELY:
                break
            for p in weights:
                p *= 1.6
        hook.remove()
        behind = []


def trained(model: Model, module: nn.Module, seed: int, updates: int = 40, steps: int = 10) -> None:
    """Some seconds of training, of the framework's own neurons through the framework's own surrogates."""
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(module.parameters(), lr=3e-3)
    module.train()
    for update in range(updates):
        x, labels = data(model.data, "train", steps, 32, seed + update)
        out = theirs(model, module, x, steps)
        out = out.mean(0) if out.ndim > 2 else out
        logits = out.reshape(len(labels), CLASSES, -1).mean(2)
        loss = nn.functional.cross_entropy(logits * (4.0 if logits.detach().abs().max() <= 1 else 1.0), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()


def prepared(model: Model, weights: str, steps: int, count: int, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """A model with "random" or "trained" weights, and samples for it."""
    torch.manual_seed(seed)
    module = model.make().eval()
    x, _ = data(model.data, "test", steps, count, seed)
    enliven(model, module, x, steps)
    if weights == "trained":
        trained(model, module, seed)
    return module, x


def show(model: Model, weights: str, steps: int = 50, count: int = 8, executors: tuple[str, ...] = EXECUTORS) -> Shown:
    """Convert a model, hold it against its own forward, compile it, and verify the integers on all executors."""
    began = time.perf_counter()
    module, x = prepared(model, weights, steps, count)
    given = x.transpose(0, 1) if model.layout == "NT" else x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)
        converted = snn2hw.convert(module, given, steps=steps if model.shows else None, layout=_said(model))
        found = converted.conversion.comparison
        everywhere = x.unsqueeze(0).repeat(steps, *[1] * x.ndim) if model.static else x
        with torch.no_grad():
            same = torch.equal(model.left_out(converted(everywhere)), theirs(model, module, x, steps))
        artefact = snn2hw.compile(converted, x.numpy(), steps=steps if model.static else None)
        verdict = snn2hw.verify(artefact, x.numpy(), executors=executors)
        told = snn2hw.evaluate(artefact, x.numpy(), model=converted)
    compared = sum(verdict.compared.values())
    return Shown(
        f"{model.framework}: {model.name}, {weights}", len(found.layers), found.equal, found.total,
        str(found.first or ""), same, compared, sum(verdict.different.values()), told.same_prediction,
        time.perf_counter() - began,
    )  # fmt: skip


def _said(model: Model) -> str | None:
    return "NT" if model.layout == "NT" else None


def rows(steps: int, count: int, only: str = "") -> Iterator[Shown | str]:
    """Of all models with both kinds of weights; where one is refused, its message."""
    for framework in FRAMEWORKS:
        for model in models(framework, steps):
            for weights in ("random", "trained"):
                name = f"{model.framework}: {model.name}, {weights}"
                if only not in name:
                    continue
                try:
                    yield show(model, weights, steps, count)
                except Snn2hwError as error:
                    yield f"{name}: {error}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| model | layers | spikes equal | of | outputs | integers compared | differing | same prediction | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    done: list[Shown] = []
    for row in rows(given.steps, given.samples, given.only):
        if isinstance(row, str):
            print(row, flush=True)
            continue
        done.append(row)
        outputs = "equal" if row.outputs else "DIFFER"
        print(
            f"| {row.name} | {row.layers} | {row.equal:,} | {row.total:,} | {outputs} | {row.compared:,} | {row.differing}"
            f" | {100 * row.agreement:.0f} % | {row.seconds:.0f} | {row.tie}", flush=True,
        )  # fmt: skip
    agreement = np.mean([r.agreement for r in done]) if done else 0.0
    print(
        f"{len(done)} models; {sum(r.equal for r in done):,} of {sum(r.total for r in done):,} spikes equal, outputs equal in"
        f" {sum(r.outputs for r in done)}; {sum(r.compared for r in done):,} integers compared, {sum(r.differing for r in done)}"
        f" differ; same prediction {100 * agreement:.1f} %"
    )


if __name__ == "__main__":
    main()
