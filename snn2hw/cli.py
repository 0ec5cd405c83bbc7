"""The command line. Each command reads its arguments, calls the public face, and shows the result."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from snn2hw import api, console, console_certificate
from snn2hw.artefact import CERTIFICATE, Artefact
from snn2hw.claims import read_claims
from snn2hw.cli_diff import diff
from snn2hw.cli_end import DIFFERENT, EQUAL, UNAVAILABLE, Commands, guarded
from snn2hw.cli_export import export
from snn2hw.cli_files import Convention, StepSeconds, compile_file, inspected_file, print_nir, say_pass
from snn2hw.cli_usage import refuse_options
from snn2hw.demo import run_demo
from snn2hw.errors import UsageError
from snn2hw.executors import AUTO, EXECUTORS, SIDE_EXECUTORS, chosen_executor
from snn2hw.exports import write_trace
from snn2hw.files.write import check_file
from snn2hw.frontends.files import is_network_file
from snn2hw.ir.text import to_text
from snn2hw.models import Model, find_model, read_samples
from snn2hw.passes.base import Options
from snn2hw.passes.pipeline import PIPELINE
from snn2hw.passes.polynomial import has_polynomial
from snn2hw.target import CONFIDENCES, load_target, target_names
from snn2hw.verification.verdict import why_not
from snn2hw.version import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Trained spiking networks to neuromorphic hardware, in integers, with not one bit lost on the way.\n\n"
    "Start with `snn2hw demo`. Exit codes: 0 equal or done, 1 a difference was found, 2 bad input, 3 an executor that was "
    "asked for is not available.",
)

Folder = Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")]
Samples = Annotated[
    Path | None,
    typer.Option(
        "--input", "-i", help="Samples as .npy: [N, ...] for static input, [T, N, ...] for events. Default: vectors.npz."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]


@app.command("compile")
def compile_(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A folder of models/ (digits_lnm), module:factory, or a network (*.net, *.nir)."),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="A target's name (`snn2hw targets`), or a TOML file of your own.", show_default=api.DEFAULT_TARGET),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write. Default: build/MODEL.")] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(metavar="PASS", help=f"Print the network after a pass: {', '.join(p.name for p in PIPELINE)}."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="T, where samples have no steps. Default: what the model states.")] = None,
    sample: Annotated[Path | None, typer.Option(help="Calibration samples as .npy. Default: what the model states.")] = None,
    weights: Annotated[str | None, typer.Option(help="A safetensors file. Default: the model's own.")] = None,
    state_bits: Annotated[int, typer.Option(help="Width of neuron states, 8 to 24.")] = 16,
    weight_bits: Annotated[int, typer.Option(help="Width of weights, 2 to 8.")] = 8,
    scales: Annotated[str, typer.Option(help="Weight scales: auto, layer or channel.")] = "auto",
    convention: Convention = None,
    dt: StepSeconds = None,
) -> None:
    """Take a trained torch model to integers and write model.onnx, step.onnx, certificate.json, manifest.json and
    vectors.npz.

    **Examples**

    `snn2hw compile digits_lnm --target loihi2 --out build/lnm`

    `snn2hw compile mypackage.nets:build --sample images.npy --steps 4`

    `snn2hw compile digits_cf --stop-after quantise`

    `snn2hw compile network.net --steps 17 --sample image.npy`

    `snn2hw compile network.nir --sample events.npy --convention sinabs`
    """
    options = Options(state_bits, weight_bits, scales)
    if stop_after is not None:
        refuse_options({"--out": out}, "--stop-after", "leave them out: the network is printed, nothing is written")
    if is_network_file(model):
        refuse_options({"--weights": weights}, "a network file", "leave them out: the file holds its weights")
        folder = out or Path("build") / Path(model).stem
        made = compile_file(model, target, folder, stop_after, steps, sample, options, convention, dt)
        if made is not None:
            _say_compiled(made, folder)
        return
    refuse_options({"--convention": convention, "--dt": dt}, "a torch model", "leave them out: they are for .nir files")
    target = target or api.DEFAULT_TARGET
    load_target(target)
    found = find_model(model, weights, sampled=sample is None)
    x, t = _calibration(found, sample, steps)
    if stop_after is not None:
        done = api.run_passes(api.trace_model(found.module, x, t), x, target, options, stop_after)
        console.print_text(to_text(done.integer or done.real)[0].rstrip())
        return
    folder = out or Path("build") / _build_name(model)
    with console_certificate.without_warnings(), console_certificate.certifying() as certifying:
        artefact = api.compile(found.module, x, t, target, folder, options=options, progress=say_pass, certifying=certifying)
    _say_compiled(artefact, folder)


def _build_name(model: str) -> str:
    """A folder's name below build/: of models/lnm and of `.` in it "lnm", of package.nets:build "package.nets.build"."""
    return Path(model).resolve().name if Path(model).exists() else model.replace(":", ".").split("/")[-1]


def _say_compiled(artefact: Artefact, folder: Path) -> None:
    console.print_network(artefact.network, console.artefact_title(artefact))
    console_certificate.print_certificate(read_claims(folder / CERTIFICATE), "certified")
    console_certificate.print_warnings(artefact.manifest.get("warnings", ()))
    console.say(f"written: {folder}    next: ", console.command("snn2hw", "verify", folder))


def _calibration(found: Model, sample: Path | None, steps: int | None) -> tuple[Any, int | None]:
    x = read_samples(sample) if sample is not None else found.sample
    if x is None:
        raise UsageError(
            "the model states no calibration sample",
            expected="real samples",
            do="give --sample FILE.npy, or let the factory return (model, sample)",
        )
    return x, steps if steps is not None else found.steps


@app.command()
def inspect(
    artefact: Folder,
    layer: Annotated[str | None, typer.Option(help="Only the program of this neuron layer.")] = None,
    why: Annotated[bool, typer.Option("--why", help="The ways to evaluate each polynomial that were weighed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the network and every neuron program, with formats; --why explains how each polynomial is evaluated.

    **Examples**

    `snn2hw inspect build/lnm`

    `snn2hw inspect build/lnm --layer 2 --why`

    `snn2hw inspect network.net`
    """
    if as_json:
        refuse_options({"--layer": layer, "--why": why or None}, "--json", "leave them out: it prints the whole network")
    loaded = inspected_file(artefact) if is_network_file(artefact) else api.load(artefact)
    if loaded is None:
        given = {"--layer": layer, "--why": why or None, "--json": as_json or None}
        refuse_options(given, "a .nir file", "leave them out, or compile it first: its nodes are not integers yet")
        print_nir(artefact)
        return
    if as_json:
        console.print_text(json.dumps({**loaded.manifest, "text": to_text(loaded.network)[0]}, indent=2))
        return
    programs = {n.name: n.program for n in loaded.network.neurons}
    if layer is not None and layer not in programs:
        raise UsageError("no neuron layer of this name", got=repr(layer), expected=", ".join(programs), do="name one of these")
    if why:
        polynomials = [n.name for n in loaded.network.neurons if has_polynomial(n)]
        for name in [layer] if layer is not None else polynomials:
            console_certificate.print_candidates(api.explain(loaded, name), name)
        return
    if layer is None:
        console.print_network(loaded.network, console.artefact_title(loaded))
    for name in [layer] if layer is not None else list(programs):
        console.print_program(name, programs[name])


@app.command()
def simulate(
    artefact: Folder,
    samples: Samples = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor", "-e", help=f"One of: {', '.join((*EXECUTORS, *SIDE_EXECUTORS))}; {AUTO} is the fastest that runs here."
        ),
    ] = "reference",
    out: Annotated[Path | None, typer.Option(help="Write the trace (every spike and state) to this .npz file.")] = None,
) -> None:
    """Run samples through one executor and print the readout; --out keeps every spike and state.

    **Example**

    `snn2hw simulate build/lnm --input images.npy --executor onnxruntime --out trace.npz`
    """
    if out is not None:
        check_file(out)
    loaded, (chosen, note) = api.load(artefact), chosen_executor(executor)
    if note:
        console.say(note)
    given = None if samples is None else read_samples(samples)
    begun = perf_counter()
    with console.progress("simulate") as progress:
        if out is None and given is not None:
            trace = api.simulate(loaded, given, chosen.name, traces=False, progress=progress)
        else:
            payloads = api.stimulus(loaded, given)
            trace = api.simulate_payloads(loaded, payloads, chosen.name, traces=out is not None, progress=progress)
    console.print_readout(trace, chosen.name, perf_counter() - begun)
    if out is not None:
        write_trace(loaded, payloads, trace, out)
        console.say(f"written: {out}")


@app.command()
def verify(
    artefact: Folder,
    samples: Samples = None,
    executors: Annotated[
        str | None,
        typer.Option(help="Names with commas between them; lava only runs when named.", show_default="all that are installed"),
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Stop behind the batch with the first difference.")] = False,
    as_json: AsJson = False,
) -> None:
    """The same stimulus through every executor: every spike, state and readout is compared with the reference.

    **Examples**

    `snn2hw verify build/lnm`

    `snn2hw verify build/lnm --input images.npy --executors reference,onnxruntime --json`
    """
    loaded = api.load(artefact)
    names = list(EXECUTORS) if executors is None else [n.strip() for n in executors.split(",") if n.strip()]
    with console.progress("verify") as progress:
        given = None if samples is None else read_samples(samples)
        verdict = api.verify(loaded, given, names, progress=progress, first=first)
    if as_json:
        console.print_text(json.dumps({"equal": verdict.equal, **asdict(verdict)}, indent=2))
    else:
        console.print_verdict(verdict, f"{artefact}: {verdict.samples} samples, {verdict.steps} steps")
    # What was not named is run where it is installed: then only what failed counts, not what is not here.
    missing = [name for name in verdict.not_run if executors is not None or not why_not(EXECUTORS[name])]
    raise typer.Exit(DIFFERENT if verdict.differences else UNAVAILABLE if missing else EQUAL)


@app.command()
def check(artefact: Folder, as_json: AsJson = False) -> None:
    """Derive every claim of certificate.json again from model.onnx alone, by code that shares nothing with the compiler.

    **Example**

    `snn2hw check build/lnm`
    """
    checked = api.check(artefact)
    if as_json:
        failures = [asdict(f) for f in checked.failures]
        console.print_text(json.dumps({"holds": not failures, "claims": checked.claims, "failures": failures}, indent=2))
    else:
        console_certificate.print_checked(checked, f"{artefact}: what is certain for every state and every input")
    raise typer.Exit(DIFFERENT if checked.failures else EQUAL)


app.command()(export)


app.command()(diff)


@app.command()
def targets(name: Annotated[str | None, typer.Argument(help="Show every fact of this target.")] = None) -> None:
    """List the targets, or every number of one with its source.

    **Example**

    `snn2hw targets loihi2`
    """
    if name is None:
        loaded = [load_target(n) for n in target_names()]
        rows = [
            [
                t.name,
                t.says,
                t.lowering.state_bits,
                t.lowering.accumulator_bits,
                t.lowering.coefficient_bits,
                t.lowering.rounding.value,
            ]
            for t in loaded
        ]
        console.table(
            "", ["target", "what it is", "state bits", "accumulator bits", "coefficient bits", "rounding"], rows, (2, 3, 4)
        )
        return
    target = load_target(name)
    rows = [[k, json.dumps(f.value), f.confidence, f.source] for k, f in target.facts.items()]
    console.table(
        f"{target.name}: {target.says}",
        ["fact", "value", "confidence", "source"],
        rows,
    )
    console.say("confidence: " + "; ".join(f"{k} = {v}" for k, v in CONFIDENCES.items()))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("build/demo"),
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Use the committed weights instead of training afresh.")
    ] = False,
    target: Annotated[str, typer.Option(help="The target to compile for.")] = "loihi2",
) -> None:
    """Train two spiking networks on real handwritten digits, take both to integers, run them everywhere, compare every bit.

    **Example**

    `snn2hw demo --pretrained`
    """
    load_target(target)  # before anything is trained
    raise typer.Exit(run_demo(out, pretrained, target))


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        console.print_text(__version__)
        raise typer.Exit


def main() -> None:
    """The console script: user errors become a message and an exit code, never a traceback."""
    sys.exit(guarded(lambda: app(standalone_mode=True)))
