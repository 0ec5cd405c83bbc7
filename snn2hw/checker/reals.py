"""The real numbers that values of a function stand for. ONNX has no place for them, so the file's metadata states them."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

import numpy as np


class Real(NamedTuple):
    """What a value of a function stands for: a polynomial of one variable, in units of the state."""

    claim: str
    value: str
    coefficients: list[float]
    unit: float  # of the variable

    def distance(self, raw: Any, integer: Any) -> Any:
        """How far the integers are from the real numbers where the variable is `raw`."""
        return integer - np.polynomial.polynomial.polyval(raw * self.unit, self.coefficients)


def stated_reals(text: str, entry: str, channel: int) -> dict[str, Real]:
    """What a layer's metadata states for one channel, by the name of the variable; `entry` is the synaptic sum."""
    stated = re.search(r"^, meaning=(.*)\)$", text, re.M)
    call: Any = ast.parse(stated[1] if stated else "None", mode="eval").body
    meaning = {k.arg: ast.literal_eval(k.value) for k in getattr(call, "keywords", [])}
    if not meaning:
        return {}
    state, unit, head = (_unit(text, name) for name in (meaning["argument"], entry, meaning["head"]))
    row, factor = (of[channel % len(of)] for of in (meaning["coefficients"], meaning["input_factor"]))
    polynomial = Real("polynomial", meaning["polynomial"], [a / state for a in row], state)
    found = {meaning["argument"]: polynomial, entry: Real("input", meaning["head"], [0.0, factor / head], unit)}
    return {variable: real for variable, real in found.items() if real.value != variable}


def _unit(text: str, name: str) -> float:
    """The real number that 1 of a value stands for."""
    (places,) = re.findall(rf"^ +{name} = .* : [su]\d+\.(-?\d+) ", text, re.M)
    return float(2.0 ** -int(places))
