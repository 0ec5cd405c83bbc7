"""`snn2hw targets`: the chips that networks are compiled for, and where each number is from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snn2hw.cli import console
from snn2hw.target import CONFIDENCES, load_target, target_names


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
