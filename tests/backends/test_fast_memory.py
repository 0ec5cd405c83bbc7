"""Where `fast` keeps weights, lists and sums, and samples that are as long as they may be."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.fast.built import build
from snn2hw.backends.fast.crossover import ALWAYS, NEVER
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.errors import UnsupportedError
from snn2hw.store import make_artefact
from snn2hw.verification.stimuli import corner_payloads
from tests.hand_networks import compiled as compiled_network
from tests.hand_networks import counts, every_kind, every_kind_sample, lif, linear, network, readout
from tests.native.compiling import needs_compiler
from tests.refused import refused

pytestmark = needs_compiler


def test_weights_lie_in_memory_as_layers_read_them() -> None:
    """What lies behind a block of weights is fetched while it is used: the next block, or the first one of the next layer."""
    net = compiled_network(every_kind(), every_kind_sample()).network
    made = build(net, still=False)
    kinds = [name.rstrip("0123456789") for name in made.source.arrays]
    assert kinds[:7] == ["weight_"] * 4 + ["event_weight_"] * 3  # an image is summed densely
    numbers = [int(name.removeprefix("weight_")) for name in made.source.arrays if name.startswith("weight_")]
    assert numbers == sorted(numbers)
    begins = [array.ctypes.data for array in made.arrays]
    ends = [begin + array.nbytes for begin, array in zip(begins, made.arrays, strict=True)]
    assert not any(begin % 64 for begin in begins)
    assert all(0 <= begin - end < 64 for begin, end in zip(begins[1:], ends, strict=False))


def test_memory_of_threads_on_the_same_samples_is_used_again() -> None:
    net = compiled_network(every_kind(), every_kind_sample()).network
    built, payloads = Fast(NEVER).built(make_artefact(net), False), corner_payloads(net)
    given = np.ascontiguousarray(payloads.transpose(1, 0, *range(3, payloads.ndim), 2), built.source.input_type[:-2])
    run = built.runner(given, np.empty((len(given), *net.readout.shape), np.int64), [], NEVER)
    for _ in range(3):
        with run.together() as join:
            join(0, 1)
        assert [len(lent) for lent in built.spare.values()] == [1, 1], "the arena of all, and what a thread has of its own"


def test_more_steps_than_the_stack_holds_are_refused() -> None:
    net = compiled_network(network(20_000, counts(2, hi=1), linear("fc", "input", np.eye(2)), readout("fc"))).network
    with refused(
        UnsupportedError,
        """
        the generated C keeps the sums of all steps at hand, and there are too many
          where:    fc (Linear)
          got:      20000 steps
          expected: at most 8192
          do:       use another executor, or shorter samples
        """,
    ):
        Fast().run(make_artefact(net), np.zeros((20_000, 1, 2), np.int64))


@pytest.mark.parametrize("percent", [NEVER, ALWAYS])
@pytest.mark.parametrize("steps", [1000, 8192])
def test_long_samples(steps: int, percent: int) -> None:
    """The last is the longest that the stack holds."""
    layers = (
        linear("fc", "input", np.eye(3)),
        lif("fire", "fc", strict=False),
        linear("head", "fire", np.eye(3)),
        readout("head"),
    )
    net = compiled_network(network(steps, counts(3, hi=1), *layers)).network
    payloads = np.random.default_rng(0).integers(0, 1, (steps, 1, 3), endpoint=True)
    wanted, got = interpret(net, payloads).arrays(), Fast(percent).run(make_artefact(net), payloads).arrays()
    assert [name for name in wanted if (wanted[name] != got[name]).any()] == []
    assert wanted["spikes/fire"].any()
