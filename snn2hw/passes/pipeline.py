"""The order of the passes: one list. Rules are checked before and after each; compilation can stop after any."""

from __future__ import annotations

from collections.abc import Callable

from snn2hw.errors import UsageError
from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.calibrate import Calibrate
from snn2hw.passes.fold import Fold
from snn2hw.passes.legalise import Legalise
from snn2hw.passes.lower import Lower
from snn2hw.passes.narrow import Narrow
from snn2hw.passes.quantise import Quantise

PIPELINE: tuple[Pass, ...] = (
    Fold(),
    Calibrate(),
    Quantise(),
    Lower(),
    Narrow(),
    Legalise(),
)


def run_pipeline(c: Compilation, stop_after: str | None = None, progress: Callable[[Pass], None] | None = None) -> Compilation:
    """Run the passes in order, up to and including `stop_after`.

    Raises:
        UsageError: no pass is called `stop_after`. Snn2hwError: whatever a pass objects to, with the pass named.
    """
    names = [p.name for p in PIPELINE]
    if stop_after is not None and stop_after not in names:
        raise UsageError("unknown pass", got=repr(stop_after), expected=", ".join(names), do="name one of these")
    PIPELINE[0].check(c)
    for step in PIPELINE:
        if progress is not None:
            progress(step)
        c = step.run(c)
        step.check(c)
        if step.name == stop_after:
            break
    return c
