"""What a model returns: of every step, or a sum, a mean or the last over T; its states are told from its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from snn2hw.conversion.rolled import Edge, Rolled
from snn2hw.conversion.run import Run, tensors
from snn2hw.conversion.tape import MADE, Call, Value
from snn2hw.conversion.times import ONE, REDUCED, STEPS, SWAPPED, reduced_axis
from snn2hw.errors import UnsupportedError, UsageError

EVERY, SUM, MEAN, LAST = "every step", "sum over T", "mean over T", "last step"
OVER = "over T, by a layer"
_SOFTMAX = ("softmax", "log_softmax", "_log_softmax", "_softmax")


@dataclass(frozen=True)
class Output:
    """One tensor that the model returns.

    Args:
        edge: what it is of every step. kind: EVERY, SUM, MEAN, LAST, or OVER where a layer made it of all steps.
        state: whether it is what a neuron returns behind its spikes. softmax: whether a softmax followed, which is left out.
        given: what the model returned, [T, N, ...] of every step, before a softmax.
    """

    edge: Edge
    kind: str
    state: bool = False
    softmax: bool = False
    given: Tensor = field(default_factory=lambda: torch.zeros(0), compare=False)


def outputs_of(run: Run, rolled: Rolled) -> list[Output]:
    """Every tensor that the model returns, in order.

    Raises:
        UnsupportedError: one that is none of these.
    """
    if run.stepwise:
        return [_every_step(each, rolled) for each in zip(*map(tensors, run.outputs), strict=True)]
    return [_with_value(_output(value, run, rolled), value, rolled) for value in tensors(run.outputs) if value.kind == MADE]


def _with_value(output: Output, value: Value, rolled: Rolled) -> Output:
    value, _ = _without_softmax(value)
    swapped = rolled.times[value].axes == SWAPPED
    return replace(output, given=value.tensor.transpose(0, 1) if swapped else value.tensor)


def chosen(outputs: Sequence[Output], number: int | None, model: str) -> Output:
    """The output that is compiled: the one that was asked for, the only one that is no state, or the only one.

    Args:
        outputs: all of the model's. number: which was asked for, or None. model: its name, for messages.

    Raises:
        UsageError: none, several, or no output of that number.
    """
    if number is not None:
        if not 0 <= number < len(outputs):
            raise UsageError(
                "the model has no such output",
                where=model,
                got=f"output={number}",
                expected=f"0 to {len(outputs) - 1}",
                do="count the tensors that the forward returns, from 0",
            )
        return outputs[number]
    found = [o for o in outputs if not o.state] or list(outputs)  # a membrane alone is what is read
    if len({(o.edge, o.kind) for o in found}) != 1:
        told = "; ".join(f"{i}: {o.kind}{', a state' if o.state else ''}" for i, o in enumerate(outputs)) or "nothing"
        raise UsageError(
            "the model returns several tensors, and nothing says which is its output" if found else "the model returns no output",
            where=model,
            got=told,
            expected="one tensor, or one that is no state of a neuron",
            do="convert it before it is compiled, and say which by its place: snn2hw.convert(model, x, output=0)",
        )
    return found[0]


def _every_step(values: Sequence[Value], rolled: Rolled) -> Output:
    edges = [rolled.edge(v) for v in values]
    if any(e != edges[0] for e in edges):
        raise _other("the output of one step is made in another way than that of the next", "the same in all steps")
    return Output(edges[0], EVERY, _is_state(edges[0], rolled), given=torch.stack([v.tensor for v in values]))


def _output(value: Value, run: Run, rolled: Rolled) -> Output:
    value, softmax = _without_softmax(value)
    times = rolled.times
    axes = times[value].axes
    if axes in (STEPS, SWAPPED):
        edge = rolled.edge(value)
        return Output(edge, EVERY, _is_state(edge, rolled), softmax)
    if axes == ONE:
        return _of_one_step(value, rolled, softmax)
    found = _over_steps(value, rolled) if axes == REDUCED else None
    if found is None:
        line = value.call.line if value.call else ""
        raise _other(
            f"{axes or 'a constant'} {list(value.shape)}, made in {line}", "logits of every step, or their sum, mean or last"
        )
    edge, kind = found
    return Output(edge, kind, _is_state(edge, rolled), softmax)


def _without_softmax(value: Value) -> tuple[Value, bool]:
    """What enters a softmax at the very end, which changes no prediction."""
    if value.call is not None and value.call.name in _SOFTMAX:
        return value.call.entering[0], True
    return value, False


def _over_steps(value: Value, rolled: Rolled) -> tuple[Edge, str] | None:
    """A sum or mean over T, also one divided by T."""
    call = value.call
    if call is None:
        return None
    if call.name in ("div", "mul") and len(_made(call)) == 1:
        below = _over_steps(call.entering[0], rolled)
        return (below[0], MEAN) if below is not None and below[1] == SUM and _is_share(call, rolled) else None
    if call.module and not value.place:
        return rolled.edge(value), OVER
    if call.module:
        return Edge(rolled.edge(call.results[0]).key, value.place), LAST  # the states that a layer ends in
    if call.name in ("sum", "mean") and reduced_axis(call) is not None:
        return rolled.edge(call.entering[0]), SUM if call.name == "sum" else MEAN
    return None


def _is_share(call: Call, rolled: Rolled) -> bool:
    """Whether a call divides by T."""
    number = next(iter(a for a in call.args if not isinstance(a, Value)), None)
    steps = rolled.times.sizes.steps
    if isinstance(number, Tensor):
        number = number.item() if number.numel() == 1 else None
    if not isinstance(number, int | float) or steps is None:
        return False
    return abs(number - (steps if call.name == "div" else 1 / steps)) < 1e-9


def _of_one_step(value: Value, rolled: Rolled, softmax: bool) -> Output:
    """The last step of something, or what a loop added up."""
    steps, when = rolled.times.sizes.steps, rolled.times[value]
    share = value.call is not None and value.call.name in ("div", "mul") and len(value.call.entering) == 1
    if share and value.call is not None and _is_share(value.call, rolled):
        summed = _added_up(value.call.entering[0], rolled)
        if summed is not None:
            return Output(summed, MEAN, _is_state(summed, rolled), softmax)
    summed = _added_up(value, rolled)
    if summed is not None:
        return Output(summed, SUM, _is_state(summed, rolled), softmax)
    if when.step is None or steps is None or when.step != steps - 1:
        raise _other(f"the value of step {when.step} of {steps}", "the value of the last step, or of all")
    edge = rolled.edge(value)
    return Output(edge, LAST, _is_state(edge, rolled), softmax)


def _added_up(value: Value, rolled: Rolled) -> Edge | None:
    """What a loop adds up, where a value is the sum of it over all steps and of nothing else."""
    steps, terms, waiting = rolled.times.sizes.steps, list[Value](), [value]
    while waiting:
        now = waiting.pop()
        call = now.call
        if call is not None and call.name == "add" and (not terms or len(terms) <= (steps or 0)) and _adds_steps(call, rolled):
            waiting += [v for v in call.entering if v.kind == MADE]
        else:
            terms.append(now)
    if steps is None or len(terms) != steps or {rolled.times[t].step for t in terms} != set(range(steps)) or steps == 1:
        return None
    edges = {rolled.edge(t) for t in terms}
    return edges.pop() if len(edges) == 1 else None


def _adds_steps(call: Call, rolled: Rolled) -> bool:
    """Whether a call adds what this step made to what earlier steps had added up, or to 0."""
    made = [v for v in call.entering if v.kind == MADE]
    others = [a.tensor if isinstance(a, Value) else a for a in call.args if a not in made]
    if any(bool((torch.as_tensor(a) != 0).any()) for a in others):
        return False
    steps = [rolled.times[v].step for v in made]
    return len(made) == 1 or (len(made) == 2 and steps[0] != steps[1])


def _made(call: Call) -> list[Value]:
    return [v for v in call.entering if v.kind == MADE]


def _is_state(edge: Edge, rolled: Rolled) -> bool:
    node = rolled.nodes.get(edge.key)
    return node is not None and edge.place > 0 and bool(node.call.module)


def _other(got: str, expected: str) -> UnsupportedError:
    return UnsupportedError(
        "an output of the model is none that integers have a readout for",
        where="the model's output",
        got=got,
        expected=expected,
        do="return the logits of every step, and reckon with them behind the model",
    )
