"""The real numbers that values of a function stand for. ONNX has no place for them, so the file's metadata states them."""

from __future__ import annotations

from collections.abc import Mapping
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


def stated_reals(layer: Mapping[str, Any], entry: str, channel: int) -> dict[str, Real]:
    """What a layer's metadata states for one channel, by the name of the variable; `entry` is the synaptic sum."""
    meaning = layer["meaning"]
    if not meaning:
        return {}
    roles = layer["program"]["roles"]
    (argument, value), entering = (roles["polynomial"][r] for r in ("argument", "value")), roles["entering"]
    formats = {i["name"]: i["format"] for i in layer["program"]["instructions"]}
    state, unit, head = (_unit(formats[name]) for name in (argument, entry, entering))
    row, factor = (of[channel % len(of)] for of in (meaning["coefficients"], meaning["input_factor"]))
    polynomial = Real("polynomial", value, [a / state for a in row], state)
    found = {argument: polynomial, entry: Real("input", entering, [0.0, factor / head], unit)}
    return {variable: real for variable, real in found.items() if real.value != variable}


def _unit(stated: str) -> float:
    """The real number that 1 of a value stands for, of a format such as s16.13."""
    return float(2.0 ** -int(stated.split(".")[1]))
