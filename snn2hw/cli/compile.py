"""`snn2hw compile`: a model or a network file becomes a compiled model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from snn2hw import api
from snn2hw.artefact import CERTIFICATE, Artefact
from snn2hw.claims import read_claims
from snn2hw.cli import certificate_table, console, evaluation_table, network_table
from snn2hw.cli.completion import among, models, targets
from snn2hw.cli.conventions import (
    Convention,
    CubaInput,
    CubaR,
    IfFloor,
    IfInput,
    LateSynapses,
    Levels,
    LifInput,
    Method,
    Reset,
    Start,
    StepSeconds,
    Threshold,
    When,
    read_levels,
)
from snn2hw.cli.conventions import given as given_fields
from snn2hw.cli.conventions import options as option_names
from snn2hw.cli.files import compile_file, say_pass
from snn2hw.cli.options import AsJson, Cluster, LayerBits, LayerStateBits, Layout, Workers, layer_widths
from snn2hw.cli.sample_files import axis_of, refuse_own_layout
from snn2hw.cli.sample_files import stated as stated_layout
from snn2hw.cli.usage import refuse_options
from snn2hw.errors import UsageError
from snn2hw.formats.network_files import is_network_file
from snn2hw.ir.layout import TN
from snn2hw.ir.text import to_text
from snn2hw.passes.base import SCALES, Options
from snn2hw.passes.pipeline import PIPELINE
from snn2hw.store import check_out
from snn2hw.target import load_target
from snn2hw.tracing import as_ours
from snn2hw.user_models import Model, find_model, read_samples


def compile_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A folder of models/ (digits_lnm), module:factory, or a network (*.net, *.nir).",
            autocompletion=models,
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            help="A target's name (`snn2hw targets`), or a TOML file of your own.",
            show_default=api.DEFAULT_TARGET,
            autocompletion=targets,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write. Default: build/MODEL.")] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(
            metavar="PASS",
            help=f"Print the network after a pass: {', '.join(p.name for p in PIPELINE)}.",
            autocompletion=among(p.name for p in PIPELINE),
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="T, where samples have no steps. Default: what the model states.")] = None,
    sample: Annotated[
        Path | None,
        typer.Option(help="Calibration samples: .npy, .npz, a folder of them, or Zarr. Default: what the model states."),
    ] = None,
    layout: Layout = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights: *.safetensors, or a state_dict in *.pt, *.pth. Default: the model's own.")
    ] = None,
    state_bits: Annotated[int, typer.Option(help="Width of neuron states, 8 to 24.")] = 16,
    weight_bits: Annotated[int, typer.Option(help="Width of weights, 2 to 8.")] = 8,
    scales: Annotated[str, typer.Option(help="Weight scales: auto, layer or channel.", autocompletion=among(SCALES))] = "auto",
    layer_bits: LayerBits = None,
    layer_state_bits: LayerStateBits = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    convention: Convention = None,
    dt: StepSeconds = None,
    method: Method = None,
    reset: Reset = None,
    when: When = None,
    threshold: Threshold = None,
    start: Start = None,
    levels: Levels = None,
    if_floor: IfFloor = None,
    lif_input: LifInput = None,
    if_input: IfInput = None,
    late_synapses: LateSynapses = None,
    cuba_input: CubaInput = None,
    cuba_r: CubaR = None,
    as_json: AsJson = False,
) -> None:
    """Take a trained torch model to integers and write model.onnx, step.onnx, certificate.json, manifest.json and
    vectors.npz.

    **Examples**

    `snn2hw compile digits_lnm --target loihi2 --out build/lnm`

    `snn2hw compile mypackage.nets:build --sample images.npy --steps 4`

    `snn2hw compile digits_cf --stop-after quantise`

    `snn2hw compile network.net --steps 17 --sample image.npy`

    `snn2hw compile network.nir --sample events.npy --convention sinabs`

    `snn2hw compile network.nir --sample events.npy --convention snntorch --reset subtract --when next`
    """
    stated = given_fields(
        {
            "convention": convention, "dt": dt, "method": method, "reset": reset, "when": when, "threshold": threshold,
            "start": start, "levels": read_levels(levels), "if_floor": if_floor, "lif_input": lif_input, "if_input": if_input,
            "late_synapses": late_synapses, "cuba_input": cuba_input, "cuba_r": cuba_r,
        }
    )  # fmt: skip
    own_states = layer_widths(layer_state_bits, "--layer-state-bits")
    options = Options(state_bits, weight_bits, scales, layer_widths(layer_bits), own_states)
    if stop_after is not None:
        refuse_options(
            {"--out": out, "--json": as_json or None},
            "--stop-after",
            "leave them out: the network is printed, nothing is written",
        )
    if is_network_file(model):
        refuse_options({"--weights": weights}, "a network file", "leave them out: the file holds its weights")
        folder = out or Path("build") / Path(model).stem
        made = compile_file(model, target, folder, stop_after, steps, sample, layout, options, stated, workers, cluster)
        if made is not None:
            _say_compiled(made, folder, as_json=as_json)
        return
    refuse_options(dict.fromkeys(option_names(stated), True), "a torch model", "leave them out: they are for .nir files")
    target = target or api.DEFAULT_TARGET
    load_target(target)
    folder = out or Path("build") / _build_name(model)
    if stop_after is None:
        check_out(folder)  # before a model is loaded
    found = find_model(model, weights, sampled=sample is None)
    x, t = _calibration(found, sample, steps, layout)
    if sample is None and found.source is not None:
        refuse_own_layout(layout)
        layout = None if t is not None else TN  # a model folder says that its samples are [T, N, ...]
    if stop_after is not None:
        ours = as_ours(found.module, x, t, layout, stacklevel=1)
        network = api.trace_model(ours.model, ours.x, ours.steps, layout=stated_layout(ours.steps is not None))
        done = api.run_passes(network, ours.x, target, options, stop_after)
        console.print_text(to_text(done.integer or done.real)[0].rstrip())
        return
    more: dict[str, Any] = {"options": options, "layout": layout, "progress": say_pass, "workers": workers, "cluster": cluster}
    with certificate_table.without_warnings(), certificate_table.certifying() as certifying:
        artefact = api.compile(found.module, x, t, target, folder, **more, certifying=certifying)
    _say_compiled(artefact, folder, as_json=as_json)


def _build_name(model: str) -> str:
    """A folder's name below build/: of models/lnm and of `.` in it "lnm", of package.nets:build "package.nets.build"."""
    return Path(model).resolve().name if Path(model).exists() else model.replace(":", ".").split("/")[-1]


def _say_compiled(artefact: Artefact, folder: Path, *, as_json: bool) -> None:
    if as_json:
        console.print_json({"path": str(folder), "manifest": dict(artefact.manifest)})
        return
    _say_converted(artefact.manifest.get("converted", {}))
    network_table.print_network(artefact.network, network_table.artefact_title(artefact))
    certificate_table.print_certificate(read_claims(folder / CERTIFICATE), "certified")
    evaluation_table.print_agreement(artefact.manifest)
    certificate_table.print_warnings(artefact.manifest.get("warnings", ()))
    console.say(f"written: {folder}    next: ", console.command("snn2hw", "verify", folder))


def _say_converted(told: Mapping[str, Any]) -> None:
    """What was brought from another framework, and how it is known to be the same."""
    if told:
        console.say(f"converted from {told['framework']}: {told['equal']:,} of {told['spikes']:,} spikes equal")
        for note in told["notes"]:
            console.say(f"  {note}")


def _calibration(found: Model, sample: Path | None, steps: int | None, layout: str | None) -> tuple[Any, int | None]:
    t = steps if steps is not None else found.steps
    x = read_samples(sample, axis_of(layout, static=t is not None)) if sample is not None else found.sample
    if x is None:
        raise UsageError(
            "the model states no calibration sample",
            expected="real samples",
            do="give --sample FILE.npy, or let the factory return (model, sample)",
        )
    return x, steps if steps is not None else found.steps
