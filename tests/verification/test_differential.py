"""The first difference of two traces: its order, its words, and the cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.errors import ArtefactError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints, Trace
from snn2hw.verification.differential import Difference, first_difference
from snn2hw.verification.stimuli import corner_payloads
from tests.refused import refused
from tests.verification.hand_networks import circulate, compiled, counts, every_kind, linear, network, readout


@pytest.fixture(scope="module")
def net() -> IntegerNetwork:
    return compiled(*every_kind())


@pytest.fixture(scope="module")
def payloads(net: IntegerNetwork) -> Ints:
    return corner_payloads(net)


@pytest.fixture(scope="module")
def right(net: IntegerNetwork, payloads: Ints) -> Trace:
    return interpret(net, payloads)


def changed(trace: Trace, **at: tuple[int, ...]) -> Trace:
    """One more at these places; 'lnm__u' is the state lnm.u."""
    arrays = {k: v.copy() for k, v in trace.arrays().items()}
    for name, place in at.items():
        key = name if name == "readout" else f"states/{name.replace('__', '.')}" if "__" in name else f"spikes/{name}"
        arrays[key][place] += 1
    return Trace.from_arrays(arrays, "changed")


def found(net: IntegerNetwork, got: Trace, right: Trace, payloads: Ints | None = None) -> Difference:
    difference = first_difference(net, "somebody", got, right, payloads)
    assert difference is not None
    return difference


def place(d: Difference) -> tuple[str, int, int, tuple[int, ...]]:
    return d.signal, d.step, d.sample, d.index


def test_equal_traces_have_no_difference(net: IntegerNetwork, right: Trace, payloads: Ints) -> None:
    assert first_difference(net, "somebody", interpret(net, payloads), right, payloads) is None


def test_an_earlier_step_comes_before_an_earlier_layer(net: IntegerNetwork, right: Trace) -> None:
    assert place(found(net, changed(right, lnm=(2, 0, 0, 0, 0), lif=(1, 4, 5)), right)) == ("lif", 1, 4, (5,))


def test_an_earlier_layer_comes_first_within_a_step(net: IntegerNetwork, right: Trace) -> None:
    got = changed(right, lif=(1, 0, 0), cf__u=(1, 6, 2, 5, 5), fire=(1, 0, 0, 0, 0))
    assert place(found(net, got, right)) == ("cf.u", 1, 6, (2, 5, 5))


def test_a_payload_comes_before_a_state_of_the_layer(net: IntegerNetwork, right: Trace) -> None:
    assert place(found(net, changed(right, lnm__u=(0, 0, 0, 0, 0), lnm=(0, 3, 1, 2, 3)), right)) == ("lnm", 0, 3, (1, 2, 3))


def test_a_state_of_an_earlier_step_comes_before_the_payload(net: IntegerNetwork, right: Trace) -> None:
    assert place(found(net, changed(right, lnm__u=(0, 6, 2, 5, 5), lnm=(1, 0, 0, 0, 0)), right)) == ("lnm.u", 0, 6, (2, 5, 5))


def test_the_lowest_sample_and_index_come_first(net: IntegerNetwork, right: Trace) -> None:
    got = changed(changed(right, lnm=(1, 2, 0, 5, 5)), lnm=(1, 1, 2, 0, 1))
    assert place(found(net, changed(got, lnm=(1, 1, 2, 1, 0)), right)) == ("lnm", 1, 1, (2, 0, 1))


def test_the_readout_comes_last(net: IntegerNetwork, right: Trace) -> None:
    assert place(found(net, changed(right, readout=(0, 0), lif__u=(2, 6, 7)), right)) == ("lif.u", 2, 6, (7,))
    d = found(net, changed(right, readout=(3, 2)), right)
    assert place(d) == ("readout", -1, 3, (2,))
    assert d.cause == "every spike and state is equal: the last synapse, or the sum over steps, differs"


def test_integers_are_plain_and_right(net: IntegerNetwork, right: Trace) -> None:
    d = found(net, changed(right, cf__u=(1, 2, 0, 3, 4)), right)
    assert type(d.got) is type(d.expected) is type(d.step) is type(d.sample) is int
    assert d.expected == right.states["cf.u"][1, 2, 0, 3, 4]
    assert d.got == d.expected + 1


def test_words(net: IntegerNetwork, right: Trace) -> None:
    d = Difference("lava", "cf.u", 2, 5, (0, 3, 4), -7, 8, "why")
    assert str(d) == "lava: cf.u at step 2, sample 5, neuron [0, 3, 4]: got -7, expected 8"
    assert str(replace(d, signal="readout", step=-1, index=(2,))) == "lava: readout, sample 5, neuron [2]: got -7, expected 8"


def test_readouts_alone_are_compared(net: IntegerNetwork, right: Trace) -> None:
    assert first_difference(net, "somebody", Trace(right.readout.copy()), Trace(right.readout)) is None
    d = found(net, changed(Trace(right.readout), readout=(2, 1)), Trace(right.readout))
    assert place(d) == ("readout", -1, 2, (1,))
    assert d.cause == "only the readout was compared; ask for traces to find the layer"


def test_traces_of_other_layers_are_refused(net: IntegerNetwork, right: Trace) -> None:
    spikes = {("other" if k == "cf" else k): v for k, v in right.spikes.items()}
    with refused(
        ArtefactError,
        """
        the traces are not of the same run
          where:    lava: spikes/cf
          got:      nothing
          expected: (3, 7, 3, 6, 6)
          do:       simulate the same artefact on the same samples with both
        """,
    ):
        first_difference(net, "lava", Trace(right.readout, spikes, right.states), right)


def test_traces_of_other_samples_are_refused(net: IntegerNetwork, right: Trace) -> None:
    with refused(
        ArtefactError,
        """
        the traces are not of the same run
          where:    lava: readout
          got:      (6, 4)
          expected: (7, 4)
          do:       simulate the same artefact on the same samples with both
        """,
    ):
        first_difference(net, "lava", right.part(0, 6), right)


def test_a_trace_without_layers_is_not_compared_with_one_that_has_them(net: IntegerNetwork, right: Trace) -> None:
    for a, b in ((Trace(right.readout), right), (right, Trace(right.readout))):
        with pytest.raises(ArtefactError, match="the traces are not of the same run"):
            first_difference(net, "lava", a, b)


START = "all that enters 'lnm' at step 0 is equal, so the fault is in its synapse or its neuron program"


def test_without_payloads_the_cause_is_the_place_only(net: IntegerNetwork, right: Trace) -> None:
    assert found(net, changed(right, lnm=(0, 0, 0, 0, 0)), right).cause == START


def test_values_that_no_sum_gives(net: IntegerNetwork, right: Trace, payloads: Ints) -> None:
    got = changed(changed(right, lnm=(0, 0, 0, 0, 0)), lnm=(0, 0, 0, 0, 0))  # a payload of 2 or 3 where there are 0 and 1
    cause = found(net, got, right, payloads).cause
    assert cause.startswith(f"{START}; no synaptic sum gives these values: the neuron program was executed differently\n")


def test_a_trace_that_the_law_gives_after_all(net: IntegerNetwork, right: Trace, payloads: Ints) -> None:
    cause = found(net, right, changed(right, lnm=(0, 0, 0, 0, 0)), payloads).cause
    assert cause.startswith(f"{START}; the reference gives these values too: the trace was changed afterwards\n")


def test_the_sum_that_gives_the_values_is_named_and_replayed_with_the_constants_of_its_channel() -> None:
    per_channel = circulate("fire", "fc", coefficients=((0.0, 0.5), (0.0, 0.25)))
    layers = linear("fc", "input", [[1.0, -0.5], [0.25, 0.25]]), per_channel, readout("fire")
    ones = np.ones((2, 1, 2), np.int64)
    net = compiled(network(2, counts(2), *layers), ones.astype(np.float64))
    right = interpret(net, ones)
    program = net.neurons[0].program
    other = interpret(net, np.stack([ones[0], ones[0] * 0]))
    # The second step as if nothing had entered the second neuron.
    spikes, states = right.spikes["fire"].copy(), right.states["fire.u"].copy()
    spikes[1, 0, 1], states[1, 0, 1] = other.spikes["fire"][1, 0, 1], other.states["fire.u"][1, 0, 1]
    d = found(net, Trace(right.readout, {"fire": spikes}, {"fire.u": states}), right, ones)
    assert (d.step, d.sample, d.index) == (1, 0, (1,))
    entering = 32  # 0.25 + 0.25 with six bits behind the point
    assert f"a synaptic sum of 0 instead of {entering} gives these values: the synapse is suspected\n" in d.cause
    _, head, *lines = d.cause.split("\n")
    assert head == "  the reference, line by line (channel 1):"
    assert len(lines) == len(program.instructions)
    before = int(right.states["fire.u"][0, 0, 1])
    assert before == 1 << 12  # 0.5 in s16.13
    assert lines[0].split() == [str(before), "u", "=", "state", *lines[0].split()[4:]]
    assert any(line.split()[:4] == [str(entering), "x", "=", "input"] for line in lines)
    factor = next(line for line in lines if " a1 = param " in line)
    assert int(factor.split()[0]) == program.params["a1"][1] != program.params["a1"][0]
    assert "values=..." in factor


def test_a_layer_that_another_step_fed_is_explained_with_that_step() -> None:
    drawing = np.array([[[1, 0]], [[0, 1]], [[1, 1]]])
    real = network(3, counts(2), linear("fc", "input", [[1.0, -0.5]]), circulate("fire", "fc"), readout("fire"))
    net = compiled(real, drawing.astype(np.float64))
    right = interpret(net, drawing)
    weight = net.nodes[1].weight[0].astype(int)  # type: ignore[attr-defined]
    for step in range(3):
        cause = found(net, changed(right, fire__u=(step, 0, 0)), right, drawing).cause
        (line,) = (line for line in cause.split("\n") if " x = input " in line)
        assert int(line.split()[0]) == int(weight @ drawing[step, 0])
