"""Text for people: names are data. What a terminal would obey, hide or reorder is shown by its code instead.

    plain("fc[/x]")            fc[/x]
    plain("a\\nb")              a\\nb        as two letters, backslash and n
    plain("\\x1b[31mred")       \\x1b[31mred

Nothing else interprets what it is given: the console prints without markup, without emoji names, without highlighting.
"""

from __future__ import annotations

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
