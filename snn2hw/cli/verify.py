"""`snn2hw verify`: samples through every back end, each value compared with the reference."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.backends import backends, executor, executors_of, on_request
from snn2hw.backends.running import cannot_hold, why_not
from snn2hw.cli import console, verdict_table
from snn2hw.cli.completion import executors as complete_executors
from snn2hw.cli.diagnosis_table import print_diagnosis
from snn2hw.cli.end import DIFFERENT, EQUAL, UNAVAILABLE
from snn2hw.cli.evaluate import given_samples
from snn2hw.cli.options import AsJson, Cluster, FloatModel, FloatWeights, Folder, Layout, Samples, Workers, named_executors
from snn2hw.cli.sample_files import samples_for, stated
from snn2hw.cli.usage import refuse_options
from snn2hw.diagnosis.diagnose import diagnose
from snn2hw.user_models import find_model


def verify(
    artefact: Folder,
    samples: Samples = None,
    executors: Annotated[
        str | None,
        typer.Option(
            help="Names of `snn2hw backends`, with commas between them; lava and rtl run only when named.",
            show_default="all that are installed",
            autocompletion=complete_executors,
        ),
    ] = None,
    model: FloatModel = None,
    weights: FloatWeights = None,
    layout: Layout = None,
    first: Annotated[bool, typer.Option("--first", help="Stop after the batch with the first difference.")] = False,
    workers: Workers = 1,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Run the same samples through every back end (executor), and compare each spike, state and readout with the reference.

    **Examples**

    `snn2hw verify build/lnm`

    `snn2hw verify build/lnm --input images.npy --executors reference,onnxruntime --json`

    `snn2hw verify build/digits_lnm --model digits_lnm` (its test samples, and why float and integers part)
    """
    refuse_options({"--weights": None if model is not None else weights}, "a verification without --model", "name the model")
    named = named_executors(executors)
    names = _installed() if named is None else named
    loaded = api.load(artefact)
    with console.progress("verify") as progress:
        given, known, module = samples_for(loaded, samples, layout), stated(loaded.network.input.static), None
        if model is not None and given is not None:
            module = find_model(model, weights, sampled=False).module
        elif model is not None:
            measured = given_samples(loaded.network, None, None, model, weights, layout)
            given, module = measured.samples, measured.model
        verdict = api.verify(loaded, given, names, layout=known, progress=progress, first=first, workers=workers, cluster=cluster)
        cause = None
        if module is not None and given is not None:
            cause = diagnose(loaded, given, module, layout=known, progress=progress, workers=workers, cluster=cluster)
    if as_json:
        more = {} if cause is None else {"diagnosis": cause.to_document()}
        console.print_json({"equal": verdict.equal, **asdict(verdict), **more})
    else:
        verdict_table.print_verdict(verdict, f"{artefact}: {verdict.samples} samples, {verdict.steps} steps")
        if cause is not None:
            console.say()
            print_diagnosis(cause, "integers against the float model")
    # What was not named is run where it is installed and holds the network: then only what failed counts.
    missing = [name for name in verdict.not_run if executors is not None or _failed(name, loaded)]
    different = verdict.differences or (cause is not None and not cause.explained)
    raise typer.Exit(DIFFERENT if different else UNAVAILABLE if missing else EQUAL)


def _installed() -> list[str]:
    """What is run where nobody names any."""
    return [name for name, e in executors_of(backends()).items() if not on_request(e)]


def _failed(name: str, artefact: Artefact) -> bool:
    """Whether an executor that was not run, or not to the end, could have been."""
    e = executor(name)
    return not why_not(e) and not cannot_hold(e, artefact.network)
