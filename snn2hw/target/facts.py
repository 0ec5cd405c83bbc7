"""One number of a chip: its value, or a span where sources contradict each other, how sure it is, and where it is from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from snn2hw.errors import TargetError

CONFIDENCES = {
    "F": "read in the named public repository or document",
    "P": "from an excerpt of a public page",
    "K": "general knowledge or an assumption, not verified",
}
ASSUMPTION = "assumption"  # how the source of a number begins that has none
FORM = '{ value = ..., confidence = "F" | "P" | "K", source = "..." }'
SPAN_FORM = '{ value = ... (or low = ..., high = ...), confidence = "F" | "P" | "K", source = "..." }'
UNIT_FORM = SPAN_FORM.replace(", confidence", ', unit = "...", confidence')


class Span(NamedTuple):
    """From the lowest (`low`) to the highest (`high`) that public sources say."""

    low: float
    high: float


@dataclass(frozen=True)
class Fact:
    """One number of a chip: its value, how sure it is (F, P, K), and where it comes from.

    Args:
        value: a number, text, true or false, a list of them, or a Span where sources contradict each other.
        confidence: its letter. source: a document and a place in it.
        unit: of the value, where the section asks for one; "" elsewhere.
    """

    value: Any
    confidence: str
    source: str
    unit: str = ""

    @property
    def low(self) -> Any:
        """The lowest value that a source says."""
        return self.value.low if isinstance(self.value, Span) else self.value

    @property
    def high(self) -> Any:
        """The highest value that a source says."""
        return self.value.high if isinstance(self.value, Span) else self.value

    @property
    def assumed(self) -> bool:
        """Whether nobody says it: the compiler needs a number, and the file makes one up and says so."""
        return self.confidence == "K" and self.source.startswith(ASSUMPTION)


def plain_fact(key: str, entry: Any, where: str) -> Fact:
    """The fact of an entry { value, confidence, source }.

    Args:
        key: its name. entry: what TOML made of it. where: the file, for messages.

    Raises:
        TargetError: another form.
    """
    complete = isinstance(entry, dict) and set(entry) == {"value", "confidence", "source"}
    if not complete or not _sourced(entry):
        raise _incomplete(key, entry, where, FORM)
    return Fact(entry["value"], entry["confidence"], entry["source"])


def span_fact(key: str, entry: Any, where: str, *, with_unit: bool = False) -> Fact:
    """The fact of an entry that has a value, or the two ends of a span, of whole or real numbers.

    Args:
        key: its name. entry: what TOML made of it. where: file and section, for messages.
        with_unit: whether it has a unit, too.

    Raises:
        TargetError: another form, or a span whose ends are no two numbers in this order.
    """
    rest = {"confidence", "source"} | ({"unit"} if with_unit else set())
    given = set(entry) - rest if isinstance(entry, dict) else set()
    if given not in ({"value"}, {"low", "high"}) or not rest <= set(entry) or not _sourced(entry):
        raise _incomplete(key, entry, where, UNIT_FORM if with_unit else SPAN_FORM)
    unit = str(entry.get("unit", ""))
    if given == {"value"}:
        return Fact(entry["value"], entry["confidence"], entry["source"], unit)
    low, high = entry["low"], entry["high"]
    if not (is_number(low) and is_number(high) and low < high):
        raise impossible(key, where, f"low = {low!r}, high = {high!r}", "two numbers, the lower one first")
    return Fact(Span(low, high), entry["confidence"], entry["source"], unit)


def impossible(key: str, where: str, got: str, expected: str) -> TargetError:
    """The error about a value that no chip has.

    Args:
        key: its name. where: file and section. got: the value. expected: what would have been taken.
    """
    return TargetError(f"'{key}' is impossible", where=where, got=got[:200], expected=expected, do="correct the value")


def copy_from(name: str, what: str) -> str:
    """What to do where something lacks: copy it from a target that comes with snn2hw, wherever that is installed.

    Args:
        name: of the target. what: the section or the field.
    """
    return f"copy {what} from {name}.toml (`snn2hw targets` says in which folder it is)"


def is_number(value: Any) -> bool:
    """Whether this is a finite number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def sayable(value: Any) -> bool:
    """Whether a fact may be this: it is printed as JSON."""
    if isinstance(value, list):
        return all(sayable(v) for v in value)
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _sourced(entry: Any) -> bool:
    return str(entry["confidence"]) in CONFIDENCES and bool(str(entry["source"]).strip())


def _incomplete(key: str, entry: Any, where: str, form: str) -> TargetError:
    return TargetError(
        f"'{key}' must have a value, a confidence and a source",
        where=where,
        got=repr(entry),
        expected=form,
        do="say where the number comes from",
    )
