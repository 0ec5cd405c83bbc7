"""`snn2hw simulate`: samples through one back end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from snn2hw import api
from snn2hw.backends import AUTO, EXECUTORS, SIDE_EXECUTORS, chosen_executor
from snn2hw.cli import console, network_table
from snn2hw.cli.completion import executor as complete_executor
from snn2hw.cli.options import AsJson, Folder, Layout, Samples
from snn2hw.cli.sample_files import samples_for, stated
from snn2hw.exports import write_trace
from snn2hw.files.kinds import TRACE
from snn2hw.files.write import check_file
from snn2hw.trace import Ints


def simulate(
    artefact: Folder,
    samples: Samples = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            "-e",
            help=f"One of: {', '.join((*EXECUTORS, *SIDE_EXECUTORS))}, or another of `snn2hw backends`; "
            f"{AUTO} is the fastest that runs here.",
            autocompletion=complete_executor,
        ),
    ] = "reference",
    layout: Layout = None,
    out: Annotated[Path | None, typer.Option(help="Write the trace (every spike and state) to this .npz file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run samples through one back end (executor) and print the readout; --out keeps every spike and state.

    **Example**

    `snn2hw simulate build/lnm --input images.npy --executor onnxruntime --out trace.npz`
    """
    if out is not None:
        check_file(out, TRACE)
    loaded = api.load(artefact)
    chosen, note = chosen_executor(executor, loaded.network)
    if note:
        console.say(note)
    given, known = samples_for(loaded, samples, layout), stated(loaded.network.input.static)
    begun = perf_counter()
    with console.progress("simulate") as progress:
        if out is None and given is not None:
            trace = api.simulate(loaded, given, chosen, traces=False, layout=known, progress=progress)
        else:
            payloads = api.stimulus(loaded, given, known)
            trace = api.simulate_payloads(loaded, payloads, chosen, traces=out is not None, progress=progress)
    seconds = perf_counter() - begun
    if out is not None:
        write_trace(loaded, payloads, trace, out)
    if as_json:  # behind what is written, as it says that it is
        console.print_json(_document(loaded.outputs(trace.readout), chosen.name, seconds, out))
    network_table.print_readout(loaded.outputs(trace.readout), chosen.name, seconds)
    if out is not None:
        console.say(f"written: {out}")


def _document(outputs: Mapping[str, Ints], executor: str, seconds: float, out: Path | None) -> dict[str, Any]:
    """All samples, where the table shows the first."""
    told = {name: {"predictions": v.argmax(1).tolist(), "readout": v.tolist()} for name, v in outputs.items()}
    samples = len(next(iter(outputs.values())))
    return {"executor": executor, "samples": samples, "seconds": seconds, "outputs": told, "trace": out and str(out)}
