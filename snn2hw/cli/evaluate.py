"""`snn2hw evaluate`: what the integers cost, against labels and against the float model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from snn2hw import api
from snn2hw.backends import AUTO
from snn2hw.cli import certificate_table, console, evaluation_table
from snn2hw.cli.completion import executor as complete_executor
from snn2hw.cli.completion import models
from snn2hw.cli.options import AsJson, Cluster, Folder, Layout, Workers
from snn2hw.cli.sample_files import axis_of, laid_out, refuse_own_layout, stated
from snn2hw.cli.usage import refuse_options
from snn2hw.errors import UsageError
from snn2hw.evaluation import evaluate
from snn2hw.formats.network_files import is_network_file
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.user_models import find_model, read_labels, read_samples, test_data


def evaluate_(
    artefact: Folder,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            "--input",
            "-i",
            help="Samples: .npy, .npz, a folder of them, or Zarr; [N, ...] for static input, [T, N, ...] for events. "
            "Default: test_data() of --model.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            "-l",
            help="Labels as .npy: whole numbers [N] are classes, real numbers [N, outputs] are values. "
            "Default: those of test_data().",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="The float model that was compiled: a folder of models/ (digits_lnm), or module:factory. "
            "Without, the integers alone are measured.",
            autocompletion=models,
        ),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="With --model: a file of weights. Default: the model's own.")] = None,
    output: Annotated[str | None, typer.Option(help="The output that the labels are of, of a network with several.")] = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            "-e",
            help=f"What runs the integers (`snn2hw backends`); {AUTO} is the fastest here.",
            autocompletion=complete_executor,
        ),
    ] = AUTO,
    layout: Layout = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Measure what the integers cost: accuracy (the mean squared error where labels are real numbers), and with --model
    every neuron layer against the float network.

    Of each layer: how often it fires, in integers and in float; how many spikes differ, and how many of these differences
    begin in this layer; how many its own rounding does not explain; by how much rounding moves its input; how often a
    bound of the state range holds a membrane back; whether it died.

    **Examples**

    `snn2hw evaluate build/digits_lnm --model digits_lnm` (its own test samples and labels)

    `snn2hw evaluate build/mine --samples x.npy --labels y.npy`

    `snn2hw evaluate build/mine --samples x.npy --labels y.npy --model mypackage.nets:build --json`
    """
    refuse_options({"--weights": None if model is not None else weights}, "an evaluation without --model", "name the model")
    if labels is not None and samples is None:
        refuse_options({"--labels": labels}, "samples that are not given", "give the samples of these labels: --samples FILE.npy")
    if samples is None:
        refuse_own_layout(layout)
    loaded = api.load(artefact)
    given = given_samples(loaded.network, samples, labels, model, weights, layout)
    net, own = loaded.network, samples is None  # a model's own samples are laid out as the network takes them
    x = given.samples if own else laid_out(given.samples, layout, net.steps, static=net.input.static)
    known = stated(net.input.static)
    with console.progress("evaluate") as progress:
        found = evaluate(
            loaded, x, given.labels, given.model, executor,
            output=output, layout=known, progress=progress, workers=workers, cluster=cluster,
        )  # fmt: skip
    if as_json:
        console.print_json(found.to_document())
        return
    evaluation_table.print_evaluation(found, str(artefact))
    certificate_table.print_warnings([vars(f) for f in found.findings])
    if given.model is None:
        again = console.command("snn2hw", "evaluate", artefact, *(["--samples", samples] if samples else []), "--model", "MODEL")
        console.say(f"next: {again} lays the float model beside the integers")


@dataclass(frozen=True)
class Given:
    """Samples, and what is known of them: labels, and the float model."""

    samples: Any
    labels: Any = None
    model: Any = None


def given_samples(
    net: IntegerNetwork, samples: Path | None, labels: Path | None, model: str | None, weights: str | None, layout: str | None
) -> Given:
    """What is to be measured, read from where it lies.

    Args:
        net: the compiled network. samples, labels: files. model: a folder of models/, or module:factory; without samples it
            must state its own. weights: of the model. layout: of the samples in files, where the input is temporal.
    """
    axis = axis_of(layout, static=net.input.static)
    if model is None:
        if samples is None:
            raise UsageError(
                "there are no samples to evaluate on",
                expected="samples, or a model with test_data()",
                do="give --samples FILE.npy, or --model where the model states its own",
            )
        return Given(read_samples(samples, axis), None if labels is None else read_labels(labels))
    if is_network_file(model):
        raise UsageError(
            "a network file is no float model on the command line",
            got=model,
            expected="a folder of models/, or module:factory",
            do="in Python: snn2hw.evaluate(artefact, x, model=snn2hw.read_network(...)), read as it was compiled",
        )
    found = find_model(model, weights, sampled=False, measured=samples is None)
    if samples is None:
        x, y = test_data(found, model)
        _check_own(net, x, model)
        return Given(x, y, found.module)
    made = Given(read_samples(samples, axis), model=found.module)
    return made if labels is None else replace(made, labels=read_labels(labels))


def _check_own(net: IntegerNetwork, x: Any, model: str) -> None:
    """Whether a model's own samples are of the network: those of another are no fault of the samples."""
    shape = np.shape(x)[1 if net.input.static else 2 :]
    if shape != net.input.shape:
        raise UsageError(
            "this is not the model that the network was compiled from",
            where=f"--model {model}",
            got=f"its test samples are {list(shape)} each",
            expected=f"{list(net.input.shape)}, which the compiled network takes",
            do="name the model that was compiled, or give --samples FILE.npy",
        )
