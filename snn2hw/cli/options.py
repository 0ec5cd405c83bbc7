"""Arguments that several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snn2hw.cli.completion import among, models
from snn2hw.cli.loudness import loudness
from snn2hw.errors import UsageError
from snn2hw.ir.layout import NT, TN

Folder = Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")]
Samples = Annotated[
    Path | None,
    typer.Option(
        "--samples",
        "--input",
        "-i",
        help="Samples: .npy, .npz, a folder of them, or Zarr; [N, ...] for static input, [T, N, ...] for events. "
        "Default: vectors.npz.",
    ),
]
FloatModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="The float model that was compiled (digits_lnm, module:factory): says why the integers fire something else.",
        autocompletion=models,
    ),
]
FloatWeights = Annotated[str | None, typer.Option("--weights", help="With --model: a file of weights. Default: the model's own.")]
Layout = Annotated[
    str | None,
    typer.Option(
        help="Which axis of temporal samples is time: TN for [T, N, ...], NT for [N, T, ...].",
        show_default="TN",
        autocompletion=among((TN, NT)),
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", "-w", help="How many processes run batches of samples, each with one thread.", min=1)
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="A running Dask scheduler (tcp://host:8786), whose workers run the batches instead."
    ),
]


def _for_programs(given: bool) -> bool:
    """Nothing but the JSON may stand on stdout."""
    loudness.quiet = loudness.quiet or given
    return given


LayerBits = Annotated[
    str | None,
    typer.Option(help="Other widths of weights for some layers, by their names, with commas between: 0=4,fc1=3."),
]
LayerStateBits = Annotated[
    str | None,
    typer.Option(help="Other widths of states for some neuron layers, by their names, with commas between: 1=10,lif2=12."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.", callback=_for_programs)
]


def named_executors(given: str | None) -> list[str] | None:
    """Names of back ends, as `--executors` has them; None where it was not given.

    Raises:
        UsageError: it was given, and names none: nothing would be compared.
    """
    if given is None:
        return None
    names = [n.strip() for n in given.split(",") if n.strip()]
    if not names:
        raise UsageError(
            "no executor is named",
            where="--executors",
            got=repr(given),
            expected="names of `snn2hw backends`, with commas between them",
            do="name one or more, or leave --executors out: then all that are installed run",
        )
    return names


def layer_widths(given: str | None, option: str = "--layer-bits") -> dict[str, int]:
    """Widths by layer, as `--layer-bits` and `--layer-state-bits` have them.

    Raises:
        UsageError: something else.
    """
    found = {}
    for word in (w.strip() for w in (given or "").split(",") if w.strip()):
        name, _, bits = word.rpartition("=")
        if not name or not (bits.isascii() and bits.isdigit()) or name in found:
            raise UsageError(
                "this is no width of a layer",
                where=option,
                got=repr(word),
                expected="each layer once, with a whole number: 0=4,fc1=3",
                do="name layers as `snn2hw inspect` does",
            )
        found[name] = int(bits)
    return found
