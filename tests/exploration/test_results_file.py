"""The first line of a results file: what results are of, and in which format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from snn2hw.errors import UsageError
from snn2hw.exploration import results_file
from snn2hw.exploration.results_file import FORMAT, ResultsFile, head_of
from tests.refused import refused

VALUES = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
HEAD = head_of([1, 2.0, "three"], VALUES, VALUES[:, :2], [VALUES[0], None, None], 1)


def test_another_format_is_the_reason_that_is_given(tmp_path: Path) -> None:
    """Hashes of an older format are others for the same samples, so that they say nothing of what the file is of."""
    path, older = tmp_path / "r.jsonl", {**HEAD, "format": FORMAT - 1, "snn2hw": "0.1.9", "network": "0", "samples": "1"}
    path.write_text(json.dumps(older) + "\n")
    content = path.read_bytes()
    with refused(
        UsageError,
        f"""
        the results file has another format
          where:    {path}
          got:      format {FORMAT - 1}, written by snn2hw 0.1.9
          expected: format {FORMAT}, which this snn2hw writes
          do:       choose another name, and run it again: nothing of the old file can be taken over
        """,
    ):
        ResultsFile(path, HEAD)
    assert path.read_bytes() == content
    path.write_text(json.dumps(HEAD) + "\n")
    ResultsFile(path, HEAD).close()


def test_a_format_has_its_hashes() -> None:
    """Where one of them changes, older files are refused: `FORMAT` is the next number then, and these are new."""
    assert FORMAT == 3
    assert {name: HEAD[name][:12] for name in ("network", "sample", "samples", "labels")} == {
        "network": "c1ba0ada8fa6", "sample": "bf64b98f90c5", "samples": "40a15f267ccc", "labels": "672a5978fa28",
    }  # fmt: skip


@pytest.mark.parametrize(("place", "seen"), [(0, True), (1, True), (2, False), (5, True)])
def test_of_many_samples_the_first_and_some_that_are_spread_are_hashed(
    monkeypatch: pytest.MonkeyPatch, place: int, seen: bool
) -> None:
    for name, value in (("WHOLE", 1), ("SPREAD", 2), ("FIRST", 2)):
        monkeypatch.setattr(results_file, name, value)
    values = np.zeros((3, 6, 2), np.float32)
    other = values.copy()
    other[2, place, 1] = 1
    one, changed = (head_of([], values[:, :1], each, [], 1)["samples"] for each in (values, other))
    assert (one != changed) == seen
