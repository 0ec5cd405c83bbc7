"""Text for people: names are data. What a terminal would obey, hide or reorder is shown by its code instead.

    plain("fc[/x]")            fc[/x]
    plain("a\\nb")              a\\nb        as two letters, backslash and n
    plain("\\x1b[31mred")       \\x1b[31mred

Nothing else interprets what it is given: the console prints without markup, without emoji names, without highlighting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any

# Printable by Unicode, and yet without a mark on the screen: joiners, fillers, variation selectors, tags.
_UNSEEN = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0,
     *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000))
)  # fmt: skip


class Lines(str):
    """Text of several lines that another program printed, such as a log: shown line by line, each of them `plain`."""

    __slots__ = ()


def plain(text: str) -> str:
    """One line in which every character can be seen: controls, escape sequences, line breaks, zero-width and
    direction marks, lone surrogates and characters without a meaning as \\n, \\x1b, \\u200b, \\U000e0001.

    A backslash stays one: names with a backslash are common, names that imitate an escape are not.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() and ord(c) not in _UNSEEN else _code(c) for c in text)


def plain_lines(text: str) -> str:
    """Every line of a text `plain`; the line breaks stay, of every kind as \\n."""
    return "\n".join(map(plain, text.splitlines()))


def _code(character: str) -> str:
    return ascii(character)[1:-1]


def meant(name: str, known: Iterable[str]) -> str:
    """The beginning of advice where a name that is known looks like the one that was given: "did you mean 'loihi2'? else "."""
    from difflib import get_close_matches  # asked for only where something is wrong already

    near = get_close_matches(name.lower(), list(known), n=1)
    return f"did you mean '{near[0]}'? else " if near else ""


def one_of(name: str, known: Iterable[str]) -> str:
    """The advice where a name is not among those that are known."""
    return meant(name, known) + "name one of these"


MOST_ENTRIES, MOST_LETTERS = 8, 80  # of a collection, and of a text, that a repr shows
MOST = 199  # letters of a whole repr
DEPTH = 2  # of collections within each other


def brief(self: object) -> str:
    """The repr of a dataclass that holds much: one line of fewer than 200 letters, however large the network is.

    Arrays and bytes are their type and size, of collections the first entries, of what lies deeper the class and the name. Where
    that is too long, the longest collections are their number of entries; where it still is, fields at the end are left out.
    """
    return brief_of(self, **{f.name: getattr(self, f.name) for f in fields(self)})  # type: ignore[arg-type]


def shows_briefly(cls: type) -> None:
    """Give a class its `brief` repr before `dataclass`, which leaves one that is there, writes a long one."""
    if "__repr__" not in vars(cls):
        cls.__repr__ = brief  # type: ignore[assignment]


def brief_of(self: object, **told: Any) -> str:
    """The repr, as `brief` makes it, of what is worth telling of an object.

    Args:
        self: the object. told: by name, the most important first.
    """
    name, depth = type(self).__name__, dict.fromkeys(told, 1)
    parts = {field: f"{field}={_entry(value, 1)}" for field, value in told.items()}
    while len(whole := f"{name}({', '.join(parts.values())})") > MOST:
        shrinking = [field for field in told if depth[field] <= DEPTH]
        if not shrinking:
            return _first_of(name, list(parts.values()))
        longest = max(shrinking, key=lambda field: len(parts[field]))
        depth[longest] += 1
        parts[longest] = min(parts[longest], f"{longest}={_entry(told[longest], depth[longest])}", key=len)
    return whole


def _first_of(name: str, parts: Sequence[str]) -> str:
    """As many parts as there is room for."""
    shown = f"{name}("
    for part in parts:
        if len(shown) + len(part) + len(", ...)") > MOST:
            break
        shown += f"{part}, "
    return f"{shown}...)"


def _entry(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        return _bracketed("{}", (f"{_entry(k, depth + 1)}: {_entry(v, depth + 1)}" for k, v in value.items()), len(value), depth)
    if isinstance(value, list | tuple):
        return _bracketed("()" if isinstance(value, tuple) else "[]", (_entry(v, depth + 1) for v in value), len(value), depth)
    if is_dataclass(value):
        whole = repr(value) if depth == 1 else ""
        return whole if 0 < len(whole) <= MOST else _record(value)
    return _leaf(value)


def _bracketed(brackets: str, entries: Iterator[str], number: int, depth: int) -> str:
    left, right = brackets[0], brackets[1]
    if depth > DEPTH and number:
        return f"{left}{number:,} entries{right}"
    shown = list(islice(entries, MOST_ENTRIES))
    more = [f"... {number - len(shown):,} more"] if number > len(shown) else []
    lone = "," if brackets == "()" and number == 1 else ""
    return left + ", ".join(shown + more) + lone + right


def _record(value: Any) -> str:
    if "__str__" in vars(type(value)):
        return _cut(str(value))
    name = getattr(value, "name", None)
    return f"{type(value).__name__}({'...' if name is None else _cut(repr(name))})"


def _leaf(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, PurePath):
        return _cut(repr(str(value)))
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, bytes):
        return f"bytes[{len(value):,}]"
    return f"{type(value).__name__}(...)" if hasattr(value, "named_parameters") else _cut(repr(value))


def _cut(text: str) -> str:
    text = plain(text)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 3] + "..."
