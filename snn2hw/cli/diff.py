"""`snn2hw diff`: the first difference between two traces, or between a trace and the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from snn2hw import api
from snn2hw.cli import console
from snn2hw.cli.end import DIFFERENT
from snn2hw.errors import UsageError
from snn2hw.ir.encode import check_payloads
from snn2hw.trace import Trace, of_trace, read_npz
from snn2hw.vectors import check_model
from snn2hw.verification.differential import first_difference


def diff(
    artefact: Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")],
    trace: Annotated[Path, typer.Argument(help="A trace file, from `simulate --out` or from your hardware.")],
    other: Annotated[
        Path | None, typer.Argument(help="A second trace file. Default: the reference, run on the first one's stimulus.")
    ] = None,
) -> None:
    """The first difference between two traces, or between a trace and the reference: layer, step, sample, neuron, cause.

    A trace file holds `model_sha256`, `payloads` [T, N, ...], `readout`, `spikes/LAYER` and `states/LAYER.STATE`, all integers.

    **Example**

    `snn2hw diff build/lnm trace.npz`
    """
    loaded = api.load(artefact)
    got, payloads = _read_trace(loaded, trace)
    if other is None:
        expected = api.simulate_payloads(loaded, payloads)
    else:
        expected, others = _read_trace(loaded, other)
        if not np.array_equal(payloads, others):
            raise UsageError(
                "the traces are of different stimuli",
                got=f"{trace} and {other}",
                expected="the same array `payloads` in both",
                do="run both on the same samples",
            )
    found = first_difference(loaded.network, str(trace), got, expected, payloads)
    if found is None:
        console.say(console.good("equal", True), f": every integer of {trace} and {other or 'the reference'}")
        return
    console.print_difference(found)
    raise typer.Exit(DIFFERENT)


def _read_trace(loaded: Any, path: Path) -> tuple[Trace, Any]:
    arrays = read_npz(path, of_trace)
    check_model(arrays, loaded, str(path))
    if "payloads" not in arrays:
        raise UsageError(
            "the trace file holds no stimulus",
            where=str(path),
            got=", ".join(sorted(arrays)),
            expected="an array `payloads`, the spike values of the input",
            do="store `payloads` [T, N, ...] with the trace",
        )
    payloads = check_payloads(loaded.network, arrays.pop("payloads"), str(path))
    return Trace.from_arrays(arrays, str(path)), payloads
