"""Models that state another equation, or other values for its terms, with every hash made right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.checker.check import check_claims
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.integer import IntNeuron
from tests.certificate.one_step import FLOAT, claim_of, drawn, many_steps
from tests.checker.of_users import Decides, Twice, around, compiled, found, with_equation

pytestmark = pytest.mark.torch


def _moved(said: dict[str, Any]) -> None:
    term = next(t for t in said["equation"]["terms"] if t["op"] == "constant" and t["value"] not in (0.0, 1.0, -1.0))
    term["value"] *= 1.01


FORGED: dict[str, Callable[[dict[str, Any]], None]] = {
    "a number of the equation": _moved,
    "a parameter": lambda said: said["parameters"][0].__setitem__(0, said["parameters"][0][0] + 1e-4),
    "the scale of what enters": lambda said: said["input_scale"].__setitem__(0, said["input_scale"][0] * 1.001),
    "the range of a state": lambda said: said["equation"]["states"][0]["range"].__setitem__(1, 7.0),
    "what leaves": lambda said: said["equation"].update(output=said["equation"]["updates"][0]),
}


@pytest.mark.parametrize("kind", FORGED)
def test_another_equation_in_the_model_is_found(kind: str) -> None:
    before = compiled(5)
    assert found(with_equation(before, FORGED[kind]), before.certificate)


def swapped(said: dict[str, Any]) -> None:
    """Another strictness, so that the equation decides otherwise where its operands are equal."""
    term = next(t for t in said["equation"]["terms"] if t["op"] == "fire")
    term["strict"] = not term["strict"]


def unsaid(said: dict[str, Any]) -> None:
    said["values"] = [None] * len(said["values"])


def twice(said: dict[str, Any]) -> None:
    """One comparison of the function for two of the equation."""
    places = [n for n, t in enumerate(said["equation"]["terms"]) if t["op"] in ("fire", "gt", "ge") and said["values"][n]]
    said["values"][places[1]] = said["values"][places[0]]


def crossed(said: dict[str, Any]) -> None:
    """Two comparisons of the function, each said to be the other."""
    a, b = (n for n, t in enumerate(said["equation"]["terms"]) if t["op"] == "fire")
    said["values"][a], said["values"][b] = said["values"][b], said["values"][a]


def wide(said: dict[str, Any]) -> None:
    """A product so large that nobody could work it out."""
    terms = said["equation"]["terms"]
    state = next(n for n, t in enumerate(terms) if t["op"] == "state")
    terms.append({"op": "mul", "args": [state, state]})
    terms += [{"op": "mul", "args": [len(terms) - 1 + n] * 2} for n in range(60)]
    said["values"] += [None] * 61


def long(said: dict[str, Any]) -> None:
    """A number so long that nobody could work it out."""
    terms = said["equation"]["terms"]
    terms.append({"op": "constant", "args": [], "value": 0.1})
    terms += [{"op": "mul", "args": [len(terms) - 1 + n] * 2} for n in range(60)]
    said["values"] += [None] * 61


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another strictness": (swapped, "is not the comparison of term"),
    "another comparison for each other": (crossed, "does not choose as its term does"),
    "a term that takes itself": (lambda said: said["equation"]["terms"][-1]["args"].__setitem__(0, -1), "are not all before it"),
    "a comparison that no value stands for": (unsaid, "the claims cannot be derived"),
    "one comparison for two": (twice, "or of two"),
    "a product without end": (wide, "a product of the equation is larger than is worked out here"),
    "a number without end": (long, "is longer than is worked out here"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_equation_that_is_none_is_refused_whatever_is_claimed(kind: str) -> None:
    before, (change, says) = around(Twice(), 12), REFUSED[kind]
    texts = found(with_equation(before, change), before.certificate)
    assert says in texts[0], texts[:3]


def test_whatever_a_model_says_of_its_values_the_bounds_derived_from_it_hold() -> None:
    """Values are dealt anew to the terms that have one. What is derived then is refused, or wide enough all the same."""
    held, refused = dealt(range(6))
    assert held
    assert refused


def test_what_is_tried_depends_on_all_that_a_decision_depends_on() -> None:
    """The equation is made to add a spike to the first state, and to compare what does not vary beside it. The function adds
    none, so they are a tenth apart where it fires, which depends on the other state and the input."""

    def add_a_spike(said: dict[str, Any]) -> None:
        terms, updates = said["equation"]["terms"], said["equation"]["updates"]
        fires = next(n for n, t in enumerate(terms) if t["op"] == "fire")
        state = next(n for n, t in enumerate(terms) if t.get("name") == "v")
        terms[fires]["args"][0] = state
        terms.append({"op": "constant", "args": [], "value": 0.1})
        terms.append({"op": "mul", "args": [fires, len(terms) - 1]})
        terms.append({"op": "add", "args": [updates[0], len(terms) - 1]})
        updates[0] = len(terms) - 1
        said["values"] += [None] * 3

    before = around(Decides(), 8)
    honest = before.certificate["layers"][0]["errors"]["states"]["v"]
    assert honest["method"] == "enumerated"
    assert honest["lsb"] < 1.0
    model = with_equation(before, add_a_spike)
    (layer,) = check_claims(model, before.certificate).certificate["layers"]
    assert layer["errors"]["states"]["v"]["lsb"] > 12.0


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(4))
def test_whatever_many_models_say_of_their_values_the_bounds_derived_from_them_hold(chunk: int) -> None:
    assert dealt(range(4000 + chunk * 50, 4050 + chunk * 50))[0] > 10


def dealt(seeds: range) -> tuple[int, int]:
    """How many were held to what was derived, how many refused."""
    held = refused = 0
    for seed in seeds:
        before, rng = compiled(seed), np.random.default_rng(seed)
        (node,) = (n for n in before.network.neurons if n.equation)
        forged = _dealt(node, rng)
        model = to_onnx(replace(before.network, nodes=tuple(forged if n is node else n for n in before.network.nodes)))[0]
        derived = check_claims(model, before.certificate).certificate
        if not derived:
            refused += 1
            continue
        layer = next(n for n in derived["layers"] if n["layer"] == node.name)
        raw = drawn(forged, rng, 3000)
        raw[node.program.input.name] = np.clip(raw[node.program.input.name], *np.array(layer["inputs"]).T)
        for key, errors in many_steps(forged, raw).errors.items():
            lo, hi = claim_of(layer, key)["signed"]
            assert (errors >= lo - FLOAT).all(), f"neuron_source({seed}): {key}"
            assert (errors <= hi + FLOAT).all(), f"neuron_source({seed}): {key}"
        held += 1
    return held, refused


def _dealt(node: IntNeuron, rng: np.random.Generator) -> IntNeuron:
    """Two of the terms have each other's value, or one has any value of the program."""
    assert node.equation is not None
    values = [*node.equation.values]
    places = [n for n, v in enumerate(values) if v is not None and v not in node.program.states]
    a, b = rng.permutation(places)[:2]
    if rng.random() < 0.5:
        values[a], values[b] = values[b], values[a]
    else:
        names = [i.name for i in node.program.instructions if i.args and i.op.value != "output"]
        values[a] = names[int(rng.integers(len(names)))]
    return replace(node, equation=replace(node.equation, values=tuple(values)))
