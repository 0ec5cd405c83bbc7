"""The states of a framework's layers: at their beginning for a run, handed on as they are, and the user's own afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from snn2hw.conversion.frameworks import framework_of
from snn2hw.conversion.tape import CONSTANT, Call, Value, flat
from snn2hw.errors import UnsupportedError


@contextmanager
def states_kept(model: torch.nn.Module) -> Iterator[None]:
    """Afterwards what the user's earlier calls left in the layers with state is there again."""
    kept = [(m, dict(m._buffers), dict(vars(m).get("_memories", {}))) for m in _of_frameworks(model)]
    try:
        yield
    finally:
        for module, buffers, memories in kept:
            module._buffers.update(buffers)
            if memories:
                vars(module)["_memories"].update(memories)


def reset(model: torch.nn.Module) -> None:
    """States at their beginning, as the frameworks' own functions reset them."""
    for module in _of_frameworks(model):
        reset: Callable[[], Any] | None = getattr(module, "reset_mem", None) or getattr(module, "reset", None)
        if callable(reset):
            reset()


def _of_frameworks(model: torch.nn.Module) -> list[torch.nn.Module]:
    return [m for m in model.modules() if framework_of(m) is not None]


def state_arguments(call: Call) -> Iterator[Any]:
    """What a call of a layer with state is given behind its input: its states, flattened."""
    return flat((call.args[1:], call.named))


def check_states(calls: Sequence[Call], whole: bool) -> None:
    """The states that a layer is called with are those that it returned, and at first none, or zeros.

    Args:
        calls: of one layer, in order. whole: whether one call takes all steps.

    Raises:
        UnsupportedError: the model changes a state, sets it anew, or begins with one.
    """
    before: Call | None = None
    for step, call in enumerate(calls):
        for given in state_arguments(call):
            if not isinstance(given, Value):
                continue
            if given.kind == CONSTANT and not bool(given.tensor.any()):
                if step == 0 or whole:
                    continue
                raise _state(call, "a state of zeros in every step", "the state that the call before returned")
            if step == 0 or whole:
                raise _state(call, "a state that is not 0 at first", "no state, or zeros, at the first step")
            if before is None or given not in before.results:
                raise _state(call, "a state that the model has changed", "the state that the call before returned")
        before = call


def _state(call: Call, got: str, expected: str) -> UnsupportedError:
    return UnsupportedError(
        "a layer is called with a state that is not its own",
        where=f"{call.module}, {call.line}",
        got=got,
        expected=expected,
        do="hand the state on as it is, or write the neuron as a nn.CustomNeuron",
    )
