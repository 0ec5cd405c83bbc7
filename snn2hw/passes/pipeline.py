"""The order of the passes: one list. Rules are checked before and after each; compilation can stop after any."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from snn2hw.errors import RuleError, UsageError
from snn2hw.layers import Synapse
from snn2hw.passes.base import Compilation, Pass, check_rules
from snn2hw.passes.calibrate import Calibrate
from snn2hw.passes.capacity import Capacity
from snn2hw.passes.fold import Fold
from snn2hw.passes.legalise import Legalise
from snn2hw.passes.lower import Lower
from snn2hw.passes.narrow import Narrow
from snn2hw.passes.to_integers import Quantise
from snn2hw.shown import one_of

PIPELINE: tuple[Pass, ...] = (
    Fold(),
    Capacity(),
    Calibrate(),
    Quantise(),
    Lower(),
    Narrow(),
    Legalise(),
)


def run_pipeline(c: Compilation, stop_after: str | None = None, progress: Callable[[Pass], None] | None = None) -> Compilation:
    """Run the passes in order, up to and including `stop_after`.

    Args:
        c: what enters the first pass. progress: called with every pass before it runs.

    Raises:
        UsageError: no pass is called `stop_after`.
        RuleError: a pass's own condition does not hold. Snn2hwError: what a pass objects to.
    """
    names = [p.name for p in PIPELINE]
    if stop_after is not None and stop_after not in names:
        do = one_of(stop_after, names)
        raise UsageError("unknown pass", got=repr(stop_after), expected=", ".join(names), do=do)
    check_rules(c)
    _check_layers(c)
    for step in PIPELINE:
        if progress is not None:
            progress(step)
        _insist(step, "cannot run", step.requires(c))
        before, c = c, step.run(c)
        check_rules(c)
        _insist(step, "broke its promise", step.ensures(before, c))
        if step.name == stop_after:
            break
    return c


def _check_layers(c: Compilation) -> None:
    """Whether the layers that have a width of their own are there."""
    synapses, neurons = [n.name for n in c.real.nodes if isinstance(n, Synapse)], [n.name for n in c.real.neurons]
    for kind, where, known in (("synaptic", "layer_bits", synapses), ("neuron", "layer_state_bits", neurons)):
        if other := [name for name in dict(getattr(c.options, where)) if name not in known]:
            raise UsageError(
                f"there is no such {kind} layer",
                where=where,
                got=", ".join(map(repr, other)),
                expected=f"of {', '.join(known)}",
                do="name layers as `snn2hw inspect` does",
            )


def _insist(step: Pass, what: str, broken: Iterable[str]) -> None:
    problems = list(broken)
    if problems:
        ran = ", ".join(p.name for p in PIPELINE[: PIPELINE.index(step)]) if step in PIPELINE else ""
        raise RuleError(f"the pass '{step.name}' {what}", where=f"after {ran or 'no pass'}", got="; ".join(problems))
