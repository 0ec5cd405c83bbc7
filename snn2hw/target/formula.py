"""A size that a chip computes from the shape of a layer, as text in its file: `channels * 2 ** ceil(log2(width))`."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping

# What a formula may name: of the layer that a core holds.
NAMES = ("input_channels", "channels", "height", "width", "kernel_height", "kernel_width", "neurons", "connections")
MOST_LETTERS = 400
LARGEST = 1 << 62

_CALLS: Mapping[str, Callable[..., float]] = {"ceil": math.ceil, "log2": math.log2, "max": max, "min": min}
_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: math.pow,
}
EXPECTED = f"+ - * / // **, ceil, log2, max, min, numbers, and the names {', '.join(NAMES)}"


def value(formula: str, names: Mapping[str, int]) -> int:
    """The size, a whole number from 0.

    Args:
        formula: as `problem` found nothing in it. names: a number for each of NAMES.
    """
    return int(_value(ast.parse(formula, mode="eval").body, names))


def problem(formula: object) -> str:
    """Why this is no formula; empty where it is one."""
    if not isinstance(formula, str) or len(formula) > MOST_LETTERS:
        return "a formula is a short text"
    try:
        value(formula, dict.fromkeys(NAMES, 3))
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, TypeError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""


def _value(node: ast.expr, names: Mapping[str, int]) -> float:
    found: float
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        found = node.value
    elif isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        found = _OPERATIONS[type(node.op)](_value(node.left, names), _value(node.right, names))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS and not node.keywords:
        found = _CALLS[node.func.id](*(_value(a, names) for a in node.args))
    else:
        raise ValueError(f"a formula has no {ast.unparse(node)[:60]}")
    if not abs(found) < LARGEST:
        raise ValueError("a formula gives a number that is too large")
    return found
