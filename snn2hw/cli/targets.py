"""`snn2hw targets`: the chips that networks are compiled for or estimated on, and where each number is from."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from snn2hw.cli import console
from snn2hw.cli.completion import targets as complete_targets
from snn2hw.cli.options import AsJson
from snn2hw.errors import UsageError
from snn2hw.target import CONFIDENCES, Chip, load_chip, target_names, targets_folder

NAMED = ("state_bits", "accumulator_bits", "coefficient_bits", "rounding")


def targets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show every fact of this target.", autocompletion=complete_targets)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Say only what a TOML file of yours states and lacks.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the targets, or every number of one with its source.

    **Examples**

    `snn2hw targets loihi2`

    `snn2hw targets --check my.toml`
    """
    if name is None:
        if check:
            raise UsageError("there is nothing to check", got="--check", expected="a target", do="name a target or a TOML file")
        console.print_json([_document(load_chip(n)) for n in target_names()]) if as_json else _list()
        return
    chip = load_chip(name)
    if as_json:
        console.print_json(_document(chip))
        return
    if not check:
        rows = [[k, json.dumps(f.value) + f" {f.unit}" * bool(f.unit), f.confidence, f.source] for k, f in chip.facts.items()]
        console.table(f"{chip.name}: {chip.says}", ["fact", "value", "confidence", "source"], rows)
    else:
        console.say(f"{name}: nothing is wrong with this target, '{chip.name}'; it states {len(chip.facts)} facts")
    for line in _notes(chip):
        console.say(line)
    if not check:
        console.say("confidence: " + "; ".join(f"{k} = {v}" for k, v in CONFIDENCES.items()))


def _document(chip: Chip) -> dict[str, Any]:
    facts = {k: {"value": f.value, "unit": f.unit, "confidence": f.confidence, "source": f.source} for k, f in chip.facts.items()}
    return {"name": chip.name, "says": chip.says, "compiled_for": not chip.estimate_only, "facts": facts, "notes": _notes(chip)}


def _list() -> None:
    rows = []
    for chip in map(load_chip, target_names()):
        known = [chip.neurons.get(n, "") for n in NAMED]
        cores = f"{chip.cores.per_chip:,}" if chip.cores else ""
        rows.append([chip.name, chip.says, *(_shown(v) for v in known), cores, "no" if chip.estimate_only else "yes"])
    head = ["target", "what it is", "state bits", "accumulator bits", "coefficient bits", "rounding", "cores", "compiled for"]
    console.table("", head, rows, (2, 3, 4, 6))
    console.say(f"their files are in {targets_folder()}; a copy of one, changed, is a target of your own: --target my.toml")


def _shown(value: Any) -> Any:
    return getattr(value, "value", value)


def _notes(chip: Chip) -> list[str]:
    """What the file says in words, and what nobody says."""
    only = [f"nothing is compiled for it: {chip.estimate_only}"] if chip.estimate_only else []
    missing = [] if chip.fpga else [f"not stated: {what}" for what in ("cores", "energy", "latency") if not getattr(chip, what)]
    return [*only, *(chip.cores.missing if chip.cores else ()), *missing]
