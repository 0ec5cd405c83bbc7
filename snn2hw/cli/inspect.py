"""`snn2hw inspect`: the network, its programs, and why they are what they are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.cli import certificate_table, console
from snn2hw.cli.files import inspected_file, print_uncompiled
from snn2hw.cli.options import AsJson, Folder
from snn2hw.cli.usage import refuse_options
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
    as_json: AsJson = False,
) -> None:
    """Print the network and every neuron program, with formats; --why explains how each polynomial is evaluated.

    **Examples**

    `snn2hw inspect build/lnm`

    `snn2hw inspect build/lnm --layer 2 --why`

    `snn2hw inspect network.net --steps 17`
    """
    if as_json:
        given = {"--layer": layer, "--why": why or None, "--target": target}
        refuse_options(given, "--json", "leave them out: it prints the whole network")
    if is_network_file(artefact):
        loaded = inspected_file(artefact, steps)
    else:
        refuse_options({"--steps": steps}, "a compiled model", "leave it out: its steps are compiled")
        loaded = api.load(artefact)
    if loaded is None:
        given = {"--layer": layer, "--why": why or None, "--target": target, "--json": as_json or None}
        refuse_options(given, f"a {suffix(artefact)} file", "leave them out, or compile it first: its nodes are not integers yet")
        print_uncompiled(artefact, steps)
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
            certificate_table.print_candidates(api.explain(loaded, name, target), name)
        return
    refuse_options({"--target": target}, "a network without --why", "leave it out")
    if layer is None:
        console.print_network(loaded.network, console.artefact_title(loaded))
    for name in [layer] if layer is not None else list(programs):
        console.print_program(name, programs[name])
