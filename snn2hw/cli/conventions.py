"""What the command line says of the neurons of a .nir file: a convention, and its fields one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from snn2hw.cli.completion import among
from snn2hw.errors import UsageError
from snn2hw.formats.nir.convention import CUBA_INPUTS, CUBA_R, INPUTS, METHODS, MOST_LEVELS, NIR_RESETS, STARTS, THRESHOLDS, WHEN
from snn2hw.formats.nir.presets import PRESETS

PANEL = "How the neurons of a .nir file are stepped"  # the heading in --help


def _option(*names: str, help: str, metavar: str | None = None, words: Iterable[str] = ()) -> Any:
    offered = among(words)
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=PANEL, autocompletion=offered if words else None)


def _words(words: tuple[str, ...], help: str) -> Any:
    """An option that takes one of these words; they stand in the help, as the column of values is too narrow for them."""
    return _option(help=f"{help} One of: {', '.join(words)}.", words=words)


WHOSE = f"Whose neurons they are: {', '.join(PRESETS)}. The options below replace its fields."
STEP = "Seconds of a step. Default: the convention's; alone, NIR's equation under Euler."
MOST = f"Most spikes of a neuron in a step, 1 to {MOST_LEVELS}."
FLOOR = "An IF stays at -v_threshold or above."
LATE = "Recurrent synapses begin with the second step, their bias, too."
Convention = Annotated[str | None, _option(help=WHOSE, words=PRESETS)]
StepSeconds = Annotated[float | None, _option("--dt", help=STEP)]
Method = Annotated[str | None, _words(METHODS, help="How a time constant becomes a decay.")]
Reset = Annotated[str | None, _words(NIR_RESETS, help="To v_reset, by v_threshold, or no reset.")]
When = Annotated[str | None, _words(WHEN, help="In the step of the spike, or one step later, after decay and input.")]
Threshold = Annotated[str | None, _words(THRESHOLDS, help="Fires above the threshold, or at it, too.")]
Start = Annotated[str | None, _words(STARTS, help="Where membranes start.")]
Levels = Annotated[str | None, _option(help=MOST, metavar="N|any")]
IfFloor = Annotated[bool | None, _option("--if-floor/--no-if-floor", help=FLOOR)]
LifInput = Annotated[str | None, _words(INPUTS, help="The input of a LIF: scaled as in the equation, or added as it is.")]
IfInput = Annotated[str | None, _words(INPUTS, help="The same of an IF.")]
LateSynapses = Annotated[bool | None, _option("--late-synapses/--no-late-synapses", help=LATE)]
CubaInput = Annotated[str | None, _words(CUBA_INPUTS, help="The input of a neuron with a current.")]
CubaR = Annotated[str | None, _words(CUBA_R, help="What r of such a neuron means.")]


def read_levels(text: str | None) -> int | str | None:
    """Of --levels.

    Raises:
        UsageError: neither a whole number nor 'any'.
    """
    if text is None or text == "any":
        return text
    if not text.isdecimal():
        raise UsageError(
            "--levels is no number of spikes", got=repr(text), expected=f"1 to {MOST_LEVELS}, or any", do="give one of these"
        )
    return int(text)


def given(fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


def options(fields: Mapping[str, object]) -> list[str]:
    """Their names on the command line."""
    return [f"--{name.replace('_', '-')}" for name in fields]
