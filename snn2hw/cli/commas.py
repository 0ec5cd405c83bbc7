"""Options that take several values, with commas between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snn2hw.errors import UsageError


def joined(values: Sequence[object]) -> str:
    """As a user would type them."""
    return ",".join(map(str, values))


def numbers(given: str, option: str, what: str = "widths", example: str = "4,8") -> list[int]:
    """Whole numbers.

    Args:
        given: what stands behind `option`. what, example: what they are, for messages.

    Raises:
        UsageError: something else, or nothing.
    """
    found = words(given)
    if not found or not all(w.isascii() and w.isdigit() for w in found):
        raise UsageError(
            f"these are no {what}",
            where=option,
            got=repr(given),
            expected=f"whole numbers with commas: {example}",
            do=f"give {example}",
        )
    return [int(w) for w in found]


def only(given: list[Any], option: str) -> Any:
    """The only value: of states and targets a budget has one."""
    if len(given) != 1:
        raise UsageError(
            "an error budget is of one choice", where=option, got=", ".join(map(str, given)) or "none", expected="one value",
            do=f"give {option} once, with one value",
        )  # fmt: skip
    return given[0]


def words(given: str) -> list[str]:
    """What stands between the commas, without blanks about it."""
    return [w.strip() for w in given.split(",") if w.strip()]
