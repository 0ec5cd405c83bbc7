"""Network files of other frameworks on the command line: what `compile` and `inspect` do with a .net, a .nir, or another file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.cli import certificate_table, console
from snn2hw.cli.conventions import options as option_names
from snn2hw.cli.sample_files import axis_of, laid_out
from snn2hw.cli.sample_files import stated as stated_layout
from snn2hw.cli.usage import refuse_options
from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.formats.network_files import check_ending, suffix
from snn2hw.formats.nir.exact import exact_network
from snn2hw.formats.nir.file import NirNode, read_nir
from snn2hw.formats.nir.presets import PRESETS
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network
from snn2hw.ir.text import to_text
from snn2hw.passes.base import Options, Pass
from snn2hw.store import make_artefact
from snn2hw.user_models import read_samples


def compile_file(
    path: str,
    target: str | None,
    folder: Path,
    stop_after: str | None,
    steps: int | None,
    sample: Path | None,
    layout: str | None,
    options: Options,
    stated: Mapping[str, Any],
    workers: int = 1,
    cluster: str | None = None,
) -> Artefact | None:
    """The artefact of a network file, written to `folder`; None where a network was printed after a pass instead.

    Args:
        path: *.net or *.nir. target: None: the default. stop_after: a pass, None: all.
        steps: T, None: what the file or the sample says. sample: a file .npy, None: none.
        layout: which axis of a temporal sample is time, None: nobody says.
        options: widths of states and weights, scales. stated: of .nir alone, a convention and its fields, as in `read_network`.
        workers, cluster: who calibrates.
    """
    x = None if sample is None else read_samples(sample, axis_of(layout, static=steps is not None))
    if x is not None and (layout is not None or _is_nir(path)):
        x = laid_out(x, layout, None, static=steps is not None)
    more: dict[str, Any] = {}
    if _is_nir(path):
        more = {"sample": x, **stated}
    elif stated:
        raise UsageError(
            "only .nir files have neurons of a convention",
            where=path,
            got=", ".join(option_names(stated)),
            expected="a file *.nir",
            do="leave them out",
        )
    elif suffix(path) == ".net":
        more = {"sample": x}
    network = _read(path, steps, more)
    if isinstance(network, IntegerNetwork):
        _require_integers_as_they_are(network, path, target, stop_after)
    elif stop_after is not None:
        if x is None:
            raise UsageError("a network needs samples to calibrate on", where=path, got="none", do="give --sample FILE.npy")
        done = api.run_passes(network, x, target or api.DEFAULT_TARGET, options, stop_after)
        console.print_text(to_text(done.integer or done.real)[0].rstrip())
        return None
    with certificate_table.without_warnings(), certificate_table.certifying() as certifying:
        chosen = target or api.DEFAULT_TARGET
        known: dict[str, Any] = {
            "options": options, "layout": stated_layout(network.input.static), "progress": say_pass, "workers": workers,
            "cluster": cluster,
        }  # fmt: skip
        return api.compile(network, x, steps, chosen, folder, **known, certifying=certifying)


def _read(path: str, steps: int | None, more: Mapping[str, Any]) -> IntegerNetwork | Network:
    """The network; what the file leaves open is printed, not warned of as Python does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network = api.read_network(path, steps, **more)
    for warning in caught:
        if isinstance(warning.message, Snn2hwWarning):
            console.print_warning(warning.message)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return network


def _require_integers_as_they_are(network: IntegerNetwork, path: str, target: str | None, stop_after: str | None) -> None:
    """What is integers already passes no pass and is lowered to no other target."""
    if stop_after is not None:
        raise UsageError(
            "this file holds integers already, which no pass changes",
            where=path,
            got=f"--stop-after {stop_after}",
            expected="a compilation to the end",
            do="leave it out; `snn2hw inspect` prints the network",
        )
    if target not in (None, network.target):
        raise UsageError(
            "the integers of this network are for another target",
            where=path,
            got=str(target),
            expected=network.target,
            do="leave the target out; only models with real parameters are lowered to one",
        )


def say_pass(step: Pass) -> None:
    """A line for each pass as it begins."""
    console.say(console.styled(f"{step.name:>10}", "dim"), f"  {step.says}")


def inspected_file(path: Path, steps: int | None) -> Artefact | None:
    """A file of integers, such as a .net file or a .nir file that `snn2hw export` wrote, as an artefact; None for
    another file, which has no integers before it is compiled.

    Args:
        path: of the file. steps: T, None: what the file says; a .nir file has none to be said before it is compiled.
    """
    if _is_nir(path):
        refuse_options({"--steps": steps}, "a .nir file", "leave it out: its nodes are the same at every step")
    network = exact_network(path) if _is_nir(path) else api.read_network(path, steps)
    return make_artefact(network) if isinstance(network, IntegerNetwork) else None


def _is_nir(path: str | Path) -> bool:
    check_ending(path)
    return suffix(path) == ".nir"


def print_uncompiled(path: Path, steps: int | None) -> None:
    """The nodes of a .nir file as they are; of another file the network that is read of it."""
    if not _is_nir(path):
        console.print_text(to_text(api.read_network(path, steps))[0].rstrip())
        console.say("next: ", console.command("snn2hw", "compile", path, "--sample", "x.npy"))
        return
    rows = [[n.name, n.kind, ", ".join(n.sources), _shapes(n)] for n in read_nir(path)]
    console.table(f"{path}: as it is, before a convention", ["node", "kind", "reads", "parameters"], rows)
    console.say("next: ", console.command("snn2hw", "compile", path, "--sample", "x.npy"), f" --convention {'|'.join(PRESETS)}")


def _shapes(node: NirNode) -> str:
    """Arrays by their shape, small ones by their value; a recurrent edge, which the file does not name, has none."""
    if node.kind == "Feedback":
        return "one step late"
    content = node.content
    hidden = ("metadata", "input_type", "output_type")
    found = {"shape": content.input_type["input"]} if type(content).__name__ in ("Input", "Output") else {}
    found |= {name: value for name, value in vars(content).items() if name not in hidden and value is not None}
    return "; ".join(f"{name} {_short(value)}" for name, value in found.items())


def _short(value: Any) -> str:
    if getattr(value, "size", 1) <= 4:
        return str(value.tolist() if hasattr(value, "tolist") else value)
    low, high = float(value.min()), float(value.max())
    return f"{list(value.shape)} {low:g}" + (f" to {high:g}" if low != high else "")
