"""Ways to damage bytes and trees. Each returns what it did, in words, and the damaged thing."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

HUGE: tuple[Any, ...] = (
    -1, 0, 1, 2, 255, 256, 65536, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 10**10, 10**30, -(2**63), 10**400,
    1e308, 1e-320, -0.0, 0.5,
)  # fmt: skip
OTHER: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "x",
    "²",
    "\x00",
    "[/x]",
    "../x",
    [],
    {},
    [[]],
    [1, 2],
    {"a": 1},
    0,
    -1,
    1.5,
    "1",
)
NEST = "\x00nested\x00"  # stands for very deep nesting until the text is written


def damaged_bytes(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Flipped bits, cuts, splices, other integers, other digits: whatever happens to files that are only bytes."""
    return rng.choice(BYTE_MUTATORS)(rng, data)


def flip(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """One to eight bits flipped."""
    out, where = bytearray(data), [rng.randrange(len(data)) for _ in range(rng.choice((1, 1, 2, 8)))] if data else []
    for at in where:
        out[at] ^= 1 << rng.randrange(8)
    return f"bits flipped at {where}", bytes(out)


def truncate(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """The end missing."""
    size = rng.randrange(len(data) + 1)
    return f"cut to {size} bytes", data[:size]


def splice(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """A part removed, doubled, or copied over another part."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    at, how = rng.randrange(len(data) + 1), rng.choice(("removed", "inserted", "copied"))
    part = data[a:b]
    made = {
        "removed": data[:a] + data[b:],
        "inserted": data[:at] + part + data[at:],
        "copied": data[:at] + part + data[at + len(part) :],
    }
    return f"bytes {a} to {b} {how} at {at}", made[how]


def overwrite(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """A stretch of one value, or of noise."""
    at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8, 64))
    value = rng.choice((b"\x00", b"\xff", b"\x7f", b"0", b"9")) * size if rng.random() < 0.7 else rng.randbytes(size)
    return f"{value[:8]!r}... over {at}", data[:at] + value + data[at + size :]


def integer(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Another integer in 1, 2, 4 or 8 bytes, as headers hold sizes."""
    size, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
    at = rng.randrange(max(1, len(data) - size + 1))
    value = rng.choice((0, 1, 2**7, 2**15 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)) % 2 ** (8 * size)
    written = value.to_bytes(size, "little" if order == "little" else "big")
    return f"{value} as {size} bytes at {at}", data[:at] + written + data[at + size :]


def digits(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """A number that stands as text becomes another."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return truncate(rng, data)
    number, value = rng.choice(found), str(rng.choice((0, 1, 2, 3, 7, 64, 255, 10**5, 10**10, 10**20, -1))).encode()
    return f"{number[0][:20]!r} at {number.start()} became {value!r}", data[: number.start()] + value + data[number.end() :]


def junk(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Nothing, noise, or noise behind it."""
    how = rng.randrange(3)
    noise = rng.randbytes(rng.randrange(1, 200))
    return ("emptied", "only noise", "noise behind it")[how], (b"", noise, data + noise)[how]


Bytes = Callable[[random.Random, bytes], "tuple[str, bytes]"]
BYTE_MUTATORS: tuple[Bytes, ...] = (flip, flip, truncate, splice, overwrite, integer, digits, junk)


def places(tree: Any) -> list[tuple[Any, ...]]:
    """The path of every member of a tree of dicts and lists."""
    found: list[tuple[Any, ...]] = []
    ahead: list[tuple[tuple[Any, ...], Any]] = [((), tree)]
    while ahead:
        path, value = ahead.pop()
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, member in inner:
            found.append((*path, key))
            ahead.append(((*path, key), member))
    return found


def damaged_tree(rng: random.Random, tree: Any) -> tuple[str, Any]:
    """A copy of a JSON tree with one member dropped, moved, nested, of another type, or another number."""
    tree = json.loads(json.dumps(tree))
    paths = places(tree)
    if not paths:
        return "replaced", rng.choice(OTHER)
    path = rng.choice(paths)
    owner = _at(tree, path[:-1])
    old, how = owner[path[-1]], rng.choice(("drop", "number", "number", "type", "type", "nest", "copy", "text"))
    if how == "drop":
        del owner[path[-1]]
        return f"{path} dropped", tree
    new: Any = {
        "number": lambda: _number(rng, old),
        "type": lambda: rng.choice(OTHER),
        "nest": lambda: rng.choice((NEST, [old], {"a": old})),
        "copy": lambda: _at(tree, rng.choice(paths)),
        "text": lambda: _text(rng, old),
    }[how]()
    owner[path[-1]] = json.loads(json.dumps(new))
    return f"{path}: {str(old)[:40]!r} became {str(new)[:40]!r}", tree


def _number(rng: random.Random, old: Any) -> Any:
    near = (old + 1, old - 1, -old, old * 2) if isinstance(old, int | float) and not isinstance(old, bool) else ()
    return rng.choice((*near, *HUGE))


def _text(rng: random.Random, old: Any) -> Any:
    if not isinstance(old, str) or not old:
        return rng.choice(("\ud7ff", "a" * 300, "\x1b[31m", "\u200b", "'\"\\\n\t", "NaN"))
    return damaged_bytes(rng, old.encode())[1].decode("utf-8", "replace")


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def written(tree: Any) -> bytes:
    """The tree as JSON, its nesting mark as 100,000 brackets."""
    deep = "[" * 100_000 + "]" * 100_000
    return json.dumps(tree, indent=1).replace(json.dumps(NEST), deep).encode()
