"""`snn2hw demo`: two networks from training to verified integers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snn2hw.cli.completion import targets
from snn2hw.cli.demo_run import run_demo
from snn2hw.cli.options import AsJson
from snn2hw.target import load_target


def demo(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("build/demo"),
    pretrained: Annotated[bool, typer.Option("--pretrained", help="Use the stored weights instead of training anew.")] = False,
    target: Annotated[str, typer.Option(help="The target to compile for.", autocompletion=targets)] = "loihi2",
    as_json: AsJson = False,
) -> None:
    """Train two spiking networks on real handwritten digits, take both to integers, run them everywhere, compare every bit.

    **Example**

    `snn2hw demo --pretrained`
    """
    load_target(target)  # before anything is trained
    raise typer.Exit(run_demo(out, pretrained, target, as_json=as_json))
