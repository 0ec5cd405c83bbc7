from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import Op
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.ir.text import to_text
from snn2hw.num import Format
from snn2hw.passes.narrow import Narrow
from snn2hw.verification.stimuli import corner_payloads
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.random_networks import compiled as compiled_case
from tests.random_networks import random_case


def both(stop: str) -> IntegerNetwork:
    return compiled(every_kind(), every_kind_sample(), stop_after=stop).network


def test_no_value_changes() -> None:
    before, after = both("lower"), both("narrow")
    payloads = np.concatenate([encode(before, every_kind_sample()), corner_payloads(before)], axis=1)
    a, b = interpret(before, payloads).arrays(), interpret(after, payloads).arrays()
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[k], b[k]) for k in a)
    assert all(a[f"spikes/{n.name}"].any() for n in before.neurons)


def test_every_format_is_the_narrowest_that_holds_the_interval() -> None:
    before, after = both("lower"), both("narrow")
    for old, new in zip(before.nodes, after.nodes, strict=True):
        assert new.interval == old.interval
        assert new.format == Format.holding(new.interval, old.format.frac)
        assert new.format.width < old.format.width == 32
        if isinstance(new, IntNeuron):
            assert isinstance(old, IntNeuron)
            known = ranges(new.program)
            for i, j in zip(old.program.instructions, new.program.instructions, strict=True):
                assert (j.name, j.op, j.args, j.attrs, j.format.frac) == (i.name, i.op, i.args, i.attrs, i.format.frac)
                assert j.format == Format.holding(known[j.name], i.format.frac)
                assert i.op is Op.WRAP or j.format.width < i.format.width == 62


def test_narrow_again_changes_nothing() -> None:
    done = compiled(every_kind(), every_kind_sample(), stop_after="narrow")
    assert to_text(Narrow().run(done).network)[0] == to_text(done.network)[0]


@pytest.mark.parametrize("seed", range(10))
def test_random_networks_are_legal_and_as_narrow_as_can_be(seed: int) -> None:
    done = compiled_case(random_case(seed))
    check_integer(done.network)
    assert to_text(Narrow().run(done).network)[0] == to_text(done.network)[0]
