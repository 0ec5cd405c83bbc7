"""The tables of docs/how-to/custom.md: errors of the traces, and the spike counts of every stimulus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.dynamics.measure import NUDGE, Compared, Reals, median_rms_max

TARGET_ERROR = 1  # spikes


def lines(found: Sequence[Compared], pictures: Sequence[str]) -> Iterator[str]:
    """What the page says, with tables and plots."""
    columns = ("neuron", "bits: state / coefficient", "spikes, float", "integer", "count off by", "spike shifted by")
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for c in found:
        yield (
            f"| {c.case.name} | {c.width} | {sum(c.floats.counts)} | {sum(c.integers.counts)} "
            f"| {_off(c)} | {c.shift} {'step' if c.shift == 1 else 'steps'} |"
        )
    yield ""
    yield "| neuron | bits | one LSB | error until a spike is shifted: median, RMS, max | error, all steps: median, RMS, max |"
    yield "|---" * 5 + "|"
    for c in found:
        unit, size = c.case.unit
        cells = (_error(c, c.error[c.together]), _error(c, c.error))
        yield f"| {c.case.name} | {c.width} | {c.lsb * size:.2g} {unit} | {' | '.join(cells)} |"
    yield ""
    ways = ", ".join(str(w) for w in dict.fromkeys(c.width for c in found))
    yield f"Spikes of every stimulus: float; integers with {ways} bits. In brackets: the float counts"
    yield f"where the input is larger, and smaller, by {NUDGE:g} of itself, if one of them is another."
    yield ""
    for stimuli in dict.fromkeys(c.case.stimuli for c in found):
        yield "| neuron | " + " | ".join(stimuli) + " |"
        yield "|---" * (1 + len(stimuli)) + "|"
        for name in dict.fromkeys(c.case.name for c in found if c.case.stimuli == stimuli):
            widths = [c for c in found if c.case.name == name]
            yield f"| {name} | " + " | ".join(_counts(widths, n) for n in range(len(stimuli))) + " |"
        yield ""
    for name in pictures:
        yield f"![Float and integer trace of {name.removesuffix('.svg').replace('_', '-')}](custom/{name})"


def verdicts(found: Sequence[Compared]) -> Iterator[str]:
    """A line for every stimulus whose count is off by more than the target, and what floats do there themselves."""
    for c in found:
        for n, error in enumerate(c.count_errors):
            if abs(error) > TARGET_ERROR:
                own = c.own_errors[n]
                why = f"a float input changed by {NUDGE:g} moves it by {own}" if own > TARGET_ERROR else "NOT EXPLAINED"
                yield f"{c.case.name}, {c.case.stimuli[n]}, {c.width} bits: {error:+d} spikes; {why}"


def unexplained(found: Sequence[Compared]) -> bool:
    """Whether a count is off by more than the target where the float count is a number to compare with."""
    return any(
        abs(e) > TARGET_ERROR and own <= TARGET_ERROR for c in found for e, own in zip(c.count_errors, c.own_errors, strict=True)
    )


def _off(c: Compared) -> str:
    """The largest difference of a count; where it is beyond the target, of those stimuli whose float count is certain, too."""
    most = max(map(abs, c.count_errors))
    certain = max((abs(e) for e, own in zip(c.count_errors, c.own_errors, strict=True) if not own), default=0)
    return f"{most}" if most <= TARGET_ERROR else f"{most}; {certain} where floats agree with themselves"


def _error(c: Compared, error: Reals) -> str:
    """'median, RMS, max' in units of the neuron and, in brackets, in LSB."""
    unit, size = c.case.unit
    values = median_rms_max(error)
    return f"{_list(v * size for v in values)} {unit} ({_list(v / c.lsb for v in values)} LSB)"


def _list(values: Iterable[float]) -> str:
    """Two significant digits; whole numbers from 10 on."""
    return ", ".join(f"{v:,.0f}" if v >= 10 else f"{v:.2g}" for v in values)


def _counts(widths: Sequence[Compared], n: int) -> str:
    first = widths[0]
    text = " / ".join(str(k) for k in (first.floats.counts[n], *(c.integers.counts[n] for c in widths)))
    own = [r.counts[n] for r in first.nudged]
    return text if own == [first.floats.counts[n]] * 2 else f"{text} ({own[0]}, {own[1]})"
