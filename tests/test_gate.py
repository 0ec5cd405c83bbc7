"""No way into an executor takes what is no input of the network; all of them refuse it in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

import snn2hw
from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.errors import RuleError, ShapeError, Snn2hwError, UsageError, ValueRangeError
from snn2hw.formats.sample import input_node
from snn2hw.gate import MOST_STEPS, integers, numbers
from snn2hw.ir.network import Network
from snn2hw.ir.rules import check_network
from snn2hw.trace import Trace
from tests import gate_cases
from tests.gate_cases import FEATURES, STEPS, TOP, attempts, event_counts, good, outcome
from tests.hand_networks import counts, lif, linear, network, one_neuron, readout, sample_of
from tests.refused import message, refused


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return event_counts(tmp_path_factory.mktemp("gate") / "net")


def available() -> list[str]:
    return [name for name, e in EXECUTORS.items() if not e.unavailable()]


def test_every_way_refuses_every_kind(artefact: Artefact) -> None:
    tried = [(way, kind, outcome(artefact, use, x)) for way, kind, use, x in attempts()]
    assert len({way for way, _, _ in tried}) >= 30
    assert [t for t in tried if t[2] != "refused"] == []


def said(artefact: Artefact, executor: str, x: Any) -> str:
    """What comes of it: the integers, or the words of the refusal."""
    try:
        trace = api.simulate_payloads(artefact, x, executor)
    except Snn2hwError as error:
        return str(error)
    return str({name: value.tolist() for name, value in trace.arrays().items()})


@pytest.mark.parametrize("kind", [*gate_cases.bad_arrays(), *gate_cases.bad_objects()])
def test_executors_refuse_in_the_same_words(kind: str, artefact: Artefact) -> None:
    x = {**gate_cases.bad_arrays(), **gate_cases.bad_objects()}[kind]
    words = {said(artefact, name, x) for name in (*EXECUTORS, *SIDE_EXECUTORS)}
    assert len(words) == 1, words


SHAPES = st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(3, 5))
TYPES = st.one_of(arrays.integer_dtypes(endianness="?"), arrays.unsigned_integer_dtypes(endianness="?"), arrays.boolean_dtypes(),
                  arrays.floating_dtypes(endianness="?", sizes=(16, 32, 64)))  # fmt: skip
ADMITTED = st.one_of(
    arrays.arrays(TYPES, SHAPES),
    arrays.arrays(TYPES.filter(lambda t: t.kind in "iu"), (STEPS, 2, FEATURES), elements=st.integers(0, 127)),
)


@settings(max_examples=40)
@given(x=ADMITTED)
def test_all_take_the_same_and_give_the_same(artefact: Artefact, x: Any) -> None:
    words = {said(artefact, name, x) for name in available()}
    assert len(words) == 1, words
    fits = x.dtype.kind in "iu" and x.shape[0] == STEPS and x.shape[2] == FEATURES and x.size > 0
    fits = fits and int(x.min()) >= 0 and int(x.max()) <= TOP
    assert words.pop().startswith("{") == fits


@pytest.mark.parametrize("name", [*EXECUTORS, *SIDE_EXECUTORS])
def test_300_is_no_event_count_up_to_255(name: str, artefact: Artefact) -> None:
    x = good()
    x[0, 0, 0] = 300
    with refused(
        ValueRangeError,
        f"""
        the spike values are outside the network's declared range
          where:    payloads
          got:      {x.min()} to 300
          expected: 0 to 255
          do:       give integers within it, or compile with a sample that covers them; snn2hw.simulate encodes real samples
        """,
    ):
        {**EXECUTORS, **SIDE_EXECUTORS}[name].run(artefact, x)


def test_six_steps_are_not_three(artefact: Artefact) -> None:
    with refused(
        ShapeError,
        """
        the spike values have another number of steps than the network
          where:    payloads
          got:      T = 6: [6, 2, 4]
          expected: [T = 3, N, 4]
          do:       give all 3 steps of every sample, or compile the network for 6
        """,
    ):
        api.simulate_payloads(artefact, np.concatenate([good(), good()]))


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (
            np.zeros((2, STEPS, FEATURES), int),
            """
            the spike values have another number of steps than the network
              where:    payloads
              got:      T = 2: [2, 3, 4]
              expected: [T = 3, N, 4]
              do:       give all 3 steps of every sample, or compile the network for 2
            """,
        ),
        (
            np.zeros((STEPS, FEATURES), int),
            """
            the spike values have another shape than the network's input
              where:    payloads
              got:      [3, 4]
              expected: [T = 3, N, 4]
              do:       give integers with the steps first, then the samples
            """,
        ),
        (
            np.zeros((STEPS, 0, FEATURES), int),
            """
            there are no samples
              where:    payloads
              got:      [3, 0, 4]
              expected: [T = 3, N, 4]
              do:       give at least one sample
            """,
        ),
    ],
)
def test_shapes_that_do_not_fit(x: Any, text: str, artefact: Artefact) -> None:
    with refused(ShapeError, text):
        api.simulate_payloads(artefact, x)


def test_nothing_is_run_before_all_is_looked_at(artefact: Artefact) -> None:
    x, done = np.concatenate([good(64), gate_cases._with(300)], axis=1), list[int]()
    with pytest.raises(ValueRangeError):
        api.simulate_payloads(artefact, x, progress=lambda name, n, total: done.append(n))
    assert done == []


def test_masked_samples_are_refused_and_a_mask_without_effect_is_none(artefact: Artefact) -> None:
    x = good()
    with refused(
        ValueRangeError,
        f"""
        some of the values are masked
          where:    samples
          got:      {(x > 100).sum()} of them
          expected: an array in which every value counts
          do:       say what stands in the place of masked values: x.filled(0)
        """,
    ):
        snn2hw.simulate(artefact, np.ma.masked_greater(x, 100))
    same = snn2hw.simulate(artefact, np.ma.masked_greater(x, TOP)).states["fire.u"]
    assert np.array_equal(same, snn2hw.simulate(artefact, x).states["fire.u"])
    filled = snn2hw.simulate(artefact, np.ma.masked_greater(x, 100).filled(0)).states["fire.u"]
    assert not np.array_equal(filled, same)


def test_the_sample_of_a_compilation_passes_the_gate_too() -> None:
    net = one_neuron(lif("fire", "fc"))
    with pytest.raises(ValueRangeError, match="masked"):
        snn2hw.compile(net, np.ma.masked_less(sample_of(net), 0.5))


def test_a_masked_array_that_holds_itself_ends(artefact: Artefact) -> None:
    x: list[Any] = [1]
    x.append(x)
    with pytest.raises(ValueRangeError, match="this is no array of numbers"):
        snn2hw.simulate(artefact, x)


def test_integers_beyond_int64_are_named() -> None:
    with refused(
        ValueRangeError,
        """
        an integer is too large for int64
          where:    a.npz: readout
          got:      18446744073709551604
          expected: at most 9223372036854775807
          do:       store signed integers; this one may be a negative number in an unsigned type
        """,
    ):
        integers(np.array([2**64 - 12], np.uint64), "a.npz: readout")
    assert integers(np.array([2**63 - 1], np.uint64), "").tolist() == [2**63 - 1]
    assert integers(np.array([-5], ">i2"), "").dtype == np.int64


def test_a_trace_whose_readout_would_wrap_is_none() -> None:
    """2**64 - 12 in uint64 would be equal to a readout of -12."""
    with pytest.raises(Snn2hwError, match="a trace holds integers only: an integer is too large for int64") as caught:
        Trace.from_arrays({"readout": np.array([[2**64 - 12]], np.uint64)}, "a.npz")
    assert caught.value.where == "a.npz: readout"


@pytest.mark.torch
def test_tensors_that_hold_numbers_are_taken_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([[0.0, 1.5], [2.0, 0.0]])
    negated = torch.complex(x, -x).conj().imag
    assert negated.is_neg()
    for tensor in (x, x.to_sparse(), x.bfloat16(), x.half(), x.to(torch.float8_e4m3fn), negated, x.double()):
        assert numbers(tensor).tolist() == x.tolist(), tensor
    assert numbers(x.to(torch.int32)).dtype == np.int32


@pytest.mark.torch
@pytest.mark.parametrize(
    ("kind", "got", "do"),
    [
        ("a meta tensor", "a tensor on the device 'meta', which holds no values", "give a tensor with values"),
        ("a quantised tensor", "a quantised tensor", "dequantise it: x.dequantize()"),
        ("a conjugate", "dtype complex64", "convert it to float or integer numbers"),
    ],
)
def test_tensors_that_hold_none(kind: str, got: str, do: str, artefact: Artefact) -> None:
    pytest.importorskip("torch")
    text = "this is no array of numbers\n  where:    samples\n  got:      {}\n  expected: {}\n  do:       {}"
    with refused(ValueRangeError, text.format(got, "an array or tensor of floats or integers", do)):
        snn2hw.simulate(artefact, gate_cases.bad_objects()[kind])


def test_an_iterator_without_a_batch_is_no_stimulus(artefact: Artefact) -> None:
    text = """
        there are no samples
          where:    samples
          got:      an iterator without a batch
          expected: one batch at least
          do:       make the iterator again where it was read before
        """
    with refused(ShapeError, text):
        snn2hw.simulate(artefact, iter([]))
    with refused(ShapeError, text):
        snn2hw.verify(artefact, iter([]), ("reference", "onnx-reference"))


def test_a_single_number_is_no_sample(artefact: Artefact, tmp_path: Path) -> None:
    for use in (snn2hw.simulate, lambda a, x: snn2hw.verify(a, x, ("reference", "onnx-reference"))):
        with pytest.raises(ShapeError, match="the samples have another shape than the network's input"):
            use(artefact, np.array(0.5))
    with pytest.raises(ShapeError, match="the samples have another shape than the network's input"):
        snn2hw.compile(artefact.network, np.array(0.5), out=tmp_path / "net")
    net = one_neuron(lif("fire", "fc"))
    with pytest.raises(Snn2hwError):
        snn2hw.compile(net, np.array(0.5))


def test_more_steps_than_any_sample_has_are_refused_before_anything_is_allocated() -> None:
    with refused(
        ValueRangeError,
        """
        a sample has too many steps
          where:    steps
          got:      100,000,000
          expected: at most 65,536
          do:       show a sample fewer times; most networks were trained with 4 to 100 steps
        """,
    ):
        input_node(np.zeros((2, 4)), 100_000_000, None)
    assert input_node(np.zeros((2, 4)), MOST_STEPS, None)[1] == MOST_STEPS
    with pytest.raises(UsageError, match="steps is no number of steps"):
        input_node(np.zeros((2, 4)), 0, None)


def test_a_network_with_too_many_steps_breaks_a_rule() -> None:
    net = network(2, counts(3), linear("fc", "input", np.eye(3)), lif("fire", "fc"), readout("fire"))
    check_network(net)
    text = message(check_network, Network(MOST_STEPS + 1, net.nodes), RuleError)
    assert text == "a network has too many steps\n  got:      T = 65,537\n  expected: at most 65,536\n  do:       use fewer"
