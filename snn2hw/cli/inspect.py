"""`snn2hw inspect`: the network, its programs, and why they are what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.cli import certificate_table, console, dynamics_table, network_table
from snn2hw.cli.files import inspected_file, print_uncompiled
from snn2hw.cli.options import AsJson, Folder
from snn2hw.cli.usage import refuse_options
from snn2hw.dynamics.audit import audit
from snn2hw.errors import UsageError
from snn2hw.formats.network_files import is_network_file, suffix
from snn2hw.integers import tables, write_tables
from snn2hw.ir.document import Arrays, head_of, node_document
from snn2hw.ir.text import to_text
from snn2hw.passes.polynomials.lowered import has_polynomial
from snn2hw.shown import one_of

INLINE = 4096  # numbers of an array that are printed; larger ones are named, and --weights writes them


def inspect(
    artefact: Folder,
    layer: Annotated[str | None, typer.Option(help="Only the program of this neuron layer.")] = None,
    why: Annotated[bool, typer.Option("--why", help="The ways to evaluate each polynomial that were weighed.")] = False,
    target: Annotated[str | None, typer.Option(help="With --why: the TOML file of your own that it was compiled for.")] = None,
    steps: Annotated[int | None, typer.Option(help="T of a network file, such as *.net, that does not say it.")] = None,
    dynamics: Annotated[
        bool, typer.Option("--dynamics", help="What each neuron does without input: fixed points, cycles, escapes to a bound.")
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="OUT",
            help="Write every integer constant with its real unit: OUT.npz, or a folder of .mem and .csv files.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --weights: replace what was edited.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the network and every neuron program, with formats; --why explains how each polynomial is evaluated, --dynamics what
    each neuron does by itself, before and after rounding; --weights writes all constants for other tools.

    **Examples**

    `snn2hw inspect build/lnm`

    `snn2hw inspect build/lnm --layer 2 --why`

    `snn2hw inspect build/lnm --dynamics`

    `snn2hw inspect build/lnm --weights weights` (a folder for an FPGA project; `weights.npz` is a file)

    `snn2hw inspect network.net --steps 17`
    """
    asked = {"--layer": layer, "--why": why or None, "--target": target, "--dynamics": dynamics or None, "--weights": weights}
    if is_network_file(artefact):
        loaded = inspected_file(artefact, steps)
    else:
        refuse_options({"--steps": steps}, "a compiled model", "leave it out: its steps are compiled")
        loaded = api.load(artefact)
    if loaded is None:
        given = {**asked, "--json": as_json or None}
        refuse_options(given, f"a {suffix(artefact)} file", "leave them out, or compile it first: its nodes are not integers yet")
        print_uncompiled(artefact, steps)
    elif dynamics:
        refuse_options({"--why": why or None, "--target": target}, "--dynamics", "ask for one after the other")
        _dynamics(loaded, _named(loaded, layer), str(artefact), as_json=as_json)
    elif weights is not None:
        refuse_options({**asked, "--weights": None}, "--weights", "ask for one after the other")
        _write(loaded, weights, force=force, as_json=as_json)
    elif as_json:
        refuse_options(asked, "--json", "leave them out: it prints the whole network")
        console.print_json(_document(loaded))
    elif why:
        polynomials = [n.name for n in loaded.network.neurons if has_polynomial(n)]
        for name in polynomials if _named(loaded, layer) is None else [str(layer)]:
            certificate_table.print_candidates(api.explain(loaded, name, target), name)
    else:
        refuse_options({"--target": target}, "a network without --why", "leave it out")
        _programs(loaded, _named(loaded, layer), artefact)


def _named(loaded: Artefact, layer: str | None) -> str | None:
    """The layer that is asked for, if any; there must be one of this name."""
    names = [n.name for n in loaded.network.neurons]
    if layer is not None and layer not in names:
        do = one_of(layer, names)
        raise UsageError("no neuron layer of this name", got=repr(layer), expected=", ".join(names), do=do)
    return layer


def _document(loaded: Artefact) -> dict[str, Any]:
    """The manifest, the network as text, and as data: every node and program with its constants; weights by name and shape."""
    arrays: Arrays = {}
    nodes = [node_document(n, arrays) for n in loaded.network.nodes]
    small = {name: array.tolist() for name, array in arrays.items() if array.size <= INLINE}
    large = {name: {"shape": list(a.shape), "dtype": str(a.dtype)} for name, a in arrays.items() if a.size > INLINE}
    network = {**head_of(loaded.network), "nodes": nodes, "constants": small, "arrays": large}
    return {**loaded.manifest, "network": network, "text": to_text(loaded.network)[0]}


def _write(loaded: Artefact, out: Path, *, force: bool, as_json: bool) -> None:
    written, found = write_tables(loaded, out, force=force), list(tables(loaded.network))
    if as_json:
        rows = [{"layer": t.layer, "table": t.name, "shape": list(t.values.shape), "bits": t.bits, "signed": t.signed,
                 "unit": list(t.unit)} for t in found]  # fmt: skip
        console.print_json({"path": str(written), "tables": rows})
        return
    console.say(f"written: {written}    real value = integer * unit")
    if without := [t.key for t in found if not t.unit]:
        console.say(f"without a unit, as their sums meet other weights before a neuron: {', '.join(without)}")


def _dynamics(loaded: Artefact, layer: str | None, title: str, *, as_json: bool) -> None:
    with console.progress("inspect: every state of every neuron"):
        found = {name: each for name, each in audit(loaded.network).items() if layer in (None, name)}
    if as_json:
        console.print_json(dynamics_table.to_document(found))
    else:
        dynamics_table.print_dynamics(found, title)


def _programs(loaded: Artefact, layer: str | None, path: Path) -> None:
    if layer is None:
        network_table.print_network(loaded.network, network_table.artefact_title(loaded, path))
    for node in loaded.network.neurons:
        if layer in (None, node.name):
            network_table.print_program(node.name, node.program)
