"""`snn2hw estimate`: whether a compiled model fits on a target, and what a sample costs there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.backends import AUTO
from snn2hw.cli import console, estimate_table
from snn2hw.cli.completion import also, targets
from snn2hw.cli.completion import executor as complete_executor
from snn2hw.cli.options import AsJson, Folder, Layout
from snn2hw.cli.sample_files import samples_for, stated
from snn2hw.cli.usage import refuse_options
from snn2hw.errors import UsageError
from snn2hw.estimation.estimate import EVERY, LONGEST, Estimate, estimate, estimates
from snn2hw.estimation.mapping import Mapping as CoreMapping
from snn2hw.estimation.mapping.picture import draw
from snn2hw.files.kinds import MAPPING, PICTURE
from snn2hw.files.write import check_file

TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def estimate_(
    artefact: Folder,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            help=f"A target (`snn2hw targets`), the path of a TOML file of your own, or '{EVERY}'. Default: the model's own.",
            autocompletion=also(targets, EVERY),
        ),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            "--input",
            "-i",
            help="Samples as .npy: [N, ...] for static input, [T, N, ...] for events. Default: the conformance vectors.",
        ),
    ] = None,
    step_time: Annotated[
        str | None, typer.Option(help="How long a step lasts, of a chip that runs in real time: 1ms, 500us, 0.01s.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Write which neurons lie on which core, and every route, to this file (JSON).")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the cores and what lies on them to this file (PNG).")] = None,
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
    as_json: AsJson = False,
) -> None:
    """Say whether a compiled model fits on a target and why not, and what a sample costs: cores, memory, operations, energy,
    latency. Counted on samples, with the span that the sources of every number leave; what is not public is left out, and named.

    **Examples**

    `snn2hw estimate build/x`

    `snn2hw estimate build/x --target all --samples x.npy`

    `snn2hw estimate build/x --target xylo-audio-2 --step-time 10ms`

    `snn2hw estimate build/x --target loihi1 --mapping mapping.json`

    `snn2hw estimate build/x --target my_chip.toml --json`
    """
    if target == EVERY:
        refuse_options({"--mapping": mapping, "--picture": picture}, "all targets at once", "name one target")
    for path, kind in ((mapping, MAPPING), (picture, PICTURE)):
        if path is not None:
            check_file(path, kind)
    loaded = api.load(artefact)
    x, known = samples_for(loaded, samples, layout), stated(loaded.network.input.static)
    lasts = None if step_time is None else _seconds(step_time)
    with console.progress("estimate") as progress:
        if target == EVERY:
            every = estimates(loaded, x, executor=executor, layout=known, step_seconds=lasts, progress=progress)
        else:
            one = estimate(loaded, target, x, executor=executor, layout=known, step_seconds=lasts, progress=progress)
            every = {one.target: one}
    for path, write in ((mapping, CoreMapping.write), (picture, draw)):
        if path is not None:
            write(_mapping(every, path), path)
            if not as_json:
                console.say(f"written: {path}")
    if as_json:
        documents = {name: estimate_table.to_document(e) for name, e in every.items()}
        console.print_json(documents if target == EVERY else next(iter(documents.values())))
    elif target == EVERY:
        estimate_table.print_all(every, str(artefact))
    else:
        estimate_table.print_estimate(next(iter(every.values())), str(artefact))


def _mapping(found: Mapping[str, Estimate], path: Path) -> CoreMapping:
    """The mapping of the one target; `path` is for messages."""
    (one,) = found.values()
    if one.mapping is None:
        raise UsageError(
            "there is no mapping to write",
            where=str(path),
            got=f"{one.target}: " + ("it has no cores" if one.fits is None or not one.reasons else one.reasons[0]),
            expected="a target with cores, and room on it for every layer",
            do="leave --mapping and --picture out, or name another target",
        )
    written: CoreMapping = one.mapping
    return written


def _seconds(given: str) -> float:
    """The time of a text such as 10ms."""
    unit = next((u for u in ("ms", "us", "ns", "s") if given.endswith(u)), "")
    try:
        value = float(given.removesuffix(unit)) * TIMES.get(unit, 0.0)
    except ValueError:
        value = 0.0
    if not 0 < value < LONGEST:
        raise UsageError(
            "a step lasts no such time", where="--step-time", got=repr(given), expected="a number above 0 and s, ms, us or ns",
            do="state it so: 10ms",
        )  # fmt: skip
    return value
