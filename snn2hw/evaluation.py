"""evaluate: a compiled network on samples, against their labels and against the float network it was made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw import gate
from snn2hw.artefact import Artefact, check_compiled
from snn2hw.backends import Executor, chosen_executor
from snn2hw.backends.running import insist, run_executor
from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from snn2hw.ir.encode import check_shape, encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.layout import TN
from snn2hw.ir.network import Network
from snn2hw.run.job import Job, results
from snn2hw.runs import read
from snn2hw.trace import Ints
from snn2hw.tracing import trace_model
from snn2hw.verification.accuracy import Evaluation, Truth, evaluated
from snn2hw.verification.agreement import Part, Tally
from snn2hw.verification.batches import Progress, Samples
from snn2hw.verification.beside import float_layers, layers_of
from snn2hw.verification.losses import losses
from snn2hw.verification.verdict import batch_size

if TYPE_CHECKING:
    import torch

TRACED = 64  # samples that a model is read with


def evaluate(
    artefact: Artefact,
    samples: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    model: torch.nn.Module | Network | None = None,
    executor: str | Executor = "auto",
    *,
    output: str | None = None,
    layout: str | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    cluster: str | None = None,
) -> Evaluation:
    """What the integers cost: accuracy or error against labels, and, with the model, every layer against the float network.

    Args:
        artefact: the compiled model.
        samples: real values [N, ...] where the input is static, else [T, N, ...]; an array on disk is read as it is needed.
        labels: whole numbers [N] are classes, for `accuracy`: the share of the samples whose largest readout is at their
            label. Real numbers, [N, outputs] or [N] of one output, are values, for `mean_squared_error` in the real units of
            the readout: (readout * artefact.scale - label)**2, mean over samples and outputs. Of a network with one output
            value whole numbers are values, too.
        model: the float model, as `snn2hw.compile` took it; without, only the integers are measured.
        executor: what runs the integers, as in `simulate`. All executors give the same.
        output: which output the labels are of, where the network has several.
        layout: which axis of temporal samples is time, as in `simulate`.
        progress: called with (executor, samples done, samples in all) after each batch.
        workers: how many processes run batches, each with one thread; 1 is this process. The measurements are the same.
        cluster: the address of a Dask scheduler, whose workers run them instead (docs/how-to/scale.md).

    Returns:
        The measurements. `evaluation.layers[name].spike_mismatch` compares the two networks as they run;
        `own_mismatch` gives the float layer what the integers fired before it, so that it tells what begins in this layer;
        `unexplained` what not even its rounding explains, and `first_unexplained` the first layer with such
        (docs/how-to/evaluate.md).

    Raises:
        ShapeError, ValueRangeError: samples or labels that do not fit. UsageError: labels without a named output of several, an
            output that there is not, a model of another network, no such executor. ExecutorUnavailableError: it cannot run.
    """
    check_compiled(artefact)
    net, x = artefact.network, read(artefact, samples, layout)
    check_shape(net, x)
    axis = 0 if net.input.static else 1
    outputs = chosen_outputs(net.readout.places, output)
    truth = None if labels is None else truth_of(labels, x.shape, axis, outputs)
    real = None if model is None else float_network(artefact, model, x)
    chosen, note = chosen_executor(executor, net)
    if note:
        warnings.warn(note, stacklevel=2)
    insist(chosen, net)
    tally = tallied(artefact, real, x, chosen, progress, workers, cluster)
    found = evaluated(tally, chosen.name, outputs, truth)
    return replace(found, findings=losses(found, net))


def tallied(
    artefact: Artefact,
    real: Network | None,
    x: npt.NDArray[Any],
    chosen: Executor,
    progress: Progress | None = None,
    workers: int = 1,
    cluster: str | None = None,
) -> Tally:
    """Samples through the integers, batch by batch, and the float network beside them.

    Args:
        real: the float network, if it is known. x: samples as the network takes them. chosen: what runs the integers.
        artefact, progress, workers, cluster: as in `evaluate`.
    """
    net = artefact.network
    axis = 0 if net.input.static else 1
    tally, size, done = Tally(net, real, artefact.scale), batch_size(net), 0
    parts = (Samples.of(x[(slice(None),) * axis + (slice(n, n + size),)], axis) for n in range(0, x.shape[axis], size))
    with results(Job("evaluate", _measuring, (artefact, real, chosen)), parts, workers, cluster) as each:
        for part in each:
            tally.merge(part)
            done += len(part.readout)
            if progress is not None:
                progress(chosen.name, done, x.shape[axis])
    return tally


def _measuring(given: tuple[Artefact, Network | None, Executor]) -> Callable[[Samples], Part]:
    """What a worker does with a batch: the integers through the executor, the float network beside them."""
    artefact, real, chosen = given
    tally = Tally(artefact.network, real, artefact.scale)

    def measured(batch: Samples) -> Part:
        x = batch.array()
        payloads = encode(artefact.network, x)
        return tally.part(x, payloads, run_executor(chosen, artefact, payloads))

    return measured


def chosen_outputs(found: dict[str, slice], output: str | None) -> dict[str, slice]:
    """Where the values of the outputs that are meant stand in the readout.

    Raises:
        UsageError: there is no such output.
    """
    if output is None:
        return found
    if output not in found:
        what = "the network has no output of this name"
        raise UsageError(what, got=repr(output), expected=", ".join(found), do="name one of these")
    return {output: found[output]}


def truth_of(labels: npt.ArrayLike, shape: Sequence[int], axis: int, outputs: dict[str, slice]) -> Truth:
    """What the readout should be, by labels.

    Args:
        labels: as `evaluate` takes them. shape: of the samples. axis: along which they are counted: 1 where axis 0 is time.
        outputs: the one that is meant.

    Raises:
        UsageError, ShapeError, ValueRangeError: labels that do not fit.
    """
    if len(outputs) > 1:
        raise UsageError(
            "a network with several outputs has no accuracy over all of them",
            got="labels, and " + ", ".join(f"{name} ({s.stop - s.start} values)" for name, s in outputs.items()),
            expected="the output that the labels are of",
            do=f"give output={next(iter(outputs))!r} (--output), and evaluate each output with labels of its own",
        )
    ((name, chosen),) = outputs.items()
    given, size, samples = gate.numbers(labels, "labels"), chosen.stop - chosen.start, int(shape[axis])
    if given.ndim not in (1, 2) or len(given) != samples:
        exchanged = axis == 1 and given.ndim in (1, 2) and len(given) == shape[0]
        raise ShapeError(
            "labels and samples do not fit together",
            where="labels",
            got=f"labels {list(given.shape)}, {samples} samples" + f": {list(shape)}, read as [T, N, ...]" * exchanged,
            expected=f"one label for every sample: [{samples}] of classes, [{samples}, {size}] of real values",
            do='give layout="NT" (--layout NT) for [N, T, ...]; compile or explore with steps=T for [N, ...]'
            if exchanged
            else "give one label for every sample, in their order",
        )
    if size == 1 or given.ndim == 2 or given.dtype.kind == "f":
        return Truth(None, _values(given, samples, size), chosen)
    if given.dtype.kind == "b":
        given = given.astype(np.int64)
    classes: Ints = gate.integers(given, "labels")
    if (outside := np.flatnonzero((classes < 0) | (classes >= size))).size:
        raise ValueRangeError(
            "a label is out of range",
            where=f"labels, sample {outside[0]}",
            got=str(classes[outside[0]]),
            expected=f"0..{size - 1}: output '{name}' has {size} classes",
            do="correct the label, or evaluate the model that has this class",
        )
    return Truth(classes, None, chosen)


def _values(given: npt.NDArray[Any], samples: int, size: int) -> npt.NDArray[np.float64]:
    """Real labels as [N, outputs]."""
    if given.size != samples * size:
        raise ShapeError(
            "real labels do not fit the readout",
            where="labels",
            got=f"{list(given.shape)} of {given.dtype}",
            expected=f"[{samples}, {size}], a real number for each value of the readout; or whole numbers [{samples}], classes",
            do="give labels.astype(int) where they are classes, or labels.argmax(1) of one-hot ones",
        )
    if given.ndim == 2 and given.dtype.kind != "f" and size > 1:
        raise UsageError(
            "whole numbers with two axes are neither classes nor real values",
            where="labels",
            got=f"{list(given.shape)} of {given.dtype}",
            expected=f"whole numbers [{samples}], classes; or real numbers [{samples}, {size}]",
            do="give labels.argmax(1) of one-hot labels, or labels.astype(float) where they are values",
        )
    values = given.reshape(samples, size).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueRangeError(
            "the labels hold NaN or Inf",
            where="labels",
            got=f"{int((~np.isfinite(values)).sum())} of {values.size} values",
            expected="finite numbers",
            do="clean the data",
        )
    return values


def float_network(artefact: Artefact, model: Any, x: npt.NDArray[Any]) -> Network:
    """The equations of the model, which must be those that the artefact was made of.

    Args:
        artefact: the compiled model. model: a torch module, or a `Network`. x: samples to read a torch module with.
    """
    net = artefact.network
    if isinstance(model, IntegerNetwork):
        raise UsageError(
            "this model is integers itself",
            where="model",
            got=type(model).__name__,
            expected="the float model: a torch.nn.Module, or the Network of snn2hw.read_network",
            do="leave model out: the integers are then measured alone",
        )
    if not isinstance(model, Network):
        some = np.asarray(x[:TRACED] if net.input.static else x[:, :TRACED])
        lo, hi = (v * net.input.unit for v in (net.input.interval.lo, net.input.interval.hi))
        reach = None if net.input.counts else (min(lo, float(some.min())), max(hi, float(some.max())))
        model = trace_model(model, some, *((net.steps, reach) if net.input.static else (None, reach, TN)))
    real: Network = model
    _require_same(net, real)
    return real


def _require_same(net: IntegerNetwork, real: Network) -> None:
    wrong = [
        f"{what} {had}, not {has}"
        for what, has, had in (
            ("input", list(net.input.shape), list(real.input.shape)),
            ("steps", net.steps, real.steps),
            ("static input", net.input.static, real.input.static),
            ("readout", list(net.readout.shape), list(real.readout.shape)),
        )
        if has != had
    ]
    floats = {name: node.shape for name, node in float_layers(real).items()}
    for node in layers_of(net):
        if floats.get(node.name) != node.shape:
            had = f"shape {list(floats[node.name])}" if node.name in floats else "missing"
            wrong.append(f"neuron layer {node.name} {had}, not {list(node.shape)}")
    if wrong:
        raise UsageError(
            "this is not the model that the network was compiled from",
            where="model",
            got="; ".join(wrong[:4]) + ("; ..." if len(wrong) > 4 else ""),
            expected="the input, the steps, the neuron layers and the readout of the compiled network",
            do="give the model that was compiled, or leave it out: the integers are then measured alone",
        )
