"""`snn2hw inspect`: the network, its programs, and why they are what they are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.cli import certificate_table, console, dynamics_table
from snn2hw.cli.files import inspected_file, print_uncompiled
from snn2hw.cli.options import AsJson, Folder
from snn2hw.cli.usage import refuse_options
from snn2hw.dynamics.audit import audit
from snn2hw.errors import UsageError
from snn2hw.formats.network_files import is_network_file, suffix
from snn2hw.ir.text import to_text
from snn2hw.passes.polynomials.lowered import has_polynomial


def inspect(
    artefact: Folder,
    layer: Annotated[str | None, typer.Option(help="Only the program of this neuron layer.")] = None,
    why: Annotated[bool, typer.Option("--why", help="The ways to evaluate each polynomial that were weighed.")] = False,
    target: Annotated[str | None, typer.Option(help="With --why: the TOML file of your own that it was compiled for.")] = None,
    steps: Annotated[int | None, typer.Option(help="T of a network file, such as *.net, that does not say it.")] = None,
    dynamics: Annotated[
        bool, typer.Option("--dynamics", help="What each neuron does without input: fixed points, cycles, escapes to a bound.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the network and every neuron program, with formats; --why explains how each polynomial is evaluated, --dynamics what
    each neuron does by itself, before and after rounding.

    **Examples**

    `snn2hw inspect build/lnm`

    `snn2hw inspect build/lnm --layer 2 --why`

    `snn2hw inspect build/lnm --dynamics`

    `snn2hw inspect network.net --steps 17`
    """
    asked = {"--layer": layer, "--why": why or None, "--target": target, "--dynamics": dynamics or None}
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
    elif as_json:
        refuse_options(asked, "--json", "leave them out: it prints the whole network")
        console.print_text(json.dumps({**loaded.manifest, "text": to_text(loaded.network)[0]}, indent=2))
    elif why:
        polynomials = [n.name for n in loaded.network.neurons if has_polynomial(n)]
        for name in polynomials if _named(loaded, layer) is None else [str(layer)]:
            certificate_table.print_candidates(api.explain(loaded, name, target), name)
    else:
        refuse_options({"--target": target}, "a network without --why", "leave it out")
        _programs(loaded, _named(loaded, layer))


def _named(loaded: Artefact, layer: str | None) -> str | None:
    """The layer that is asked for, if any; there must be one of this name."""
    names = [n.name for n in loaded.network.neurons]
    if layer is not None and layer not in names:
        raise UsageError("no neuron layer of this name", got=repr(layer), expected=", ".join(names), do="name one of these")
    return layer


def _dynamics(loaded: Artefact, layer: str | None, title: str, *, as_json: bool) -> None:
    found = {name: each for name, each in audit(loaded.network).items() if layer in (None, name)}
    if as_json:
        console.print_text(json.dumps(dynamics_table.to_document(found), indent=2))
    else:
        dynamics_table.print_dynamics(found, title)


def _programs(loaded: Artefact, layer: str | None) -> None:
    if layer is None:
        console.print_network(loaded.network, console.artefact_title(loaded))
    for node in loaded.network.neurons:
        if layer in (None, node.name):
            console.print_program(node.name, node.program)
