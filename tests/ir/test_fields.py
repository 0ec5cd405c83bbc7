"""Fields of a network from a file: types and sizes that no computation is to meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import RuleError
from snn2hw.gate import MOST_STEPS
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.limits import MAX_INSTRUCTIONS
from snn2hw.ir.program import Instruction, Op
from snn2hw.ir.rules import check_integer
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntAdd, IntSumPool2d
from snn2hw.num import Rounding
from tests.hand_networks import counts, every_kind, every_kind_sample, lif, linear, network, readout
from tests.refused import refused


@pytest.fixture(scope="module")
def net() -> IntegerNetwork:
    return snn2hw.compile(every_kind(), every_kind_sample(4), target="generic").network


def changed(net: IntegerNetwork, kind: type, edit: Callable[[Any], Any]) -> IntegerNetwork:
    at = next(n for n, node in enumerate(net.nodes) if isinstance(node, kind))
    return replace(net, nodes=(*net.nodes[:at], edit(net.nodes[at]), *net.nodes[at + 1 :]))


def shifted(node: IntNeuron, times: int) -> IntNeuron:
    """The program with its first sum moved by nothing, so many times."""
    lines, last = list(node.program.instructions), node.program.input
    chain = []
    for n in range(times):
        last = Instruction(f"moved{n}", Op.SHIFT_RIGHT, (last.name,), (0, Rounding.FLOOR), last.format)
        chain.append(last)
    at = lines.index(node.program.input) + 1
    after = [replace(i, args=tuple(last.name if a == node.program.input.name else a for a in i.args)) for i in lines[at:]]
    return replace(node, program=replace(node.program, instructions=(*lines[:at], *chain, *after)))


POOL = Window((20001, 20001), (1, 1), (0, 0), (1, 1))


@pytest.mark.parametrize(
    ("kind", "edit", "broken"),
    [
        (IntAdd, lambda n: replace(n, shape=(True, 6, 6)), "a shape is of whole numbers from 1, 67108864 elements at most"),
        (IntAdd, lambda n: replace(n, shape=(1 << 20, 1 << 20)), "a shape is of whole numbers from 1, 67108864 elements at most"),
        (IntAdd, lambda n: replace(n, shape=(0,)), "a shape is of whole numbers from 1, 67108864 elements at most"),
        (IntAdd, lambda n: replace(n, shifts=(10**10, 0)), "the branches of an addition shift by 31 bits at most"),
        (IntAdd, lambda n: replace(n, shifts=(0,)), "the branches of an addition shift by 31 bits at most"),
        (IntAdd, lambda n: replace(n, source=7), "names are text"),
        (IntSumPool2d, lambda n: replace(n, window=POOL), "a window has 4096 places at most"),
        (
            IntSumPool2d,
            lambda n: replace(n, window=replace(POOL, stride=(0, 1))),
            "the stride of a window is two whole",
        ),
        (
            IntSumPool2d,
            lambda n: replace(n, window=replace(POOL, kernel=(2.0, 2))),
            "the kernel of a window is two",
        ),
        (IntNeuron, lambda n: shifted(n, 4000), f"a program has {MAX_INSTRUCTIONS} instructions at most"),
    ],
)
def test_a_field_that_cannot_be_is_named_at_once(
    net: IntegerNetwork, kind: type, edit: Callable[[Any], Any], broken: str
) -> None:
    made, begun = changed(net, kind, edit), time.perf_counter()
    with pytest.raises(RuleError) as caught:
        check_integer(made)
    assert caught.value.what.startswith(broken)
    assert time.perf_counter() - begun < 2


def test_a_long_program_is_checked_in_time(net: IntegerNetwork) -> None:
    begun = time.perf_counter()
    check_integer(changed(net, IntNeuron, lambda n: shifted(n, MAX_INSTRUCTIONS - 100)))
    assert time.perf_counter() - begun < 5


def test_more_steps_than_vectors_can_hold() -> None:
    with refused(
        snn2hw.errors.ValueRangeError,
        f"""
        a sample has too many steps
          where:    steps
          got:      100,000,000
          expected: at most {MOST_STEPS:,}
          do:       show a sample fewer times; most networks were trained with 4 to 100 steps
        """,
    ):
        snn2hw.formats.sample.input_node(np.zeros((1, 2)), 100000000, None)


@pytest.mark.parametrize("name", ["hidden/sum", "hidden/biased", "hidden~1sum", "constant/0", "x", "samples", "logits"])
def test_layers_called_like_generated_values_are_told_apart(name: str) -> None:
    from snn2hw.backends.reference import interpret
    from snn2hw.formats.onnx.read import from_onnx

    weight = ((1.0, -0.5), (0.25, 0.75))
    made = snn2hw.compile(
        network(
            2,
            counts(2),
            linear("hidden", "input", weight),
            lif("fire", "hidden"),
            linear(name, "fire", np.eye(2)),
            readout(name),
        ),
        stimulus := np.random.default_rng(0).integers(0, 2, (2, 5, 2)),
        target="generic",
    )
    again = from_onnx(made.model)
    payloads = snn2hw.api.stimulus(made, stimulus)
    assert np.array_equal(interpret(again, payloads).readout, interpret(made.network, payloads).readout)
    assert snn2hw.verify(made, stimulus, executors=("reference", "onnx-reference")).equal
