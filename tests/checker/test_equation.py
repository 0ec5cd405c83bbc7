"""The checker's own bounds of how far a user's neuron is from its equation; claims and models that are forged."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.checker.check import check_claims
from snn2hw.claims import differences
from snn2hw.fingerprints import fingerprints
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.integer import IntNeuron
from tests.certificate.one_step import CHANNELS, FLOAT, claim_of, drawn, many_steps
from tests.checker.tampering import Path, Written, written
from tests.random_equations import make_neuron, neuron_source

pytestmark = pytest.mark.torch


@cache
def compiled(seed: int, bits: int = 12, target: str = "generic") -> Written:
    """A random neuron of three channels between two layers, and its certificate."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, CHANNELS), make_neuron(neuron_source(seed), CHANNELS), nn.Linear(CHANNELS, 2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", snn2hw.errors.Snn2hwWarning)
        events = (torch.rand(4, 3, 5) < 0.5).float()
        return written(snn2hw.compile(model, events, target=target, options=snn2hw.Options(state_bits=bits)).network)


class Twice(nn.CustomNeuron):
    """Fires twice, by two comparisons of one kind, and resets by the first; its other state follows from itself alone."""

    states: ClassVar = {"v": nn.State(range=(-1.0, 1.0)), "w": nn.State(range=(-1.0, 1.0), initial=0.75)}

    def step(self, x: Any, v: Any, w: Any) -> Any:
        v = 0.9 * v + 0.3 * x
        first, second = nn.fire(v, 0.3), nn.fire(v, 0.6)
        return first + second, {"v": torch.where(first > 0, -0.2, v), "w": 0.9 * w}


def around(neuron: torch.nn.Module, bits: int) -> Written:
    """A neuron of one's own between two layers."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, CHANNELS), neuron, nn.Linear(CHANNELS, 2)).eval()
    events = (torch.rand(4, 3, 5) < 0.5).float()
    return written(snn2hw.compile(model, events, options=snn2hw.Options(state_bits=bits)).network)


def found(model: bytes, certificate: dict[str, Any]) -> list[str]:
    """What check says of a model and claims about it, the hashes made right."""
    return [str(f) for f in check_claims(model, {**certificate, "model": fingerprints(model)}).failures]


def test_the_checker_derives_the_same_bounds() -> None:
    for seed in range(6):
        before = compiled(seed, (8, 12, 16)[seed % 3], ("generic", "loihi2")[seed % 2])
        failures = check_claims(before.model, before.certificate).failures
        assert not failures, f"neuron_source({seed}): {failures[0]}"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_state_that_follows_from_itself_alone_need_not_count(bits: int) -> None:
    """Of a built-in neuron it does; of a user's it is anything in its range."""
    before = around(Twice(), bits)
    assert not check_claims(before.model, before.certificate).failures
    assert before.certificate["layers"][0]["errors"]["states"]["w"]["method"] == "enumerated"


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(8))
def test_the_checker_derives_the_same_bounds_of_many(chunk: int) -> None:
    for seed in range(3000 + chunk * 50, 3050 + chunk * 50):
        before = compiled.__wrapped__(seed, (8, 12, 16, 20)[seed % 4], ("generic", "loihi2")[seed % 2])
        failures = check_claims(before.model, before.certificate).failures
        assert not failures, f"neuron_source({seed}): {failures[0]}"


# claims that are forged


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def with_leaf(certificate: dict[str, Any], path: Path, change: Callable[[Any], Any]) -> dict[str, Any]:
    forged = copy.deepcopy(certificate)
    holder: Any = forged
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = change(holder[path[-1]])
    return forged


def test_a_bound_that_is_smaller_by_one_unit_is_found() -> None:
    before = compiled(1)
    errors = before.certificate["layers"][0]["errors"]
    named = [("output",), *(("states", s) for s in errors["states"]), *(("comparisons", c) for c in errors["comparisons"])]
    for key in named:
        path: Path = ("layers", 0, "errors", *key, "lsb")
        forged = with_leaf(before.certificate, path, lambda lsb: round(lsb - 1.0, 6))
        (failure,) = found(before.model, forged)
        assert failure.startswith(f"layers.{before.certificate['layers'][0]['layer']}.errors.{'.'.join(key)}.lsb: claimed ")


def test_another_method_is_found() -> None:
    before = compiled(1)
    state = next(iter(before.certificate["layers"][0]["errors"]["states"]))
    path: Path = ("layers", 0, "errors", "states", state, "method")
    forged = with_leaf(before.certificate, path, lambda method: {"intervals": "enumerated", "enumerated": "intervals"}[method])
    (failure,) = found(before.model, forged)
    assert ".method: claimed " in failure


def test_every_leaf_of_errors_and_equation_counts() -> None:
    """The least change of any number, flag or word that is said of the equation or of an error."""
    before = compiled(1)
    derived = check_claims(before.model, before.certificate).certificate
    (layer,) = before.certificate["layers"]
    paths = [*leaves({"errors": layer["errors"], "equation": layer["equation"]})]
    assert len(paths) > 100
    for path in paths:
        forged = with_leaf(before.certificate, ("layers", 0, *path), _other)
        assert len([*differences(forged, derived, {})]) == 1, path


def _other(leaf: Any) -> Any:
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, str):
        return leaf + "x"
    return leaf + 1 if isinstance(leaf, int) else float(np.nextafter(leaf, np.inf))


# models that are forged


def with_equation(before: Written, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The model, with another equation in its metadata."""
    model = onnx.load_model_from_string(before.model)
    (entry,) = (p for p in model.metadata_props if p.key == "snn2hw.network")
    document = json.loads(entry.value)
    (node,) = (n for n in document["nodes"] if "equation" in n)
    change(node["equation"])
    entry.value = json.dumps(document)
    data: bytes = model.SerializeToString(deterministic=True)
    assert data != before.model
    return data


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


class Decides(nn.CustomNeuron):
    """One state that nothing decides, beside one that fires."""

    states: ClassVar = {"v": nn.State(range=(-1.0, 1.0), initial=0.5), "w": nn.State(range=(-1.0, 1.0))}

    def step(self, x: Any, v: Any, w: Any) -> Any:
        w = 0.5 * w + 0.5 * torch.clamp(x, -1.0, 1.0)
        return nn.fire(w, 0.25), {"v": 0.9 * v, "w": w}


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
