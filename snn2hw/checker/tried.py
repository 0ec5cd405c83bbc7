"""Every integer of one variable tried: what operators give for it, by the meaning that ONNX gives to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

CHUNK = 1 << 15  # values that are tried at once
Watch = Callable[[Any, Mapping[str, Any]], None]  # is shown every value of a variable and what follows from it
Ends = tuple[int, int, int, int]  # lowest value, where it first occurs, highest value, where it first occurs
Tried = dict[tuple[Any, ...], dict[int, Any]]  # operators and constants -> first value of a part -> `Ends` of each operator

# ONNX divides integers toward zero; divisors here are positive.
OPERATORS: Mapping[str, Callable[..., Any]] = {
    "Cast": lambda a: a * np.int64(1), "Identity": lambda a: a, "Neg": lambda a: -a, "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b, "Mod": lambda a, b: a % b, "Max": np.maximum, "Equal": np.equal,
    "Min": np.minimum, "Clip": lambda a, lo, hi: np.minimum(np.maximum(a, lo), hi), "Where": np.where, "Less": np.less,
    "Div": lambda a, b: np.sign(a) * (np.abs(a) // b), "Greater": np.greater, "GreaterOrEqual": np.greater_equal,
}  # fmt: skip


class Node(NamedTuple):
    """One operator of a function."""

    name: str
    op: str
    args: tuple[str, ...]


def every(
    name: str, held: tuple[int, int], inside: Sequence[Node], constants: Mapping[str, Any], tried: Tried, watch: Watch | None
) -> dict[str, Ends]:
    """The ends of what depends on one variable alone, in the order of `inside`.

    Args:
        name: of the variable. held: its range. inside: what depends on it, in order. constants: by name.
        tried: what was found for other channels; where the same operators meet the same constants, nothing is tried again.
        watch: called with the values tried and, by name, with what follows from them.
    """
    # Channels often differ in what is added first alone: then the sum is what is tried, for all of them at once.
    entry, added = (name, 0) if watch else _added(name, inside, constants)
    rest = [n for n in inside if n.name != entry]
    used = {a: constants[a] for n in rest for a in n.args if a in constants}
    parts = tried.setdefault((entry, *rest, *((a, int(n)) for a, n in used.items())), {})
    lo, hi = held[0] + added, held[1] + added
    seen = list[Any]()  # of every part [operators][4]
    for start in range(lo // CHUNK * CHUNK, hi + 1, CHUNK):
        part = max(start, lo), min(start + CHUNK, hi + 1)
        whole = part == (start, start + CHUNK) and not watch  # what is cut off at an end of the range hardly comes again
        ends = parts.get(start) if whole else None
        if ends is None:
            values = {**used, entry: np.arange(*part, dtype=np.int64)}
            ends = np.array([_ends(node, values, values[entry]) for node in rest], np.int64).reshape(-1, 4)
        if watch:
            watch(values[entry], {**constants, **values})
        elif whole:
            parts[start] = ends
        seen.append(ends)
    found = {n.name: (lo, lo, hi, hi) for n in inside if n.name == entry}
    found |= {node.name: ends for node, ends in zip(rest, _widest(np.array(seen)), strict=True)}
    return {n.name: (low, at - added, high, at_high - added) for n in inside for low, at, high, at_high in [found[n.name]]}


def _added(name: str, inside: Sequence[Node], constants: Mapping[str, Any]) -> tuple[str, int]:
    """The sum of a variable and a constant, which alone of what depends on it reads it, and the constant; else (name, 0)."""
    first, *others = [n for n in inside if name in n.args]
    if others or first.op not in ("Add", "Sub") or first.args[0] != name or first.args[1] not in constants:
        return name, 0
    constant = int(constants[first.args[1]])
    return first.name, constant if first.op == "Add" else -constant


def _ends(node: Node, values: dict[str, Any], raw: Any) -> Ends:
    """The ends of a node's value, and where they first occur of the values tried, `raw`; `values` gets what it is."""
    values[node.name] = value = OPERATORS[node.op](*(values[a] for a in node.args))
    low, high = int(value.argmin()), int(value.argmax())
    return int(value[low]), int(raw[low]), int(value[high]), int(raw[high])


def _widest(seen: Any) -> list[Ends]:
    """The ends of all parts [parts][operators][4], for each operator; of equal ones where the first part has them."""
    low, high, each = seen[:, :, 0].argmin(0), seen[:, :, 2].argmax(0), np.arange(seen.shape[1])
    ends = np.concatenate([seen[low, each, :2], seen[high, each, 2:]], 1)
    return [(a, b, c, d) for a, b, c, d in ends.tolist()]
