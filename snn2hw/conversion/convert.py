"""`convert`: a model of another framework as one of `snn2hw.nn`, with its weights and, shown on a sample, its spikes."""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx

from snn2hw.arguments import one_of
from snn2hw.conversion.compare import Comparison, compared
from snn2hw.conversion.emit import Emitter
from snn2hw.conversion.frameworks import unmatched
from snn2hw.conversion.outputs import LAST, MEAN, SUM, Output, chosen, outputs_of
from snn2hw.conversion.ranges import fit, neurons_in, seen, widen
from snn2hw.conversion.refusals import Sample
from snn2hw.conversion.rolled import Node, Rolled
from snn2hw.conversion.run import NT, TN, Run, is_layer, run
from snn2hw.conversion.times import ONE
from snn2hw.conversion.written import Region, regions
from snn2hw.errors import ShapeError, Snn2hwWarning, UnsupportedError, UsageError
from snn2hw.formats.sample import samples_array
from snn2hw.formats.torch.layers import check_untouched
from snn2hw.formats.torch.wrapped import in_evaluation, unwrapped
from snn2hw.nn.readout import Membrane, Readout
from snn2hw.nn.recurrent import Recurrent
from snn2hw.run.forks import one_torch_thread

_WEIGHTED = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d)


ROUNDED = 2.0**-14  # of the largest output: sums of many float32
_WHOLE_CHANNELS = (torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d)


@dataclass(frozen=True)
class Conversion:
    """What `convert` found out of a model.

    Args:
        framework: whose layers with state it has; "torch" where it has none.
        steps: T on the sample. static: whether the model shows a sample T times, so that samples are [N, ...].
        layout: "TN" where the model itself takes [T, N, ...], "NT" for [N, T, ...]; the converted one takes [T, N, ...].
        comparison: of all spikes on the sample.
        notes: what was left out, in sentences.
        assumed: whether nothing in the forward says that the first axis is time.
    """

    framework: str
    steps: int
    static: bool
    layout: str
    comparison: Comparison
    notes: tuple[str, ...] = ()
    assumed: bool = False

    def __str__(self) -> str:
        shown = f"each sample shown for {self.steps} steps" if self.static else f"{self.steps} steps"
        taken = "" if self.static or self.layout == TN else "; the model takes [N, T, ...], the converted one [T, N, ...]"
        lines = [f"converted from {self.framework}: {self.comparison} ({shown}{taken})", *self.notes]
        return "\n".join(lines)


class Converted(fx.GraphModule):
    """A model on [T, N, ...] that shares the user's parameters; `conversion` says how it was found to be the same."""

    conversion: Conversion


def convert(
    model: torch.nn.Module,
    sample: npt.ArrayLike | Tensor | None = None,
    *,
    steps: int | None = None,
    layout: str | None = None,
    output: int | None = None,
) -> Converted:
    """A foreign model as one of `snn2hw.nn`. Arguments, errors and warnings as `snn2hw.convert`, which calls it.

    Args:
        model, sample, steps, layout, output: see there.
    """
    one_torch_thread()
    model = unwrapped(model)
    if is_layer(model):
        model = torch.nn.Sequential(model)
    if sample is None:
        raise UsageError(
            "a model is converted by running it on a sample",
            where=type(model).__name__,
            got="no sample",
            expected="real samples as the model is given them",
            do="give sample=x, some of the test set",
        )
    if layout is not None:
        one_of("layout", layout, (TN, NT), "convert")
    for path, module in model.named_modules():
        if is_layer(module):
            check_untouched(module, f"{path or 'the model itself'} ({type(module).__name__})")
    model, note = _single_precision(model)
    found = run(model, Sample(_tensor(sample, model), steps, layout))
    with torch.no_grad():
        return _converted(model, found, output, note)


def _single_precision(model: torch.nn.Module) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """The model, or a copy in float32 of one in other numbers, in which the frameworks' own states do not run; and a word."""
    kinds = {p.dtype for p in model.parameters() if p.is_floating_point()} - {torch.float32}
    if not kinds:
        return model, ()
    told = " and ".join(sorted(str(k).removeprefix("torch.") for k in kinds))
    return copy.deepcopy(model).float(), (f"Its weights are {told}: this is a copy in float32, with parameters of its own.",)


def _tensor(sample: Any, model: torch.nn.Module) -> Tensor:
    """The sample in the kind of number and on the device of the model's parameters."""
    first = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    values = sample if isinstance(sample, Tensor) else torch.from_numpy(np.array(samples_array(sample)))
    if values.ndim < 2:
        raise ShapeError(
            "a sample has an axis of samples, and behind it what one sample is",
            where=type(model).__name__,
            got=str(list(values.shape)),
            expected="[T, N, ...], or [N, ...] of static samples",
            do="add the axis: x[:, None] where it is one sample of T steps",
        )
    return values.to(device=first.device, dtype=first.dtype)


def _converted(model: torch.nn.Module, found: Run, output: int | None, notes: tuple[str, ...]) -> Converted:
    rolled = Rolled(found.calls, found.times, list(found.neurons))
    out = chosen(outputs_of(found, rolled), output, type(model).__name__)
    for path, row in found.neurons.items():
        if row.layer is not model.get_submodule(path):  # a neuron of snn2hw.nn keeps its ranges
            widen(row.layer)
    emitter = Emitter(rolled, model, found.neurons, regions(rolled, [out.edge]))
    last = _end(emitter, out)
    emitter.graph.output(last)
    made = Converted({**emitter.modules, **emitter.attributes}, emitter.graph, class_name=f"Converted{type(model).__name__}")
    made.training = model.training
    comparison, result = _compare(made, found, {path: rolled.nodes[r.leaving] for path, r in emitter.written.items()})
    made.conversion = _told(found, out, comparison, notes, emitter.written)
    _check(made.conversion)
    if comparison.first is None:  # what follows a tie differs with it
        _check_output(out, result, type(model).__name__)
    return made


def _end(emitter: Emitter, out: Output) -> fx.Node:
    node = emitter.edge(out.edge)
    if out.kind in (SUM, MEAN):
        return emitter.graph.call_method("sum" if out.kind == SUM else "mean", (node, 0))
    return emitter.graph.call_function(operator.getitem, (node, -1)) if out.kind == LAST else node


def _compare(made: Converted, found: Run, written: Mapping[str, Node]) -> tuple[Comparison, Tensor]:
    """All spikes of both models and what ours returns; the ranges of the states follow from the run.

    Args:
        made: ours. found: the run of the user's. written: neurons that are written out in the forward, by path.
    """
    ours, entering, layers = dict[str, Tensor](), dict[str, Tensor](), dict[str, torch.nn.Module]()
    hooks = [made.get_submodule(path).register_forward_hook(_step_by_step) for path in _of_single_steps(made, found)]
    for path in (*found.neurons, *written):
        if not _holds(made, path):
            continue  # it is called, but nothing that leaves the model depends on it
        whole = made.get_submodule(path)
        layers[path] = _neuron(whole)

        def keep(module: torch.nn.Module, args: Any, result: Tensor, path: str = path) -> None:
            ours[path] = _of_steps(result, args[0])

        def look(module: torch.nn.Module, args: Any, result: Tensor, path: str = path) -> None:
            entering[path] = args[0]

        hooks.append(layers[path].register_forward_hook(look))
        hooks.append(whole.register_forward_hook(keep))
    try:
        with in_evaluation(made):
            result: Tensor = made(found.entering)
    finally:
        for hook in hooks:
            hook.remove()
    for path, layer in layers.items():
        if path in written or found.neurons[path].layer is not found.model.get_submodule(path):
            fit(layer, seen(layer, entering[path]))
    theirs = {path: _written(written[path]) if path in written else _theirs(found, path, layer) for path, layer in layers.items()}
    for path in layers:
        for read in (m for m in made.get_submodule(path).modules() if isinstance(m, Readout)):
            ours[path], theirs[path] = read(ours[path])[None], theirs[path][None]  # of all steps one value leaves it
    return compared(theirs, ours, entering, layers), result


def _of_single_steps(made: torch.nn.Module, found: Run) -> list[str]:
    """The layers of weights that the user's model calls for one step: a product of more rows adds its floats in another order."""
    weighted = [path for path, m in made.named_modules() if isinstance(m, _WEIGHTED)]
    return [p for p in weighted if any(found.times[c.results[0]].axes == ONE for c in found.calls_of(p))]


def _step_by_step(layer: torch.nn.Module, args: Any, result: Tensor) -> Tensor:
    return torch.cat([layer.forward(args[0][t : t + 1]) for t in range(len(args[0]))])


def _holds(made: torch.nn.Module, path: str) -> bool:
    return path in dict(made.named_modules())


def _neuron(layer: torch.nn.Module) -> torch.nn.Module:
    """The neuron, or the recurrent layer around it, in what a layer with state became."""
    return next((m for m in layer.modules() if isinstance(m, Recurrent)), None) or next(iter(neurons_in(layer)), layer)


def _theirs(found: Run, path: str, layer: torch.nn.Module) -> Tensor:
    """What a layer of the user's model gave, [T, N, C, ...]: its spikes, or the state that is used of it."""
    row = found.neurons[path]
    place = 1 + row.states.index(layer.state) if isinstance(layer, Membrane) else 0
    calls = found.calls_of(path)
    given = [c.results[place].tensor for c in calls]
    return _of_steps(given[0], calls[0].entering[0].tensor) if row.whole else torch.stack(given)


def _of_steps(value: Tensor, entering: Tensor) -> Tensor:
    """[T, N, ...]; what a layer made over T, [N, ...], as a single step."""
    return value if value.ndim == entering.ndim else value[None]


def _written(node: Node) -> Tensor:
    steps = sorted(t for t in node.calls if t is not None)
    return torch.stack([node.calls[t].results[0].tensor.to(torch.float32) for t in steps])


def _told(found: Run, out: Output, comparison: Comparison, before: tuple[str, ...], written: Mapping[str, Region]) -> Conversion:
    notes = [*before]
    notes += [
        f"{path} is written out at {region.line}; it trains with the default surrogate." for path, region in written.items()
    ]
    for path in found.neurons:
        if name := unmatched(found.model.get_submodule(path)):
            notes.append(f"{path} trains with the default surrogate: its own, {name}, has no counterpart.")
    if out.softmax:
        notes.append("A softmax at the end is left out: it changes no prediction.")
    for path, module in found.model.named_modules():
        if isinstance(module, _WHOLE_CHANNELS):
            notes.append(f"{path} ({type(module).__name__}) drops single values, not channels, where the converted model trains.")
    unused = [p for p in found.neurons if p not in comparison.layers]
    if unused:
        notes.append(f"Nothing that leaves the model depends on {', '.join(unused)}: left out.")
    return Conversion(
        framework=found.framework,
        steps=found.times.sizes.steps or 0,
        static=found.static,
        layout=NT if found.swapped else TN,
        comparison=comparison,
        notes=tuple(notes),
        assumed=found.assumed,
    )


def _check_output(out: Output, result: Tensor, model: str) -> None:
    """What leaves is the same, but for the order in which floats are added."""
    given, size = out.given.to(result), float(out.given.abs().max()) if out.given.numel() else 0.0
    apart = float((given - result).abs().max()) if given.shape == result.shape and given.numel() else 0.0
    if given.shape != result.shape or apart > ROUNDED * max(size, 1.0):
        shapes = f"{list(result.shape)} for {list(given.shape)}"
        raise UnsupportedError(
            "the converted model does not return what the model returns",
            where=model,
            got=shapes if given.shape != result.shape else f"values up to {apart:.2g} apart, of up to {size:.2g}",
            expected="the same values, but for the rounding of float32",
            do="return the logits of every step; a small model that shows the difference helps us to correct this",
        )


def _check(conversion: Conversion) -> None:
    first = conversion.comparison.first
    if first is None:
        return
    parts = {"where": first.layer, "got": f"{conversion.comparison}; first {first}"}
    if not first.tie:
        raise UnsupportedError(
            "the converted model does not do what the model does",
            **parts,
            expected="all spikes equal, but for ties at a threshold",
            do="write the layer as a nn.CustomNeuron; a small model that shows the difference helps us to correct this",
        )
    warnings.warn(
        Snn2hwWarning(
            "some spikes of the converted model differ",
            **parts,
            cause="a membrane meets its threshold within float32's rounding; what follows differs with it",
            do="nothing, where the accuracy is the same; other weights or another threshold have no ties",
        ),
        stacklevel=5,  # whoever calls snn2hw.convert
    )
