"""How far neurons that users write are from their equations: claims against steps taken in exact rationals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from snn2hw import nn
from snn2hw.certificate import equation
from snn2hw.errors import RuleError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Instruction, Op, declared_interval
from snn2hw.neurons.document import to_document
from snn2hw.num import Rounding
from tests.certificate.one_step import FLOAT, certified, claim_of, claimed, drawn, exact_step, lowered, many_steps, random_layers
from tests.refused import refused

pytestmark = pytest.mark.torch

TINY = Fraction(1, 10**9)  # the numbers of JSON are floats with six digits after the point


def assert_never_beyond(seed: int, node: IntNeuron, claim: dict[str, Any], points: int) -> None:
    """Every error of steps from these many states and inputs lies within its claim, in exact rationals."""
    raw = drawn(node, np.random.default_rng(seed), points)
    for n in range(points):
        channel = n % node.shape[0]
        step = exact_step(node, channel, {s: int(v[n, channel]) for s, v in raw.items()})
        for key, error in step.errors.items():
            said = claim_of(claim, key)
            lo, hi = (Fraction(end) for end in said["signed"])
            assert lo - TINY <= error <= hi + TINY, f"neuron_source({seed}), channel {channel}, {key}: {float(error)} of {said}"
            assert max(-lo, hi) == said["lsb"]
        for value, (ours, itself, apart) in step.decided.items():
            assert ours == itself or abs(apart) <= Fraction(claim["errors"]["comparisons"][value]["lsb"]) + TINY


def test_no_error_is_beyond_its_claim() -> None:
    for seed, node in random_layers(range(18)):
        assert_never_beyond(seed, node, claimed(node), 40)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(10))
def test_no_error_of_many_neurons_is_beyond_its_claim(chunk: int) -> None:
    for seed, node in random_layers(range(2000 + chunk * 40, 2040 + chunk * 40)):
        assert_never_beyond(seed, node, certified(node), 300)


def test_beyond_its_distance_a_comparison_decides_as_the_equation() -> None:
    """Within, it need not: of neurons of 8 bits a good many decide otherwise, none of them farther away than is claimed."""
    otherwise, nearly = 0, 0.0
    for seed, node in random_layers(range(0, 36, 3)):
        claim = claimed(node)["errors"]["comparisons"]
        for value, (ours, itself, apart) in many_steps(node, drawn(node, np.random.default_rng(seed), 10_000)).decided.items():
            differs = np.broadcast_to(ours != itself, (10_000, 3))
            away = np.abs(np.broadcast_to(apart, (10_000, 3))[differs])
            assert (away <= claim[value]["lsb"] + FLOAT).all()
            otherwise += len(away)
            nearly = max(nearly, float((away / max(claim[value]["lsb"], FLOAT)).max(initial=0.0)))
    assert otherwise > 100
    assert nearly > 0.75


class Adapting(nn.CustomNeuron):
    """Every kind of term: a polynomial, a product of two states, bounds, choices, a threshold that moves."""

    states: ClassVar = {"v": nn.State(range=(-2.0, 2.0)), "a": nn.State(range=(-1.0, 1.0), initial=0.25)}

    def step(self, x: Any, v: Any, a: Any) -> Any:
        v = 0.9 * v - 0.07 * v**3 + 0.3 * v * a + torch.clamp(x, -1.5, 0.75)
        s = nn.fire(v, 0.5 + torch.relu(a))
        return s, {"v": torch.where((s > 0) & (a < 0.9), -0.3 * v, v), "a": torch.minimum(0.95 * a + 0.1 * s, v + 0.6)}


ROUNDINGS = {r.value: r for r in Rounding}


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", [8, 16, 24])
def test_errors_are_bounded_whatever_a_shift_rounds(rounding: str, bits: int) -> None:
    node = lowered(Adapting(), bits, "generic", rounding=ROUNDINGS[rounding])
    assert_never_beyond(0, node, claimed(node), 100)


@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_words_of_wide_products_are_put_together_again(target: str) -> None:
    """24 bits times 16 are multiplied in words; taken for anything, their lowest bits alone would be thousands of units."""
    node = lowered(Adapting(), 24, target, coefficient_bits=12)
    assert any(i.op is Op.WRAP for i in node.program.instructions)
    errors = many_steps(node, drawn(node, np.random.default_rng(0), 20_000)).errors
    for state, said in claimed(node)["errors"]["states"].items():
        seen = float(np.abs(errors["states", state]).max())
        assert seen <= said["lsb"] + FLOAT
        assert said["lsb"] < 8 * seen


class Alone(nn.CustomNeuron):
    """One state, and a second one that follows from itself alone and counts nothing."""

    states: ClassVar = {"v": nn.State(range=(-1.0, 1.0)), "w": nn.State(range=(-1.0, 1.0), initial=0.75)}

    def __init__(self) -> None:
        super().__init__()
        self.decay = torch.nn.Parameter(torch.tensor([0.9, 0.9 + 1e-6, 0.5]))

    def step(self, x: Any, v: Any, w: Any) -> Any:
        v = nn.per_channel(self.decay) * v + 0.3 * x
        s = nn.fire(v, 0.4)
        return s, {"v": v - 0.4 * s, "w": 0.9 * w}


def everything(node: IntNeuron, *names: str) -> dict[str, Any]:
    """Every value of these sources together, [points, channels]; others are at their lowest."""
    found = {**node.program.states, node.program.input.name: node.program.input}
    ends = {name: declared_interval(i) for name, i in found.items()}
    axes = np.meshgrid(*(np.arange(ends[n].lo, ends[n].hi + 1) for n in names), indexing="ij")
    raw = {n: np.broadcast_to(np.ravel(a)[:, None], (a.size, node.shape[0])) for n, a in zip(names, axes, strict=True)}
    return {n: raw.get(n, np.full((1, node.shape[0]), held.lo)) for n, held in ends.items()}


def test_what_can_be_tried_is_claimed_exactly() -> None:
    """All states and inputs of 8 bits; the place of the worst is where it is. The third channel has another decay."""
    node = lowered(Alone(), 8, "generic", reach=300)
    claim = claimed(node)["errors"]
    for key, names in {("states", "v"): ("v", "x"), ("states", "w"): ("w",), ("output", ""): ("v", "x")}.items():
        said = claim_of({"errors": claim}, key)
        errors = many_steps(node, everything(node, *names)).errors[key]
        assert said["method"] == "enumerated"
        assert said["lsb"] == pytest.approx(np.abs(errors).max(), abs=2 * FLOAT)
        assert said["signed"] == pytest.approx([errors.min(), errors.max()], abs=2 * FLOAT)
        raw = {n: np.full((1, 3), v) for n, v in {"v": 0, "w": 0, "x": 0, **said["at"]}.items()}
        assert list(said["at"]) == list(names)
        at = float(many_steps(node, raw).errors[key][0, said["channel"]])
        assert abs(at) == pytest.approx(said["lsb"], abs=2 * FLOAT)


def test_channels_that_round_to_the_same_integers_are_looked_at_one_by_one() -> None:
    """0.9 and 0.900001 are one constant of 15 bits; what the second is off by is another number."""
    node = lowered(Alone(), 24, "generic")
    assert node.equation is not None
    values = [v for v in node.program.params.values() if len(v) == 3]
    assert len(values) == 1
    assert values[0][0] == values[0][1] != values[0][2]
    ((first, second, third),) = node.equation.parameters
    assert first != second

    def error(*decays: float) -> float:
        assert node.equation is not None
        of_these = replace(node, equation=replace(node.equation, parameters=(decays,)))
        return float(claimed(of_these)["errors"]["states"]["v"]["lsb"])

    each = [error(first, first, third), error(second, second, third)]
    assert abs(each[0] - each[1]) > 1.0
    assert error(first, second, third) == max(each)


def test_with_fewer_to_try_the_method_is_intervals_and_no_narrower(monkeypatch: pytest.MonkeyPatch) -> None:
    node = lowered(Alone(), 8, "generic", reach=300)
    tried = claimed(node)["errors"]["states"]["v"]
    for limit, method in ((3 * 256 * 601, "enumerated"), (3 * 256 * 601 - 1, "intervals")):
        monkeypatch.setattr(equation, "MOST_JOINT", limit)
        found = claimed(node)["errors"]["states"]["v"]
        assert found["method"] == method
        assert (found == tried) == (method == "enumerated")
        assert found["lsb"] >= tried["lsb"]


def test_the_certificate_states_the_equation_with_its_numbers() -> None:
    node = lowered(Alone(), 8, "generic")
    assert node.equation is not None
    assert claimed(node)["equation"] == {
        **to_document(node.equation.equation),
        "numbers": [[float(np.float32(0.9)), float(np.float32(0.900001)), 0.5]],
        "input_scale": [1.5 * 2.0**-9],
    }


def test_a_readout_is_as_far_off_as_the_state_that_leaves() -> None:
    class Leaky(nn.CustomNeuron):
        states: ClassVar = {"v": nn.State(range=(-1.0, 1.0))}

        def step(self, x: Any, v: Any) -> Any:
            v = 0.7 * v + x
            return v, {"v": v}

    errors = claimed(lowered(Leaky(), 16, "generic"))["errors"]
    assert errors["output"] == errors["states"]["v"]
    assert errors["output"]["lsb"] > 0.5
    assert errors["comparisons"] == {}


# mistakes of ours


def changed(node: IntNeuron, name: str, **fields: Any) -> IntNeuron:
    lines = [replace(i, **fields) if i.name == name else i for i in node.program.instructions]
    return replace(node, program=replace(node.program, instructions=tuple(lines)))


def first_of(node: IntNeuron, op: Op) -> Instruction:
    return next(i for i in node.program.of(op))


def test_a_comparison_of_another_kind_is_a_mistake_of_ours() -> None:
    node = lowered(Alone(), 8, "generic")
    name = first_of(node, Op.GE).name
    with refused(RuleError, f"a value is no such thing as the term that it stands for\n  where:    Alone\n  got:      {name}"):
        claimed(changed(node, name, op=Op.GT))


def test_a_choice_by_another_flag_is_a_mistake_of_ours() -> None:
    node = lowered(Adapting(), 8, "generic")
    choice, other = first_of(node, Op.SELECT), first_of(node, Op.GE)
    assert choice.args[0] != other.name
    with refused(
        RuleError, f"a value chooses by another comparison than its term\n  where:    Adapting\n  got:      {choice.name}"
    ):
        claimed(changed(node, choice.name, args=(other.name, *choice.args[1:])))


def test_a_term_that_no_value_stands_for_is_a_mistake_of_ours() -> None:
    node = lowered(Alone(), 8, "generic")
    assert node.equation is not None
    without = replace(node, equation=replace(node.equation, values=(None,) * len(node.equation.values)))
    with refused(RuleError, "no value of the program stands for a term\n  where:    Alone\n  got:      fire"):
        claimed(without)


def test_a_term_said_to_be_another_value_makes_an_error_large() -> None:
    """What the layer says of its values is believed nowhere: a wrong one is far from what it is said to be."""
    node = lowered(Alone(), 16, "generic")
    assert node.equation is not None
    honest = claimed(node)["errors"]["states"]["v"]["lsb"]
    place = node.equation.equation.updates[0]
    values = [*node.equation.values]
    values[place] = "w"
    lying = claimed(replace(node, equation=replace(node.equation, values=tuple(values))))
    assert lying["errors"]["states"]["v"]["lsb"] >= honest
