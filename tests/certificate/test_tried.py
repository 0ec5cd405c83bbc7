"""What trying gave is kept for the channels of a layer: the same as without, and nothing is tried twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snn2hw.certificate import tried as module
from snn2hw.certificate.engine import enumerate_slice
from snn2hw.certificate.tried import Tried
from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.num import Format
from tests.certificate.brute import NEURONS, layer
from tests.certificate.test_engine import parts_of

CHANNELS = 0, 1, 0


@pytest.mark.parametrize("target", ["generic", "loihi2"])
@pytest.mark.parametrize("which", NEURONS)
def test_every_channel_is_told_what_is_found_without(which: str, target: str) -> None:
    node, kept = layer(which, 12, target), Tried()
    for channel in CHANNELS:
        for part, held, (value, coefficients, unit) in parts_of(node, channel):
            found = kept.found(part, held, value, coefficients, unit, None)
            expected = enumerate_slice(part, held, value, coefficients, unit)
            assert found == expected
            assert list(found.ranges) == list(expected.ranges)


def test_channels_are_tried_once_for_what_they_have_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three channels the second has another threshold: what the state decays to does not read it, what fires does."""
    node = layer("LIF", 12)
    lines = [*node.program.instructions]
    theta = next(i for i in lines if i.name == "threshold")
    lines.append(Instruction("added", Op.ADD, ("threshold", "a1"), (), Format(20, 9, False)))  # a constant that nothing reads
    of_each = [replace(i, attrs=((512, 700, 512),)) if i is theta else i for i in lines]
    assert sum(i.op is Op.PARAM for i in of_each) == 2
    node, kept = replace(node, program=Program(node.program.kind, tuple(of_each), node.program.roles)), Tried()
    counted = dict[str, int]()

    def counting(part: Any, held: Any, *further: Any) -> Any:
        if held.hi > held.lo:
            counted[part.variable.name] = counted.get(part.variable.name, 0) + 1
        return enumerate_slice(part, held, *further)

    monkeypatch.setattr(module, "enumerate_slice", counting)
    told = list[int]()
    for channel in (0, 1, 2):
        for part, held, (value, coefficients, unit) in parts_of(node, channel):
            found = kept.found(part, held, value, coefficients, unit, told.append)
            assert found == enumerate_slice(part, held, value, coefficients, unit)
    assert counted == {"u": 1, "x": 1, "h_sum": 1, "h": 2}
    assert sum(told) > 0


def test_another_polynomial_is_another_error() -> None:
    """Equal integers that stand for other real numbers."""
    node, kept = layer("LNM", 12), Tried()
    part, held, (value, coefficients, unit) = next(p for p in parts_of(node, 0) if p[2][0])
    errors = [kept.found(part, held, value, given, unit, None).error for given in (coefficients, [2 * c for c in coefficients])]
    assert None not in errors
    assert errors[0] != errors[1]
