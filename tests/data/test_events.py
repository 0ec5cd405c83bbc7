"""Event streams and their frames."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from snn2hw.data import Events
from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from tests.refused import refused

pytestmark = pytest.mark.torch


def stream(events: list[tuple[int, int, int, int]], height: int = 6, width: int = 8) -> Events:
    columns = np.array(sorted(events), np.int64).reshape(-1, 4).T
    return Events(*columns, height=height, width=width)


EVENTS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 7), st.integers(0, 5), st.integers(0, 1)), max_size=40)


@given(EVENTS, st.integers(1, 12), st.integers(1, 6), st.integers(1, 8), st.sampled_from(["time", "count"]))
def test_every_event_is_in_its_cell(events: list[tuple[int, int, int, int]], steps: int, h: int, w: int, by: str) -> None:
    made = stream(events)
    frames = made.frames(steps, (h, w), by=by)
    by_hand = np.zeros((steps, 2, h, w), np.int64)
    for i, (t, x, y, p) in enumerate(sorted(events)):
        frame = t * steps // (max(e[0] for e in events) + 1) if by == "time" else i * steps // len(events)
        by_hand[frame, p, y * h // 6, x * w // 8] += 1
    assert np.array_equal(frames, by_hand)
    assert int(frames.sum()) == len(made) == len(events)


def test_duration_sets_the_length_of_a_frame() -> None:
    frames = stream([(0, 0, 0, 1), (249, 1, 0, 0), (250, 2, 0, 1), (999, 3, 0, 1)]).frames(4, duration=1000)
    assert frames.sum((1, 2, 3)).tolist() == [2, 1, 0, 1]
    assert (frames[0, 1, 0, 0], frames[0, 0, 0, 1], frames[1, 1, 0, 2], frames[3, 1, 0, 3]) == (1, 1, 1, 1)


@pytest.mark.parametrize("duration", [None, 1 << 60, 10**30])
def test_times_that_int64_cannot_multiply_are_counted_exactly(duration: int | None) -> None:
    t = [0, 1 << 59, (1 << 60) - 1]
    frames = stream([(time, n, 0, 1) for n, time in enumerate(t)]).frames(16, duration=duration)
    assert np.argwhere(frames)[:, 0].tolist() == [time * 16 // (duration or 1 << 60) for time in t]


def test_parts_of_different_length_are_refused() -> None:
    none = np.zeros(0, np.int64)
    with refused(
        ShapeError,
        """
        the parts of an event stream differ in length
          where:    Events
          got:      t [0], x [3], y [0], p [0]
          expected: t, x, y, p of shape [E]
          do:       give every event its time, x, y and polarity
        """,
    ):
        Events(none, np.zeros(3, np.int64), none, none, 4, 4)


@pytest.mark.parametrize(
    ("event", "name", "got", "expected", "do"),
    [
        ((0, 8, 0, 0), "x", "8..8", "0..7", "give the size of the sensor, or leave out events beyond it"),
        ((0, 0, 6, 0), "y", "6..6", "0..5", "give the size of the sensor, or leave out events beyond it"),
        ((0, 0, 0, 2), "p", "2..2", "0..1", "give p as 0 and 1"),
    ],
)
def test_what_lies_off_the_sensor_is_refused(
    event: tuple[int, int, int, int], name: str, got: str, expected: str, do: str
) -> None:
    with refused(
        ValueRangeError,
        f"""
        {name} of an event is out of range
          where:    Events
          got:      {got}
          expected: {expected}
          do:       {do}
        """,
    ):
        stream([event])


@pytest.mark.parametrize("t", [[3, 2], [-1, 2]])
def test_time_that_does_not_ascend_is_refused(t: list[int]) -> None:
    zeros = np.zeros(2, np.int64)
    with refused(
        ValueRangeError,
        """
        events are not in the order of time
          where:    Events
          expected: t ascending from 0 or later
          do:       sort them by t
        """,
    ):
        Events(np.array(t), zeros, zeros, zeros, 4, 4)


def test_frames_that_cannot_be_are_refused() -> None:
    events = stream([(10, 0, 0, 0)])
    with pytest.raises(UsageError, match="unknown by"):
        events.frames(3, by="events")
    with pytest.raises(ValueRangeError, match="steps is out of range"):
        events.frames(0)
    with pytest.raises(ValueRangeError, match=r"size\[1\] is out of range"):
        events.frames(2, (6, 9))
    with pytest.raises(ValueRangeError, match="duration is out of range") as caught:
        events.frames(2, duration=10)
    assert caught.value.expected == "duration at least 11"
    with refused(
        UsageError,
        """
        a size is no pair of numbers
          where:    Events.frames
          got:      2
          expected: (rows, columns)
          do:       pass both
        """,
    ):
        events.frames(2, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueRangeError, match="absurdly large"):
        events.frames(10**12)


@pytest.mark.parametrize(
    ("values", "got"),
    [([0, 1], "list"), (np.array([0.5, np.nan]), "ndarray of float64"), (np.array([None, None]), "ndarray of object")],
)
@pytest.mark.parametrize("name", ["t", "x", "y", "p"])
def test_what_is_no_array_of_whole_numbers_is_refused(name: str, values: object, got: str) -> None:
    """Floats were cut to whole numbers without a word."""
    parts = dict.fromkeys("txyp", np.zeros(2, np.int64)) | {name: values}
    with refused(
        UsageError,
        f"""
        {name} of events is no array of whole numbers
          where:    Events
          got:      {got}
          expected: a NumPy array [E] of an integer type
          do:       make it one: numpy.asarray(values).astype(numpy.int64)
        """,
    ):
        Events(**parts, height=4, width=4)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64, bool])
def test_polarities_of_any_integer_type_are_counted(kind: type) -> None:
    zeros = np.zeros(2, np.uint64)
    frames = Events(zeros, zeros, zeros, np.array([0, 1], kind), 2, 2).frames(1)
    assert frames[0, :, 0, 0].tolist() == [1, 1]


def test_a_sensor_of_no_size_is_refused() -> None:
    zeros = np.zeros(2, np.int64)
    with pytest.raises(UsageError, match="height is not a whole number"):
        Events(zeros, zeros, zeros, zeros, None, 4)  # type: ignore[arg-type]
