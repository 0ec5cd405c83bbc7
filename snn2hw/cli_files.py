"""Network files of other frameworks on the command line: what `compile` and `inspect` do with a .net or .nir file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from snn2hw import api, console, console_certificate
from snn2hw.artefact import Artefact
from snn2hw.errors import UsageError
from snn2hw.frontends.files import check_ending, suffix
from snn2hw.frontends.from_netx import from_netx
from snn2hw.frontends.nir_convention import PRESETS
from snn2hw.frontends.nir_exact import exact_network
from snn2hw.frontends.nir_file import NirNode, read_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.text import to_text
from snn2hw.models import read_samples
from snn2hw.passes.base import Options, Pass
from snn2hw.store import make_artefact

Convention = Annotated[str | None, typer.Option(help=f"Whose neurons a .nir file means: {', '.join(PRESETS)}.")]
StepSeconds = Annotated[float | None, typer.Option("--dt", help="Seconds of a step of a .nir file. Default: the convention's.")]


def compile_file(
    path: str,
    target: str,
    folder: Path,
    stop_after: str | None,
    steps: int | None,
    sample: Path | None,
    options: Options,
    convention: str | None,
    dt: float | None,
) -> Artefact | None:
    """The artefact of a network file, written to `folder`; None where a network was printed after a pass instead."""
    x = None if sample is None else read_samples(sample)
    more: dict[str, Any] = {}
    if _is_nir(path):
        more = {"sample": x, "convention": convention, "dt": dt}
    elif convention is not None or dt is not None:
        raise UsageError("--convention and --dt are for .nir files", got=path, expected="*.nir", do="leave them out")
    network = api.read_network(path, steps, **more)
    if stop_after is not None:
        shown: Any = network
        if not isinstance(network, IntegerNetwork):
            assert x is not None  # what reads a network of the real stage asks for samples
            done = api.run_passes(network, x, target, options, stop_after)
            shown = done.integer or done.real
        console.print_text(to_text(shown)[0].rstrip())
        return None
    with console_certificate.without_warnings(), console_certificate.certifying() as certifying:
        return api.compile(network, x, steps, target, folder, options=options, progress=say_pass, certifying=certifying)


def say_pass(step: Pass) -> None:
    """A line for each pass as it begins."""
    console.say(f"[dim]{step.name:>10}[/]  {step.says}")


def inspected_file(path: Path) -> Artefact | None:
    """A .net file, and a .nir file that `snn2hw export` wrote, as an artefact; None for another .nir file, whose nodes are
    printed: it has no integers before it is compiled."""
    network = exact_network(path) if _is_nir(path) else from_netx(path)
    if network is None:
        _inspect_nir(path)
        return None
    return make_artefact(network)


def _is_nir(path: str | Path) -> bool:
    check_ending(path)
    return suffix(path) == ".nir"


def _inspect_nir(path: Path) -> None:
    rows = [[escape(n.name), n.kind, escape(", ".join(n.sources)), _shapes(n)] for n in read_nir(path)]
    console.table(f"{path}: as it is, before a convention", ["node", "kind", "reads", "parameters"], rows)
    console.say(f"next: snn2hw compile {path} --sample x.npy --convention {'|'.join(PRESETS)}")


def _shapes(node: NirNode) -> str:
    """Arrays by their shape, small ones by their value; a recurrent edge, which the file does not name, has none."""
    if node.kind == "Feedback":
        return "one step late"
    content = node.content
    hidden = ("metadata", "input_type", "output_type")
    found = {"shape": content.input_type["input"]} if type(content).__name__ in ("Input", "Output") else {}
    found |= {name: value for name, value in vars(content).items() if name not in hidden and value is not None}
    return escape("; ".join(f"{name} {_short(value)}" for name, value in found.items()))


def _short(value: Any) -> str:
    if getattr(value, "size", 1) <= 4:
        return str(value.tolist() if hasattr(value, "tolist") else value)
    low, high = float(value.min()), float(value.max())
    return f"{list(value.shape)} {low:g}" + (f" to {high:g}" if low != high else "")
