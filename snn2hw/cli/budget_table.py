"""An error budget, for people."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from snn2hw.api import DEFAULT_TARGET
from snn2hw.cli import console
from snn2hw.exploration.budget_result import Budget, Effect
from snn2hw.passes.base import Options


def print_budget(found: Budget, model: str, compiling: Sequence[str]) -> None:
    """A row for each quantiser, then the widths that are proposed.

    Args:
        found: what is said. model: what the user calls it. compiling: words that `snn2hw compile` needs besides these widths.
    """
    columns = ["quantiser", "bits", "flips", "accuracy", "same", "readout off by", "without: flips", "accuracy", "off by"]
    rows = [
        [str(r.quantiser), "" if r.bits is None else r.bits, *_effect(r.alone), *_without(r.without)]
        for r in found.rows
        if r.alone.flips or r.alone.error
    ]
    rows.append(["all of them", "", *_effect(found.whole), "", "", ""])
    silent = sum(not (r.alone.flips or r.alone.error) for r in found.rows)
    console.table(f"{model}: {found.samples} samples, float accuracy {_percent(found.accuracy)}", columns, rows, range(1, 9))
    if silent:
        console.say(f"{silent} more change nothing by themselves")
    console.say("flips: share of all spike values that differ from the float network's; without: it is float, all others are on")
    p = found.proposal
    if not p.widest:
        console.say("there are no weights, and no widths to propose")
        return
    of = " and ".join(kind for kind, own in (("the weights", p.layer_bits), ("the states", p.layer_state_bits)) if own)
    console.say(
        f"proposal: {_percent(p.share)} of the bits of {of} ({p.bits:,} of {p.widest:,}), accuracy "
        f"{_percent(p.accuracy)} untrained; {_percent(p.uniform)} with all"
    )
    own = {"--layer-bits": _by_layer(p.layer_bits), "--layer-state-bits": _by_layer(p.layer_state_bits)}
    console.say("next: ", console.command("snn2hw", "compile", model, *compiling, *spelt(own)))


def _by_layer(widths: Mapping[str, int]) -> str | None:
    return ",".join(f"{name}={bits}" for name, bits in widths.items()) or None


def spelt(options: Mapping[str, object]) -> list[str]:
    """Options as words of a command line.

    Args:
        options: values by their names; None where one is left out.
    """
    return [str(word) for option, value in options.items() if value is not None for word in (option, value)]


def unusual(options: Options, target: str) -> dict[str, object]:
    """What `snn2hw compile` must be told to compile with these options, as it would take others by itself.

    Args:
        options: widths and scales. target: a name, or a file.
    """
    usual = Options()
    asked = {
        "--target": (target, DEFAULT_TARGET), "--state-bits": (options.state_bits, usual.state_bits),
        "--weight-bits": (options.weight_bits, usual.weight_bits), "--scales": (options.scales, usual.scales),
    }  # fmt: skip
    return {option: value for option, (value, default) in asked.items() if value != default}


def _effect(e: Effect) -> list[str]:
    return [_percent(e.flips), _percent(e.accuracy), _percent(e.same_prediction), _percent(e.error)]


def _without(e: Effect | None) -> list[str]:
    return ["", "", ""] if e is None else [_percent(e.flips), _percent(e.accuracy), _percent(e.error)]


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def budget_picture(found: Budget) -> bytes:
    """Its bars as a PNG."""
    from snn2hw.plot import budget

    out = io.BytesIO()
    figure: Any = budget(found).figure
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()
