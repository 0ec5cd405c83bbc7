from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from snn2hw.files.stored import PIECE, pieces
from snn2hw.formats.sample import input_node, samples_array
from tests.refused import refused


def described(sample: Any, steps: int | None = 2, input_range: Any = None) -> tuple[Any, ...]:
    node, t = input_node(sample, steps, input_range)
    assert (node.name, node.inputs, node.source) == ("input", (), "input")
    return node.shape, node.lo, node.hi, node.static, node.counts, t


STATIC = np.array([[[0.0, 0.25], [0.5, 1.0]]])
COUNTS = np.array([[[0, 3]], [[1, 2]]])


@pytest.mark.parametrize(
    ("sample", "steps", "input_range", "expected"),
    [
        (STATIC, 5, None, ((2, 2), 0.0, 1.0, True, False, 5)),
        (STATIC.astype(np.float32), 1, (-1, 2.5), ((2, 2), -1.0, 2.5, True, False, 1)),
        (np.array([[0, 1]]), 3, None, ((2,), 0.0, 1.0, True, False, 3)),
        (COUNTS, None, None, ((2,), 0.0, 3.0, False, True, 2)),
        (COUNTS.astype(np.float64), None, None, ((2,), 0.0, 3.0, False, True, 2)),
        (COUNTS + 1, None, None, ((2,), 0.0, 7.0, False, True, 2)),
        (COUNTS - 1, None, None, ((2,), -3.0, 3.0, False, True, 2)),
        (COUNTS * 0, None, None, ((2,), 0.0, 1.0, False, True, 2)),
        (COUNTS > 1, None, None, ((2,), 0.0, 1.0, False, True, 2)),
        (COUNTS * 85, None, None, ((2,), 0.0, 255.0, False, True, 2)),
        (COUNTS / 3, None, None, ((2,), 0.0, 1.0, False, False, 2)),
        (COUNTS, None, (0, 4), ((2,), 0.0, 4.0, False, False, 2)),
    ],
)
def test_what_a_sample_says_of_the_input(sample: Any, steps: int | None, input_range: Any, expected: tuple[Any, ...]) -> None:
    assert described(sample, steps, input_range) == expected


def test_samples_keep_their_type() -> None:
    for dtype in (np.float32, np.int64, np.uint8, np.bool_):
        x = samples_array(np.zeros((2, 3), dtype))
        assert (x.dtype, x.shape) == (dtype, (2, 3))
    assert samples_array([[0, 1]]).tolist() == [[0, 1]]


@pytest.mark.torch
def test_torch_tensors_are_taken_out_of_the_graph() -> None:
    torch = pytest.importorskip("torch")
    x = samples_array(torch.ones(2, 3, requires_grad=True) * 0.5)
    assert isinstance(x, np.ndarray)
    assert x.tolist() == [[0.5] * 3] * 2


@pytest.mark.parametrize(
    ("sample", "got"), [(np.array(["a"]), "<U1"), (np.array([None]), "object"), (np.array([1j]), "complex128"), ("x", "<U1")]
)
def test_what_is_no_number_is_refused(sample: Any, got: str) -> None:
    with refused(
        ValueRangeError,
        f"""
        this is no array of numbers
          where:    samples
          got:      dtype {got}
          expected: an array or tensor of floats or integers
          do:       convert it to float or integer numbers
        """,
    ):
        samples_array(sample)


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(ValueRangeError) as caught:
        samples_array([[1, 2], [3]])
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["this is no array of numbers", "  where:    samples"]
    assert lines[2].startswith("  got:      setting an array element with a sequence.")
    assert lines[3:] == [
        "  expected: an array or tensor of floats or integers",
        "  do:       convert it to float or integer numbers",
    ]


@pytest.mark.parametrize("steps", [0, -1, 2.0, True, "4"])
def test_impossible_steps_are_refused(steps: Any) -> None:
    with refused(
        UsageError,
        f"""
        steps is no number of steps
          where:    steps
          got:      {steps!r}
          expected: 1, 2, 3, ...; none for temporal samples [T, N, ...]
          do:       give steps=T (--steps T): how often a static sample is shown
        """,
    ):
        input_node(STATIC, steps, None)


@pytest.mark.parametrize(("shape", "steps"), [((3,), 2), ((0, 3), 2), ((4,), None), ((4, 0, 3), None), ((2, 0), 1)])
def test_too_few_axes_are_refused(shape: tuple[int, ...], steps: int | None) -> None:
    with refused(
        ShapeError,
        f"""
        the sample has too few axes, or is empty
          where:    sample
          got:      {list(shape)}
          expected: [N, ...] with steps, [T, N, ...] without
          do:       give at least one sample, with its batch axis
        """,
    ):
        input_node(np.zeros(shape), steps, None)


def test_static_samples_without_steps_are_told_how_to_give_them() -> None:
    with refused(
        ShapeError,
        """
        the sample has too few axes, or is empty
          where:    sample
          got:      [4, 3]
          expected: [N, ...] with steps, [T, N, ...] without
          do:       give steps=T (--steps T) where it is [N, ...], static samples to be shown T times
        """,
    ):
        input_node(np.zeros((4, 3)), None, None)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_sample_is_looked_at_a_piece_at_a_time(place: int) -> None:
    """Whichever piece a value lies in, it counts: the largest, the least, one that is not whole, one that is no number."""
    x = np.ones((2, 1, 3 * PIECE // 16))
    assert len(list(pieces(x))) == 3
    at = (0, 0, place * x.shape[-1] // 3)
    for value, expected in ((9.0, (0.0, 15.0, True)), (-9.0, (-15.0, 15.0, True)), (0.5, (0.0, 1.0, False))):
        x[at] = value
        assert described(x, None)[1:5] == (*expected[:2], False, expected[2])
    for value in (np.nan, np.inf):
        x[at] = value
        with pytest.raises(ValueRangeError, match="the sample holds NaN or Inf") as caught:
            input_node(x, None, None)
        assert caught.value.got == f"1 of {x.size} values"
    x[:, :, -1 if place != 2 else 0] = np.nan
    with pytest.raises(ValueRangeError) as caught:
        input_node(x, None, None)
    assert caught.value.got == f"3 of {x.size} values"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_are_refused(bad: float) -> None:
    with refused(
        ValueRangeError,
        """
        the sample holds NaN or Inf
          where:    sample
          got:      2 of 6 values
          expected: finite numbers
          do:       clean the data
        """,
    ):
        input_node(np.array([[0.5, bad, 0.0], [bad, 1.0, 0.0]]), 2, None)


@pytest.mark.parametrize(
    ("sample", "input_range", "got", "expected"),
    [
        ([[0.5, 1.5]], None, "0.5 to 1.5", "0 to 1"),
        ([[-0.25, 1.0]], None, "-0.25 to 1", "0 to 1"),
        ([[0, 255]], None, "0 to 255", "0 to 1"),
        ([[0.0, 3.0]], (-1, 2.5), "0 to 3", "-1 to 2.5"),
    ],
)
def test_values_outside_the_range_are_refused(sample: Any, input_range: Any, got: str, expected: str) -> None:
    with refused(
        ValueRangeError,
        f"""
        the sample is outside its declared range
          where:    sample
          got:      {got}
          expected: {expected}
          do:       scale the samples, or give input_range=(lo, hi)
        """,
    ):
        input_node(sample, 2, input_range)


@pytest.mark.parametrize("bad", [(1, 0), (0, 0), (-2, -1), (0, float("nan")), (float("-inf"), 1), 5, ("a", "b"), (1,)])
def test_impossible_ranges_are_refused(bad: Any) -> None:
    with refused(
        ValueRangeError,
        f"""
        input_range is no range
          got:      {bad}
          expected: (lo, hi) with lo < hi and hi > 0
          do:       give the least and the greatest value that can enter, as input_range=(0, 1)
        """,
    ):
        input_node(STATIC, 2, bad)


@pytest.mark.parametrize(("top", "got"), [(256, "0 to 256"), (-256, "-256 to 0")])
def test_counts_beyond_eight_bits_are_refused(top: int, got: str) -> None:
    with refused(
        ValueRangeError,
        f"""
        the event counts do not fit 8 bits
          where:    sample
          got:      {got}
          expected: up to 255
          do:       use shorter time bins, or give input_range=(lo, hi) to have the values quantised
        """,
    ):
        input_node([[[0, top]]], None, None)


def test_masks_are_refused() -> None:
    with pytest.raises(ValueRangeError, match=r"^some of the values are masked\n  where:    samples\n  got:      2 of them\n"):
        samples_array(np.ma.MaskedArray(np.ones((2, 2)), [[True, False], [False, True]]))
