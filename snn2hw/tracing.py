"""A user's torch model as a float network; one of another framework is converted first."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from snn2hw.errors import MissingExtraError, ShapeError, Snn2hwError, UsageError
from snn2hw.formats.sample import input_node, stored_or_array
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.layout import read_as
from snn2hw.ir.network import Network

if TYPE_CHECKING:
    import torch

    from snn2hw.conversion.convert import Converted


def convert(
    model: torch.nn.Module,
    sample: npt.ArrayLike | None = None,
    *,
    steps: int | None = None,
    layout: str | None = None,
    output: int | None = None,
) -> Converted:
    """A trained model of snnTorch, SpikingJelly or Norse as a model of `snn2hw.nn`, which trains on and compiles.

    The model runs on the sample once, as it is, whether its forward loops over T, takes one step and
    returns its states, or takes all steps; what every step does alike becomes a model on [T, N, ...].
    Then all spikes of both are compared: `print(converted.conversion)` says how many are equal. The
    user's model is not changed; both share their parameters, so that training one trains the other.

    Args:
        model: with its weights. Its states begin anew for this, and are afterwards as they were.
        sample: real samples as the model is given them: [T, N, ...], [N, T, ...], or [N, ...] of static
            ones that the model shows T times by itself or that `steps` says are shown T times.
        steps: T of static samples, for models whose forward takes one step or all steps.
        layout: "TN" or "NT": what the sample is, where the model takes one step or both orders.
        output: which of the tensors that the forward returns is the output, counted from 0; by default
            the one that is no state of a neuron.

    Raises:
        Snn2hwError: what has no exact meaning here, by its name and line; a sample that the model does
            not take; a model whose spikes come out differently, with layer, step, neuron and both values.

    Warns:
        Snn2hwWarning: spikes differ, from a tie within float32's rounding on; or the model takes one step
            or all steps, so that nothing but `layout` says which axis of the sample is time, and [N, T, ...]
            is as likely as [T, N, ...], which is taken.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("torch", "torch", "converting a torch model")
    from snn2hw.conversion.convert import convert as converted

    made = converted(model, sample, steps=steps, layout=layout, output=output)
    if made.conversion.assumed and sample is not None:
        read_as(stored_or_array(sample), layout, None, static=False, stacklevel=2)
    return made


def trace_model(
    model: torch.nn.Module,
    sample: npt.ArrayLike,
    steps: int | None = None,
    input_range: tuple[float, float] | None = None,
    layout: str | None = None,
) -> Network:
    """The float network of a torch model: its equations, before anything is quantised.

    Arguments as those of `compile`; `sample` is [N, ...] where the input is static, else [T, N, ...].

    Raises:
        MissingExtraError: torch is not installed. Snn2hwError: what `compile` refuses of a model, as an error of the same class.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("torch", "torch", "reading a torch model")
    from snn2hw.formats.torch.read import from_torch

    ours = as_ours(model, stored_or_array(sample), steps, layout, stacklevel=2)
    source, t = input_node(ours.x, ours.steps, input_range)
    try:
        return from_torch(ours.model, source, t)
    except ShapeError as error:
        raise _with_reading(error, ours.x.shape, ours.steps) from error


@dataclass(frozen=True, eq=False)
class Ours:
    """A model of `snn2hw.nn`, and a sample as it takes it.

    Args:
        model: the model; what was given, or what was made of it. x: the sample, [N, ...] where `steps` says T, else [T, N, ...].
        layout: in which the sample was given, as it was said or as the model itself tells; None where neither does.
        facts: what the manifest says of a conversion.
    """

    model: Any
    x: npt.NDArray[Any]
    steps: int | None
    layout: str | None
    facts: Mapping[str, Any]


def as_ours(model: Any, x: npt.NDArray[Any], steps: int | None, layout: str | None, stacklevel: int) -> Ours:
    """A model of another framework as one of ours, and the sample as that takes it.

    Args:
        model: of torch. x: the sample as it was given. steps: T of static ones. layout: as in `snn2hw.compile`.
        stacklevel: of a warning that asks for the layout, 1 for whoever calls this.
    """
    if "torch" not in sys.modules or not _is_module(model):
        return Ours(model, read_as(x, layout, None, static=steps is not None, stacklevel=stacklevel + 1), steps, layout, {})
    from snn2hw.conversion.brought import brought, is_foreign
    from snn2hw.formats.torch.wrapped import unwrapped

    model = unwrapped(model)
    _refuse_prepared(model)
    found = brought(model, x, steps, layout) if is_foreign(model) else _written_out(model, x, steps, layout)
    if found is None:
        return Ours(model, read_as(x, layout, None, static=steps is not None, stacklevel=stacklevel + 1), steps, layout, {})
    made, taken, steps, given_in = found
    told = made.conversion
    if told.assumed:
        read_as(x, layout, None, static=False, stacklevel=stacklevel + 1)
    counts = {"framework": told.framework, "spikes": told.comparison.total, "equal": told.comparison.equal}
    return Ours(made, taken, steps, given_in, {"converted": {**counts, "notes": list(told.notes)}})


def check_stated(network: Network | IntegerNetwork, steps: int | None, input_range: tuple[float, float] | None) -> None:
    """What is stated beside a network is what the network says itself.

    Args:
        network: knows its steps and its input. steps, input_range: as in `snn2hw.compile`.

    Raises:
        UsageError: other steps, or a range, which would change nothing.
    """
    if steps not in (None, network.steps):
        raise UsageError(
            "the network has another number of steps",
            got=f"steps={steps}",
            expected=f"steps={network.steps}",
            do="leave steps out",
        )
    if input_range is not None:
        raise UsageError(
            "the network has the range of its input already",
            got=f"input_range={input_range}",
            expected="none",
            do="leave input_range out; it is for a torch model that is compiled or prepared",
        )


def _refuse_prepared(model: Any) -> None:
    from snn2hw.quantize.model import Prepared, is_prepared

    if isinstance(model, Prepared):
        raise is_prepared(model)


def _written_out(
    model: torch.nn.Module, x: npt.NDArray[Any], steps: int | None, layout: str | None
) -> tuple[Converted, npt.NDArray[Any], int | None, str | None] | None:
    """What `brought` makes of a model that writes its neurons out in its forward; None where it has ours, or none.

    Args:
        model, x, steps, layout: as `as_ours` takes them.
    """
    from snn2hw.conversion.brought import brought
    from snn2hw.conversion.written import Written
    from snn2hw.formats.torch.read import from_torch
    from snn2hw.nn.base import Neuron
    from snn2hw.nn.custom import CustomNeuron

    if any(isinstance(m, Neuron | CustomNeuron) for m in model.modules()):
        return None
    try:
        from_torch(model, *input_node(x, steps, None))
    except Snn2hwError:  # of the forward, or of the sample, about which the caller is told later
        try:
            found = brought(model, x, steps, layout)
        except Snn2hwError:
            return None
        return found if any(isinstance(m, Written) for m in found[0].modules()) else None
    return None


def _is_module(model: object) -> bool:
    return isinstance(model, sys.modules["torch"].nn.Module)


def _with_reading(error: ShapeError, shape: tuple[int, ...], steps: int | None) -> ShapeError:
    """A layer that a sample does not fit: how the sample was read is the first thing to look at."""
    each = list(shape[2 if steps is None else 1 :])
    if steps is None:
        reading = f"the sample {list(shape)} was read as [T, N, ...]: {shape[0]} steps of {shape[1]} samples {each}"
        other = "give steps=T (--steps T) where it is [N, ...], static samples to be shown T times"
    else:
        reading = f"the sample {list(shape)} was read as [N, ...]: {shape[0]} samples {each}, each shown {steps} times"
        other = "leave out steps where it is [T, N, ...], temporal samples"
    got, do = (f"{error.got}; {reading}" if error.got else reading), (f"{error.do}; {other}" if error.do else other)
    return ShapeError(error.what, where=error.where, got=got, expected=error.expected, do=do)
