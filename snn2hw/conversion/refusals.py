"""What is said where a model cannot be run on its sample."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snn2hw.errors import Snn2hwError, UnsupportedError, UsageError
from snn2hw.formats.torch.wrapped import user_line_of


@dataclass(frozen=True)
class Sample:
    """The user's sample, and what was said of it.

    Args:
        values: [N, ...] where `steps` is given, else [T, N, ...], or [N, T, ...] where `layout` is "NT".
        steps: T of static samples; None of temporal ones.
        layout: "TN", "NT", or None where nothing was said.
    """

    values: Tensor
    steps: int | None
    layout: str | None


def no_steps(model: torch.nn.Module) -> UsageError:
    """Neither the sample nor the model says T."""
    return UsageError(
        "nothing says for how many steps the model runs",
        where=type(model).__name__,
        got="a static sample, and no loop in the model's forward",
        expected="temporal samples [T, N, ...], or steps=T",
        do="give steps=T (--steps T)",
    )


def mixed(whole: Sequence[str], single: Sequence[str], counts: Mapping[str, int], steps: int) -> Snn2hwError:
    """Layers with state that are not called once in every step.

    Args:
        whole, single: paths of those that take all steps in a call, and one. counts: of their calls. steps: T.
    """
    if whole:
        return UnsupportedError(
            "some layers of the model take one step in a call, others all steps",
            where=", ".join((*whole, *single)),
            got=f"all steps: {', '.join(whole)}; one step: {', '.join(single) or 'none'}",
            expected="one way for all layers, or a loop over T in the model's forward",
            do="set all to one step mode, in SpikingJelly by functional.set_step_mode(net, 'm')",
        )
    told = ", ".join(f"{p} {counts[p]} times" for p in single) or "no layer with state"
    return UnsupportedError(
        "the layers with state are not called once in every step",
        where=", ".join(single) or "the model",
        got=f"{told} in {steps} steps",
        expected="one call of each in every step",
        do="make a layer for each place, and call all of them in every step",
    )


def failing(model: torch.nn.Module, sample: Sample, error: BaseException) -> UnsupportedError:
    """Whatever the user's own forward raised, with the line of theirs.

    Args:
        model: whose forward it is. sample: what it was given. error: what it raised.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = [p for p in inspect.signature(model.forward).parameters.values() if p.kind in kinds]
    more = [p.name for p in given[1:] if p.default is inspect.Parameter.empty]
    if more and isinstance(error, TypeError):
        return UnsupportedError(
            "the model's forward takes more than one input",
            where=f"{type(model).__name__}.forward",
            got=f"{', '.join(more)} behind {given[0].name}",
            expected="one input; behind it states, that are None at the first step and are returned behind the output",
            do="give the inputs in one tensor, and take it apart in the forward",
        )
    first = (str(error).splitlines() or [""])[0]
    return UnsupportedError(
        "the model's forward fails on this sample",
        where=user_line_of(error) or type(model).__name__,
        got=f"{type(error).__name__}: {first}; the sample is {list(sample.values.shape)}"
        + (f", static, for {sample.steps} steps" if sample.steps is not None else ""),
        expected="a sample that the model takes: [T, N, ...], [N, T, ...] or, static, [N, ...] with steps=T",
        do="give a sample as the model is called with, or layout='NT' where N is its first axis",
    )
