"""Running the user's model on the sample: in one call where its forward goes through T, else step after step."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snn2hw.conversion.frameworks import framework_of, known
from snn2hw.conversion.known import Known
from snn2hw.conversion.layers import kind
from snn2hw.conversion.record import Recorder
from snn2hw.conversion.refusals import Sample, failing, mixed, no_steps
from snn2hw.conversion.states import check_states, reset, states_kept
from snn2hw.conversion.tape import Call, Value, flat, mapped
from snn2hw.conversion.times import MERGED, ONE, STEPS, SWAPPED, Sizes, Times, input_axes
from snn2hw.errors import ShapeError, Snn2hwError, UnsupportedError
from snn2hw.formats.torch.wrapped import in_evaluation
from snn2hw.nn.base import Neuron
from snn2hw.nn.custom import CustomNeuron
from snn2hw.nn.recurrent import Recurrent

TN, NT = "TN", "NT"
OWN = (Neuron, CustomNeuron, Recurrent)


@dataclass(frozen=True)
class Run:
    """A run of the model, and what is known of it.

    Args:
        calls: what was called. outputs: what the forward returned; of a model of one step that of each step.
        neurons: of each layer with state what it is here, by path, in the order of their calls.
        times: when each value is. stepwise: whether the forward takes one step.
        entering: the input on [T, N, ...] (of a static sample every step alike), for the converted model.
        static: whether the model shows one sample T times. swapped: whether the model takes [N, T, ...].
        assumed: whether [T, N, ...] is taken though nothing in the forward says which axis is time.
        framework: whose layers with state they are; "torch" where there are none. model: itself.
    """

    calls: Sequence[Call]
    outputs: Any
    neurons: Mapping[str, Known]
    times: Times
    stepwise: bool
    entering: Tensor
    static: bool
    swapped: bool
    assumed: bool
    framework: str
    model: torch.nn.Module

    def calls_of(self, path: str) -> list[Call]:
        """Of one layer, in order."""
        return [c for c in self.calls if c.module == path]


def is_layer(module: torch.nn.Module) -> bool:
    """What is written down as one call: layers with state, and layers of torch as they are or as a framework wraps them."""
    if has_state(module):
        return True
    found = kind(module)
    if found is None:
        return False
    owner = next(k for k in type(module).__mro__ if "forward" in vars(k))
    return owner.__module__.split(".")[0] in ("torch", "spikingjelly", "norse", "snntorch", "snn2hw")


def has_state(module: torch.nn.Module) -> bool:
    """Whether a module is a neuron of a framework, also one that is refused."""
    if framework_of(module) is None:
        return isinstance(module, OWN)
    try:
        return known(module, (1,), "") is not None
    except Snn2hwError:
        return True


def _known(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known:
    """What a layer with state is here; one of `snn2hw.nn` is itself."""
    found = Known(module, whole=True) if isinstance(module, OWN) else known(module, shape, where)
    assert found is not None
    return found


def _recorder(model: torch.nn.Module) -> Recorder:
    return Recorder(model, [m for m in model.modules() if is_layer(m)])


def run(model: torch.nn.Module, sample: Sample) -> Run:
    """Run a model on a sample, the way that it takes one.

    Raises:
        UnsupportedError: a forward that cannot be followed. ShapeError, UsageError: a sample that the model does not take.
    """
    with in_evaluation(model), states_kept(model):
        failed: Exception
        try:
            return _in_one_call(model, sample, swap=sample.layout == NT)
        except (ShapeError, _OneStepError, _FailedError) as error:
            failed = error
            if sample.steps is not None and not isinstance(error, _OneStepError):
                with suppress(Snn2hwError, _FailedError, _OneStepError):  # its layers may want an axis T
                    return _in_all_steps(model, sample, sample.steps)
        try:
            return _step_by_step(model, sample)
        except _FailedError as error:
            if isinstance(failed, ShapeError):
                raise failed from error
            first = failed if isinstance(failed, _FailedError) else error
            raise failing(model, sample, first.error) from first.error
        except (UnsupportedError, ShapeError) as error:
            if isinstance(failed, _OneStepError):
                raise
            raise (failed if isinstance(failed, ShapeError) else failing(model, sample, failed.error)) from error


class _FailedError(Exception):
    """What the user's forward raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _calling() -> Iterator[None]:
    """The block calls the user's forward, which may raise anything."""
    try:
        yield
    except Snn2hwError:
        raise
    except Exception as error:
        raise _FailedError(error) from error


class _OneStepError(Exception):
    """The forward takes one step: its layers with state were called once."""


def _in_one_call(model: torch.nn.Module, sample: Sample, swap: bool) -> Run:
    """The model is given the sample as it is, and where the user said [N, T, ...] and the model takes [T, N, ...] so turned."""
    given = sample.values
    recorder = _recorder(model)
    reset(model)
    with recorder.running(), _calling():
        outputs = mapped(recorder.value, model(recorder.give(given)))
    counts = _counts(recorder.calls, model)
    neurons = _neurons(recorder.calls, model)
    single = [p for p, k in neurons.items() if not k.whole]
    if single and all(counts[p] == 1 for p in single):
        raise _OneStepError
    repeats = Counter(c.module for c in recorder.calls if c.module)
    looped = bool(single) or (not neurons and max(repeats.values(), default=1) > 1)
    told = input_axes(recorder.calls)
    axes = told or (ONE if looped or sample.steps is not None else STEPS)
    if swap and axes == STEPS and sample.steps is None:
        turned = Sample(given.transpose(0, 1), None, TN)
        return _in_one_call(model, turned, swap=False)
    if sample.layout == TN and axes == SWAPPED:
        turned = Sample(given.transpose(0, 1), None, NT)
        return _in_one_call(model, turned, swap=False)
    own = [c for c in recorder.calls if c.module in neurons and c.entering]
    steps = _steps(counts, single, sample, axes, own) or max(repeats.values(), default=None)
    samples = given.shape[1 if axes == STEPS else 0]
    stepped = single or ([p for p, n in repeats.items() if n == steps] if looped and axes == ONE else [])
    times = Times(recorder.calls, Sizes(steps, samples), axes, stepped, [p for p, k in neurons.items() if k.whole])
    if sample.steps is not None and axes == ONE and _shown_once(recorder.calls, neurons, times):
        return _in_all_steps(model, sample, sample.steps)
    _check_whole(recorder.calls, neurons, times)
    if steps is None:
        raise no_steps(model)
    entering = given.unsqueeze(0).expand(steps, *given.shape) if axes == ONE else given
    entering = entering.transpose(0, 1) if axes == SWAPPED else entering
    return Run(
        calls=recorder.calls,
        outputs=outputs,
        neurons=neurons,
        times=times,
        stepwise=False,
        entering=entering,
        static=axes == ONE,
        swapped=axes == SWAPPED,
        assumed=told is None and axes == STEPS,
        framework=_framework(neurons, model),
        model=model,
    )


def _in_all_steps(model: torch.nn.Module, sample: Sample, steps: int) -> Run:
    """A static sample shown T times to a model that takes all steps."""
    shown = sample.values.unsqueeze(0).expand(steps, *sample.values.shape)
    found = _in_one_call(model, Sample(shown, None, TN), swap=False)
    return Run(**{**vars(found), "static": True, "assumed": False})


def _step_by_step(model: torch.nn.Module, sample: Sample) -> Run:
    x = sample.values.transpose(0, 1) if sample.layout == NT and sample.steps is None else sample.values
    if sample.steps is not None:
        x = x.unsqueeze(0).expand(sample.steps, *x.shape)
    if x.ndim < 2 or len(x) < 2:
        raise ShapeError(
            "a model of one step needs a sample of two steps or more to be followed",
            where=type(model).__name__,
            got=f"a sample {list(sample.values.shape)}",
            expected="[T, N, ...] with T >= 2, or [N, ...] with steps=T",
            do="give steps=T where the samples are static",
        )
    more = _further_arguments(model)
    recorder, states, outputs = _recorder(model), [None] * more, []
    reset(model)
    with recorder.running(), _calling():
        for t in range(len(x)):
            result = model(recorder.give(x[t], t), *states)
            if more:
                result, states = _states_of(result, more, model)
            outputs.append(mapped(recorder.value, result))
    neurons = _neurons(recorder.calls, model)
    counts = _counts(recorder.calls, model)
    single, whole = [p for p, k in neurons.items() if not k.whole], [p for p, k in neurons.items() if k.whole]
    if whole or (not single and not more) or any(counts[p] != len(x) for p in single):
        raise mixed(whole, single, counts, len(x))
    times = Times(recorder.calls, Sizes(len(x), x.shape[1]), ONE, single, ())
    return Run(
        calls=recorder.calls,
        outputs=outputs,
        neurons=neurons,
        times=times,
        stepwise=True,
        entering=x,
        static=sample.steps is not None,
        swapped=False,
        assumed=sample.steps is None,
        framework=_framework(neurons, model),
        model=model,
    )


def _further_arguments(model: torch.nn.Module) -> int:
    """How many states a forward of one step takes behind its input."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds for p in inspect.signature(model.forward).parameters.values()) - 1


def _states_of(result: Any, count: int, model: torch.nn.Module) -> tuple[Any, list[Any]]:
    if not isinstance(result, tuple | list) or len(result) != 1 + count:
        raise UnsupportedError(
            "the model's forward takes states that it does not return",
            where=f"{type(model).__name__}.forward",
            got=f"{count} arguments behind the input, {len(result) if isinstance(result, tuple | list) else 1} values returned",
            expected=f"an output and {count} states",
            do="return the states behind the output, in the order of the arguments",
        )
    return result[0], list(result[1:])


def _counts(calls: Sequence[Call], model: torch.nn.Module) -> dict[str, int]:
    """How often each layer with state was called, in the order of the first calls."""
    modules, counts = dict(model.named_modules()), dict[str, int]()
    for call in calls:
        if call.module in modules and call.function is None and has_state(modules[call.module]):
            counts[call.module] = counts.get(call.module, 0) + 1
    return counts


def _neurons(calls: Sequence[Call], model: torch.nn.Module) -> dict[str, Known]:
    """What the layers with state are here, by path; one that is called with [N, C, ...] or [T, N, C, ...]."""
    modules, found = dict(model.named_modules()), dict[str, Known]()
    frameworks = dict[str, str]()
    for call in calls:
        module = modules.get(call.module) if call.function is None else None
        if module is None or call.module in found or not has_state(module):
            continue
        where = f"{call.module or 'the model itself'} ({type(module).__name__})"
        if not isinstance(module, OWN):
            frameworks.setdefault(str(framework_of(module)), where)
        found[call.module] = _known(module, _shape(call, module, where), where)
    if len(frameworks) > 1:
        raise UnsupportedError(
            "the model mixes frameworks, whose steps and resets differ",
            where=", ".join(frameworks.values()),
            got=" and ".join(frameworks),
            expected="layers with state of one framework",
            do="write the model with the neurons of one of them",
        )
    return found


def _framework(neurons: Mapping[str, Known], model: torch.nn.Module) -> str:
    return next((framework_of(model.get_submodule(p)) or "torch" for p in neurons), "torch")


def _shape(call: Call, module: torch.nn.Module, where: str) -> tuple[int, ...]:
    """[C, ...] of what enters a layer with state, without N, or without T and N where one call takes all steps."""
    entering = call.entering
    if not entering:
        raise UnsupportedError(
            "a layer with state is called with something else than a tensor",
            where=where,
            got=call.line,
            do="call the layer with a tensor",
        )
    probe = _known(module, entering[0].shape[1:], where)
    return entering[0].shape[2 if probe.whole else 1 :]


def _steps(counts: Mapping[str, int], single: Sequence[str], sample: Sample, axes: str, calls: Sequence[Call]) -> int | None:
    """T: how often the layers of one step were called; of others, whose `calls` these are, how long their input is."""
    called = {counts[p] for p in single}
    if len(called) > 1:
        told = ", ".join(f"{p} {counts[p]} times" for p in single)
        raise UnsupportedError(
            "the loops of the model's forward differ in their number of steps",
            where=single[0],
            got=f"{told} in one call of the model",
            expected="every layer with state called T times",
            do="call each of them once in every step; a layer that is called twice in a step keeps one state for both",
        )
    if called:
        return called.pop()
    if axes == ONE:
        return sample.steps or next((c.entering[0].shape[0] for c in calls), None)
    return int(sample.values.shape[1 if axes == SWAPPED else 0])


def _shown_once(calls: Sequence[Call], neurons: Mapping[str, Known], times: Times) -> bool:
    """Whether a layer that takes all steps was given a static sample as it is."""
    whole = [c for c in calls if c.module in neurons and neurons[c.module].whole]
    return any(times[c.entering[0]].axes == ONE for c in whole)


def _check_whole(calls: Sequence[Call], neurons: Mapping[str, Known], times: Times) -> None:
    for path, row in neurons.items():
        own = [c for c in calls if c.module == path]
        check_states(own, row.whole)
        if row.whole and len(own) > 1:
            raise UnsupportedError(
                "a layer with state is called more than once",
                where=path,
                got=f"{len(own)} calls that take all steps",
                expected="one call; a second one goes on from the state that the first left",
                do="make a layer for each place",
            )
        entering = times[own[0].entering[0]].axes
        if row.whole and entering != STEPS:
            got = {ONE: "[N, ...]", SWAPPED: "[N, T, ...]", MERGED: "[T*N, ...]"}.get(entering, entering)
            raise ShapeError(
                "a layer that takes all steps is given something else",
                where=f"{path}, {own[0].line}",
                got=got,
                expected="[T, N, ...]",
                do="set its step mode to single steps, or give it all steps",
            )


def tensors(outputs: Any) -> list[Value]:
    """The values in what a forward returned, in order."""
    return [v for v in flat(outputs) if isinstance(v, Value)]
