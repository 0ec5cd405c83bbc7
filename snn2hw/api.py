"""The public face: compile, load, check, export; `snn2hw.runs` is its other half. No logic of its own."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from snn2hw.artefact import EXPORTED_NIR, Artefact, check_compiled
from snn2hw.backends import Exported, Writer
from snn2hw.backends.nir import write_nir
from snn2hw.backends.reference import interpret
from snn2hw.checker.check import check as check_folder
from snn2hw.claims import Checked
from snn2hw.errors import UsageError
from snn2hw.exports import write_export
from snn2hw.formats.network_files import read_network
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.sample import stored_or_array
from snn2hw.ir.encode import check_finite, check_shape
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.layout import TN, read_as
from snn2hw.ir.network import Network
from snn2hw.ir.rules import check_integer
from snn2hw.native.replay import Replay, replay
from snn2hw.passes.base import Compilation, Options, Pass, given_options
from snn2hw.passes.calibrate import Calibrate
from snn2hw.passes.findings import Finding, warned
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.passes.polynomials.lowered import weighed
from snn2hw.passes.polynomials.search import Candidate
from snn2hw.run.job import checked_workers
from snn2hw.runs import batches, simulate, simulate_payloads, stimulus, verify
from snn2hw.shown import meant
from snn2hw.store import check_out, make_artefact, read_artefact, write_artefact
from snn2hw.target import load_target
from snn2hw.tracing import as_ours, check_stated, trace_model
from snn2hw.verification.short import for_manifest, short_form
from snn2hw.verification.stimuli import conformance_payloads
from snn2hw.version import __version__

if TYPE_CHECKING:
    import torch

    from snn2hw.quantize.model import Prepared

DEFAULT_TARGET = "generic"
Certifying: TypeAlias = Callable[[str, int], None]


def run_passes(
    network: Network,
    sample: npt.ArrayLike,
    target: str,
    options: Options,
    stop_after: str | None = None,
    progress: Callable[[Pass], None] | None = None,
    workers: int = 1,
    cluster: str | None = None,
) -> Compilation:
    """The passes of `pipeline.py` on a float network, up to `stop_after`.

    Args:
        network: as read. sample: real, [N, ...] or [T, N, ...]. target: a name, or the file of one.
        options: widths of states and weights, scales. progress: called with every pass before it runs.
        workers, cluster: who calibrates, as in `compile`.
    """
    x = stored_or_array(sample)
    check_shape(network, x)
    check_finite(network, x)
    start = Compilation(network, load_target(target), options, x, workers=workers, cluster=cluster)
    return run_pipeline(start, stop_after, progress)


def compile(
    model: torch.nn.Module | Network | IntegerNetwork,
    sample: npt.ArrayLike | None = None,
    steps: int | None = None,
    target: str = DEFAULT_TARGET,
    out: str | Path | None = None,
    *,
    options: Options | None = None,
    input_range: tuple[float, float] | None = None,
    layout: str | None = None,
    progress: Callable[[Pass], None] | None = None,
    certifying: Certifying | None = None,
    workers: int = 1,
    cluster: str | None = None,
) -> Artefact:
    """A trained model as an integer artefact.

    Args:
        model: a torch.nn.Module on [T, N, ...] activations (put into evaluation meaning: BatchNorm statistics are used,
            Dropout does nothing), a model of snnTorch, SpikingJelly or Norse, which is converted first (`convert`), a
            float Network, or what is integers already: a model of
            `snn2hw.quantize.prepare`, or an IntegerNetwork (of `read_network`), whose integers, steps and target stay.
        sample: real samples to calibrate on: [N, ...] with `steps`, else [T, N, ...]; of an array on disk, or samples of
            `snn2hw.open_samples`, no more is in memory at once than is worked with. Integers need none; their
            conformance vectors then hold noise only.
        steps: T, when static samples are shown T times; None when the sample is temporal (event counts or currents), or the
            network says its steps itself.
        target: name of a target, or the path of a TOML file.
        out: folder to write; None keeps the artefact in memory. Of an earlier artefact there only the files that its manifest
            lists are replaced.
        options: widths and scales.
        input_range: range of real input values, [0, 1] by default; not for event counts, which are taken as they are.
        layout: which axis of a temporal sample is time: "TN" for [T, N, ...], as taken where nothing is said, or "NT" for
            [N, T, ...]. docs/how-to/evaluate.md says when a warning asks for it.
        progress: is told of each pass; certifying: of each layer how many values have been tried for the certificate.
        workers, cluster: who calibrates a large network, as in `verify`: processes, each of which takes a gigabyte and a batch
            of samples, or a Dask scheduler. The integers are the same.

    Returns:
        The artefact; `artefact.scale` is the real value of one unit of its readout.

    Raises:
        Snn2hwError: anything unsupported, ill-shaped, out of range or too wide; nothing is written then. What the target cannot
            do of the network, as far as its floats tell, is said before calibration, all of it in one table.

    Warns:
        Snn2hwWarning: what quantisation lost: weights of whole channels, a layer that can never fire, a synaptic input that is
            coarser than the state, negative spikes that become worth something else, more neurons than a chip has; on the
            sample: a layer that died or saturates, predictions that changed. `manifest["warnings"]` holds the same, and
            `manifest["agreement"]` how far the integers are from the float network on up to 32 of the samples
            (docs/how-to/evaluate.md). Of a model that was prepared: what its integers have lost as they are now, but nothing on
            the sample, for which there is no float network.
    """
    checked_workers(workers, cluster)
    if out is not None:
        check_out(out)
    facts: dict[str, Any] = {"snn2hw": __version__, "packages": _packages()}
    if (prepared := _prepared(model)) is not None:
        facts |= {"options": prepared.options.facts(), "trained_on_integers": True, "readout": {"scale": prepared.readout_scale}}
        model = prepared.integers()
    options = given_options(options)
    if isinstance(model, Network | IntegerNetwork):
        check_stated(model, steps, input_range)
    if isinstance(model, IntegerNetwork):
        if options != Options():
            raise UsageError(
                "the integers of this network are made already",
                got=", ".join(f"{name}={value!r}" for name, value in vars(options).items() if value != vars(Options())[name]),
                expected="no options",
                do="leave them out; only models with real parameters are quantised",
            )
        x = None if sample is None else _read(sample, layout, model)
        if prepared is not None:
            facts["warnings"] = warned(_losses(prepared, model), stacklevel=3)
        return _compile_integers(model, facts, x, target, out, certifying)
    if sample is None:
        raise UsageError("a model needs samples to calibrate on", got="none", expected="real samples", do="give sample=x")
    if isinstance(model, Network):
        network, x = model, _read(sample, layout, model)
    else:
        ours = as_ours(model, stored_or_array(sample), steps, layout, stacklevel=2)
        x, static = ours.x, ours.steps is not None
        facts |= ours.facts
        network = trace_model(ours.model, x, ours.steps, input_range, None if static else TN)
    done = run_passes(network, x, target, options, progress=progress, workers=workers, cluster=cluster)
    rates = {name: o.rate for name, o in done.observed.items() if o.rate is not None}
    given = int(x.shape[0 if network.input.static else 1])
    seen = {"samples": Calibrate().shown(network, given), "firing_rates": rates}
    facts |= {"options": options.facts(), "calibration": seen, **({"origin": dict(network.origin)} if network.origin else {})}
    scale = float(done.scales[done.network.readout.name].values[0]) * done.real.readout.share
    agreement = short_form(network, done.network, scale, x, done.findings)
    findings = (*done.findings, *agreement.findings)
    facts |= {"readout": {"scale": scale}, "agreement": for_manifest(agreement), "warnings": warned(findings, stacklevel=3)}
    return _made(done.network, facts, x, out, certifying)


def _read(sample: npt.ArrayLike, layout: str | None, network: Network | IntegerNetwork) -> npt.NDArray[Any]:
    """The sample as the network, which knows its steps, takes it."""
    return read_as(stored_or_array(sample), layout, network.steps, static=network.input.static, stacklevel=3)


def _prepared(model: object) -> Prepared | None:
    """The model, where it comes from `snn2hw.quantize.prepare`; nothing of torch is imported to find out."""
    if "torch" not in sys.modules:
        return None
    from snn2hw.quantize.model import Prepared

    return model if isinstance(model, Prepared) else None


def _losses(prepared: Prepared, made: IntegerNetwork) -> list[Finding]:
    """What the integers of a prepared model changed; asked of where torch is imported already."""
    from snn2hw.quantize.losses import losses

    return list(losses(prepared, made))


def _compile_integers(
    network: IntegerNetwork,
    facts: dict[str, Any],
    x: npt.NDArray[Any] | None,
    target: str,
    out: str | Path | None,
    certifying: Certifying | None,
) -> Artefact:
    if target not in (DEFAULT_TARGET, network.target):
        raise UsageError(
            "the integers of this network are for another target",
            got=target,
            expected=network.target,
            do="leave the target out; only models with real parameters are lowered to one",
        )
    check_integer(network)
    return _made(network, facts, x, out, certifying)


def _packages() -> dict[str, str]:
    return {"python": platform.python_version(), "numpy": np.__version__, "onnx": onnx.__version__}


def _made(
    network: IntegerNetwork,
    facts: dict[str, Any],
    sample: npt.NDArray[Any] | None,
    out: str | Path | None,
    certifying: Certifying | None,
) -> Artefact:
    artefact = make_artefact(network, facts)
    if out is None:
        return artefact
    payloads = conformance_payloads(network, sample)
    return write_artefact(artefact, Path(out), payloads, interpret(network, payloads), certifying)


def check(folder: str | Path) -> Checked:
    """Derive every claim of a compiled folder's certificate.json again, from its model.onnx alone.

    Claims speak of the programs as they were lowered. The simplified ones, which model.onnx calls and which C, Lava and PyTorch
    run, are proved to give the same for every state and every input. SystemVerilog narrows a program to what enters it before
    it simplifies it; that one is not proved here.

    Raises:
        ArtefactError: no model, no certificate, or a certificate of another artefact or version.
    """
    return check_folder(Path(folder))


def export(artefact: Artefact, to: str | Writer, out: str | Path | None = None, **options: Any) -> Exported:
    """The compiled model in a form of its own for another tool, written by a back end.

    Args:
        artefact: the compiled model.
        to: "c", "nir", the name of a registered back end (`snn2hw backends` lists them), or an object
            (`snn2hw.backends.Writer`).
        out: the file or folder to write; None is the back end's own name inside the artefact's folder: `c`, `model.nir`.
        options: those of the back end, by name: of c `vectors`, `streaming`, `force`; of nir `convention`, `dt`, `force`.

    Returns:
        Where it was written (`path`), what is approximate in it (`approximations`, by layer), what to call next (`next`), what
        was measured of it where that was asked for (`report`).

    Raises:
        UsageError: no such back end, an option that it does not have, or a place that cannot be written.
        UnsupportedError: it cannot hold the network; every layer that is in the way. ArtefactError: no vectors to replay.
    """
    return write_export(artefact, to, out, options)


def export_c(
    artefact: Artefact, out: str | Path | None = None, vectors: int = 4, *, streaming: bool = False, force: bool = False
) -> Path:
    """The network as a folder of plain C99 for embedded targets, with a test that replays the artefact's vectors.

    Args:
        artefact: the compiled model.
        out: the folder to write; None is `c` in the artefact's own.
        vectors: how many samples of vectors.npz the test replays.
        streaming: whether `snn_start` and `snn_step` take one step a call, for input that arrives step by step; memory then
            holds one step of every layer and the states of all neurons, and `snn_run` calls the two.
        force: whether an earlier C folder is replaced although somebody edited its files.

    Returns:
        The folder: snn.h, snn.c, weights.h; vectors.h, main.c, Makefile, README.md; manifest.json with their sha256.

    Raises:
        ArtefactError: an artefact that was only made in memory. UnsupportedError: more memory than the C can address.
        UsageError: fewer than one vector, or a folder that holds something else, was edited, or cannot be written.
    """
    return export(artefact, "c", out, vectors=vectors, streaming=streaming, force=force).path


def replay_c(folder: str | Path) -> Replay:
    """Compile a folder of `export_c` with the C compiler of this machine, and replay its vectors.

    Raises:
        UsageError: no such folder. ExecutorUnavailableError: no compiler, or one that fails. ArtefactError: it crashes.
    """
    return replay(Path(folder))


def export_nir(
    artefact: Artefact | IntegerNetwork,
    out: str | Path | None = None,
    *,
    convention: str | Convention | None = None,
    dt: float | None = None,
    force: bool = False,
) -> Exported:
    """The network as a NIR file: `read_network` gives the same integers again, others get an approximation (docs/how-to/nir.md).

    Args:
        artefact: the compiled model.
        out: the file to write; None is `model.nir` in the artefact's own folder.
        convention: whose importer the visible neurons are written for: "norse", "sinabs", "snntorch", "lava", a Convention; by
            default NIR's own equation under Euler with dt = 0.1 ms.
        dt: seconds of a step, where it is not the convention's own.
        force: whether a file is replaced that is not as snn2hw wrote it.

    Raises:
        MissingExtraError: nir is not installed. UnsupportedError: a layer for which NIR has no node.
        UsageError: an unknown convention, or a file that is not as snn2hw wrote it, or cannot be written.
    """
    if isinstance(artefact, Artefact):
        return export(artefact, "nir", out, convention=convention, dt=dt, force=force)
    if not isinstance(artefact, IntegerNetwork):
        check_compiled(artefact)
    path = Path(EXPORTED_NIR if out is None else out)
    return Exported(path, write_nir(artefact, path, convention, dt, force=force))


def explain(artefact: Artefact, layer: str, target: str | None = None) -> list[Candidate]:
    """The ways to evaluate a layer's polynomial that were weighed, the best first, the one taken marked.

    Args:
        artefact: the compiled model. layer: the name of one of its neuron layers.
        target: the TOML file that it was compiled for, where that was one of the user's own.

    Raises:
        UsageError: no such layer, a layer without a polynomial, or another target. TargetError: there is no such target.
    """
    layers = {n.name: n for n in artefact.network.neurons}
    if layer not in layers:
        raise UsageError(
            "no neuron layer of this name",
            got=repr(layer),
            expected=", ".join(layers),
            do=meant(layer, layers) + "name one of these",
        )
    chosen = load_target(target or artefact.network.target)
    if chosen.name != artefact.network.target:
        raise UsageError(
            "the network was compiled for another target",
            got=chosen.name,
            expected=artefact.network.target,
            do="name that one, or the TOML file of it",
        )
    return weighed(layers[layer], chosen.lowering)


def load(folder: str | Path) -> Artefact:
    """Read a compiled folder; every hash and the graph itself are checked.

    Raises:
        ArtefactError: truncated, foreign, tampered with, or of another version.
    """
    return read_artefact(Path(folder))


__all__ = [
    "batches", "check", "compile", "explain", "export", "export_c", "export_nir", "load", "read_network", "replay_c",
    "run_passes", "simulate", "simulate_payloads", "stimulus", "trace_model", "verify",
]  # fmt: skip
