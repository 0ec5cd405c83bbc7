"""`snn2hw report`: one HTML file about a compiled model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.cli import console
from snn2hw.cli.completion import executors as complete_executors
from snn2hw.cli.completion import models, targets
from snn2hw.cli.evaluate import given_samples
from snn2hw.cli.options import AsJson, Folder, Layout, named_executors
from snn2hw.cli.sample_files import laid_out, refuse_own_layout, stated
from snn2hw.cli.usage import refuse_options
from snn2hw.errors import UsageError
from snn2hw.files.kinds import REPORT
from snn2hw.files.write import check_file
from snn2hw.reporting.report import report


def report_(
    artefact: Folder,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            "--input",
            "-i",
            help="Samples: .npy, .npz, a folder of them, or Zarr; [N, ...] for static input, [T, N, ...] for events. "
            "Default: test_data() of --model, else the "
            "conformance vectors.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", "-l", help="Classes as .npy [N]. Default: those of test_data().")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="The float model that was compiled: a folder of models/, or module:factory.",
            autocompletion=models,
        ),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="With --model: a file of weights. Default: the model's own.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
    show: Annotated[
        str | None, typer.Option(help="Samples shown step by step, as 0,3,17. Default: wrong ones, then the first.")
    ] = None,
    executors: Annotated[
        str | None,
        typer.Option(
            help="Compared with the reference on a few samples, with commas between.", autocompletion=complete_executors
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="The target of the cost estimate. Default: the model's own.", autocompletion=targets),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is no report.")] = False,
    layout: Layout = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML file about a compiled model that opens anywhere, without a network: layers and formats, accuracy against the
    float model, rasters and membranes with every difference marked, histograms, learned updates, verified bounds, cost.

    **Examples**

    `snn2hw report build/digits_lnm --model digits_lnm` (its own test samples and labels)

    `snn2hw report build/x --samples x.npy --labels y.npy --out x.html`

    `snn2hw report build/x` (without samples: the conformance vectors)
    """
    refuse_options({"--weights": None if model is not None else weights}, "a report without --model", "name the model")
    if samples is None:
        refuse_own_layout(layout, "samples that no file gives")
    check_file(out, REPORT, force=force)
    named = named_executors(executors)
    loaded = api.load(artefact)
    net = loaded.network
    x = y = module = known = None
    if samples is not None or model is not None:
        given = given_samples(net, samples, labels, model, weights, layout)
        x, y, module = given.samples, given.labels, given.model
        if samples is not None:
            x = laid_out(x, layout, net.steps, static=net.input.static)
        known = stated(net.input.static)
    elif labels is not None:
        refuse_options({"--labels": labels}, "samples that are not given", "give the samples of these labels: --samples FILE.npy")
    with console.progress("report") as progress:
        path = report(
            loaded, x, y, module, out, shown=_numbers(show), executors=named,
            target=target, layout=known, command=_command(artefact, samples, labels, model), force=force, progress=progress,
        )  # fmt: skip
    if as_json:
        console.print_json({"path": str(path)})
    console.say(f"written: {path}    open it in a browser")


def _command(artefact: Path, samples: Path | None, labels: Path | None, model: str | None) -> str:
    given = {"--samples": samples, "--labels": labels, "--model": model}
    return console.command("snn2hw", "report", artefact, *(part for k, v in given.items() if v is not None for part in (k, v)))


def _numbers(given: str | None) -> list[int] | None:
    if given is None:
        return None
    try:
        return [int(n) for n in given.split(",")]
    except ValueError as error:
        raise UsageError(
            "samples to show are numbers", where="--show", got=repr(given)[:200], expected="whole numbers with commas between",
            do="state them so: 0,3,17",
        ) from error  # fmt: skip
