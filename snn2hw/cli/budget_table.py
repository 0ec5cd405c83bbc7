"""An error budget, for people."""

from __future__ import annotations

import io
from typing import Any

from snn2hw.cli import console
from snn2hw.exploration.budget_result import Budget, Effect


def print_budget(found: Budget, model: str) -> None:
    """A row for each quantiser, then the widths that are proposed."""
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
    of = " and ".join(kind for kind, own in (("the weights", p.layer_bits), ("the states", p.layer_state_bits)) if own)
    console.say(
        f"proposal: {_percent(p.share)} of the bits of {of} ({p.bits:,} of {p.widest:,}), accuracy "
        f"{_percent(p.accuracy)} untrained; {_percent(p.uniform)} with all"
    )
    own = {"--layer-bits": p.layer_bits, "--layer-state-bits": p.layer_state_bits}
    told = {option: ",".join(f"{name}={bits}" for name, bits in each.items()) for option, each in own.items() if each}
    words = [word for pair in told.items() for word in pair]
    console.say("next: ", console.command("snn2hw", "compile", model, *words))


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
