"""States that count the steps: what they are at each, and the claims about layers whose thresholds follow them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.certificate.neuron import claims
from snn2hw.certificate.steps import At, at_step, steps
from snn2hw.errors import RuleError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Circulate
from snn2hw.ir.program import SPIKES, Op, Program, declared_interval, one_channel
from tests.certificate.brute import LNM, NEURONS, layer, values
from tests.hand_networks import compiled, one_neuron
from tests.roles import counter

FIRINGS = {
    "signed": Circulate((1.0, 0.5), (1.0, 0.5), True, (1.0, 0.5, 0.5, 2.0)),
    "closed": Circulate((0.5,) * 3, (1.0,) * 3, False, (1.0, 3.0)),
    "single": Circulate((1.0,), (1.0,), False, (4.0, 0.25, 8.0)),
}


def scheduled(which: str, **fields: Any) -> IntNeuron:
    made = replace(LNM, firing=FIRINGS[which], **fields)
    (node,) = compiled(one_neuron(made), state_bits=8).network.neurons
    return node


def changed(program: Program, name: str, **fields: Any) -> Program:
    return replace(program, instructions=tuple(replace(i, **fields) if i.name == name else i for i in program.instructions))


def test_a_counter_is_what_the_step_is_until_it_stays() -> None:
    program = scheduled("signed").program
    assert steps(program) == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    assert steps(changed(program, "n_one", attrs=(0,))) == [{"n": 0}]  # which only claims less steps
    assert steps(scheduled("closed").program) == [{"n": 0}, {"n": 1}]


@pytest.mark.parametrize("which", NEURONS)
def test_other_states_are_no_counters(which: str) -> None:
    program = one_channel(layer(which).program, 0)
    assert steps(program) == [At()]
    assert at_step(program, {}) is program


@pytest.mark.parametrize(
    "wrong",
    [
        ("n", {"attrs": (0, 3, 1)}),
        ("n_one", {"attrs": (2,)}),
        ("n_after", {"op": Op.SUB, "args": ("n_one", "n"), "attrs": ()}),  # 0, 1, 0, 1, ...
        ("n_after", {"op": Op.ADD, "args": ("n", "n_one"), "attrs": ()}),  # for ever
    ],
)
def test_what_follows_from_itself_and_does_not_count_is_an_error(wrong: tuple[str, dict[str, Any]]) -> None:
    with pytest.raises(RuleError, match="a state that follows from itself alone counts the steps"):
        steps(changed(scheduled("signed").program, wrong[0], **wrong[1]))


@pytest.mark.parametrize("reset", ["subtract", "value", "none"])
@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
@pytest.mark.parametrize("which", FIRINGS)
def test_claims_hold_for_every_state_input_and_step(which: str, order: str, reset: str) -> None:
    node = scheduled(which, order=order, reset=reset)
    program, held = one_channel(node.program, 0), (-7, 9)
    found = claims(node, [held, held])
    u, every = declared_interval(program.states["u"]), list[dict[str, Any]]()
    start = {"u": np.arange(u.lo, u.hi + 1)[:, None], program.input.name: np.arange(held[0], held[1] + 1)[None, :]}
    for at in steps(program):
        every.append(values(program, {**start, **{s: np.array([[n]]) for s, n in at.items()}}))
    for name, (lo, hi, _) in found["values"].items():
        seen = [int(min(v[name].min() for v in every)), int(max(v[name].max() for v in every))]
        assert lo <= seen[0] <= seen[1] <= hi, name
        if name.startswith(("threshold", "since", "n")):
            assert [lo, hi] == seen, name
    spikes, after = (program.outputs[to].name for to in (SPIKES, "u"))
    lo, hi = found["payloads"][0]
    assert lo <= min(v[spikes].min() for v in every) <= max(v[spikes].max() for v in every) <= hi
    lo, hi = found["states"]["u"]["next"]
    assert lo <= min(v[after].min() for v in every) <= max(v[after].max() for v in every) <= hi
    assert found["states"][counter(program)] == {"interval": [0, len(every) - 1], "initial": 0, "next": [1, len(every) - 1]}


@pytest.mark.parametrize("which", FIRINGS)
def test_the_firing_of_every_step_is_claimed(which: str) -> None:
    node = scheduled(which)
    found = claims(node, [(-7, 9), (-7, 9)])["firing"]
    unit = 2 ** node.program.by_name["h"].format.frac
    rows = FIRINGS[which].rows
    assert [f["at"] for f in found] == [{"n": t} for t in range(len(rows))]
    assert [f["thresholds"] for f in found] == [[int(theta * unit) for theta in row] for row in rows]
    assert {f["closed_form"] for f in found} == {which != "signed"}


def test_a_program_that_fires_otherwise_at_one_step_is_no_certificate() -> None:
    node = scheduled("closed")
    program = changed(node.program, "lowered1", args=("h", "threshold_from0"))
    with pytest.raises(RuleError, match="the firing of the program is not the one its constants state"):
        claims(replace(node, program=program), [(-7, 9), (-7, 9)])
