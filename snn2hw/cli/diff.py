"""`snn2hw diff`: the first difference between two traces, or between a trace and the reference."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.cli import console, verdict_table
from snn2hw.cli.diagnosis_table import print_diagnosis
from snn2hw.cli.end import DIFFERENT, EQUAL
from snn2hw.cli.evaluate import given_samples
from snn2hw.cli.options import AsJson, FloatModel, FloatWeights, Layout
from snn2hw.cli.sample_files import laid_out, refuse_own_layout, stated
from snn2hw.cli.usage import refuse_options
from snn2hw.diagnosis.diagnose import diagnose
from snn2hw.errors import UsageError
from snn2hw.ir.encode import check_payloads, check_shape, encode
from snn2hw.trace import Trace, of_trace, read_npz
from snn2hw.user_models import find_model
from snn2hw.vectors import check_model
from snn2hw.verification.differential import first_difference


def diff(
    artefact: Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")],
    trace: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRACE",
            help="A trace file, from `simulate --out` or from your hardware. Default, with --model: what runs here.",
        ),
    ] = None,
    other: Annotated[
        Path | None,
        typer.Argument(metavar="OTHER", help="A second trace file. Default: the reference, run on the first one's stimulus."),
    ] = None,
    model: FloatModel = None,
    weights: FloatWeights = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            "--input",
            "-i",
            help="With --model: samples as .npy. Default: the stimulus of the trace, else test_data() of the model.",
        ),
    ] = None,
    layout: Layout = None,
    as_json: AsJson = False,
) -> None:
    """Show the first difference between two traces, or between a trace and the reference: layer, step, sample, neuron, cause.

    A trace file holds `model_sha256`, `payloads` [T, N, ...], `readout`, `spikes/LAYER` and `states/LAYER.STATE`, all integers.

    With --model the integers are compared with the float model. Shown is the first sample, step and neuron whose difference
    rounding does not explain, or else the first that differs; and its cause, found by switching one quantiser at a time.

    **Examples**

    `snn2hw diff build/lnm trace.npz`

    `snn2hw diff build/digits_lnm --model digits_lnm` (its own test samples)

    `snn2hw diff build/lnm trace.npz --model mypackage.nets:build`
    """
    _check_options(trace, other, model, weights, samples, layout)
    loaded = api.load(artefact)
    if model is not None:
        _against_model(loaded, artefact, trace, model, weights, samples, layout, as_json)
        return
    assert trace is not None
    got, payloads = _read_trace(loaded, trace)
    if other is None:
        expected = api.simulate_payloads(loaded, payloads)
    else:
        expected, others = _read_trace(loaded, other)
        if not np.array_equal(payloads, others):
            raise _other_stimulus(f"{trace} and {other}")
    found = first_difference(loaded.network, str(trace), got, expected, payloads)
    if as_json:
        console.print_json({"equal": found is None, "difference": None if found is None else asdict(found)})
    if found is None:
        console.say(console.good("equal", True), f": every integer of {trace} and {other or 'the reference'}")
        return
    verdict_table.print_difference(found)
    raise typer.Exit(DIFFERENT)


def _check_options(
    trace: Path | None,
    other: Path | None,
    model: str | None,
    weights: str | None,
    samples: Path | None,
    layout: str | None,
) -> None:
    if model is None:
        given = {"--weights": weights, "--samples": samples, "--layout": layout}
        refuse_options(given, "a comparison without --model", "name the float model: --model MODEL")
        if trace is None:
            raise UsageError(
                "there is nothing to compare the reference with",
                expected="a trace file, or --model",
                do="give a trace, or --model MODEL to find why integers and floats differ",
            )
    elif other is not None:
        refuse_options({"a second trace": other}, "a comparison with --model", "leave the second trace out")


def _against_model(
    loaded: Artefact,
    folder: Path,
    trace: Path | None,
    model: str,
    weights: str | None,
    samples: Path | None,
    layout: str | None,
    as_json: bool,
) -> None:
    """Why the integers, or a trace, fire otherwise than the float model."""
    net, ran = loaded.network, None
    if samples is None:
        refuse_own_layout(layout, "samples that no file gives")
    if trace is not None:
        ran, payloads = _read_trace(loaded, trace)
    if trace is not None and samples is None:
        real = payloads * np.float64(net.input.unit)
        module, x = find_model(model, weights, sampled=False).module, real[0] if net.input.static else real
    else:
        given = given_samples(net, samples, None, model, weights, layout)
        module, x = given.model, given.samples
        if samples is not None:
            x = laid_out(x, layout, net.steps, static=net.input.static)
        if trace is not None:
            _check_same_stimulus(loaded, x, payloads, f"{trace} and {samples}")
    with console.progress("diff") as progress:
        found = diagnose(loaded, x, module, trace=ran, layout=stated(net.input.static), progress=progress)
    if as_json:
        console.print_json(found.to_document())
    else:
        print_diagnosis(found, f"{trace or folder} against the float model")
    raise typer.Exit(EQUAL if found.explained else DIFFERENT)


def _check_same_stimulus(loaded: Artefact, x: Any, payloads: Any, both: str) -> None:
    check_shape(loaded.network, x)
    if not np.array_equal(encode(loaded.network, x), payloads):
        raise _other_stimulus(both)


def _other_stimulus(both: str) -> UsageError:
    return UsageError(
        "the traces are of different stimuli",
        got=both,
        expected="the same array `payloads` in both",
        do="run both on the same samples",
    )


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
