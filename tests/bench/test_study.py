"""What the study trains on, and the whole of it as a smoke test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the study trains torch models")

import torch

from bench.machine import processor
from bench.study import one, run
from bench.study.nets import PLANS, Case, build
from bench.study.sets import _last_runs, _shuffled, parts
from snn2hw import train
from snn2hw.errors import DataError
from snn2hw.formats.sample import input_node
from tests.bench.study_results import FIRST


def test_recorded_data_that_are_not_here_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_SHARED_DATA", str(tmp_path))
    for name in ("fashion", "fashion-patches", "nmnist", "fsdd", "watch"):
        with pytest.raises(DataError, match="the recorded data are not here"):
            parts(name)


def test_what_is_held_back_is_a_tenth_of_each_class_and_in_no_other_part() -> None:
    data = parts("digits-sequential")
    train, held = data["train"], data["validation"]
    assert len(train) + len(held) == 1437
    assert len(data["test"]) == 360
    for label in range(10):
        share = int((held.labels == label).sum()) / int((train.labels == label).sum() + (held.labels == label).sum())
        assert share == pytest.approx(0.1, abs=0.01)
    assert all(p.samples.shape[1:] == (8, 8) for p in data.values())


def test_of_every_label_the_last_run_is_held_back() -> None:
    labels = torch.tensor([2, 2, 0, 0, 1, 2, 2, 2, 0, 1, 1])
    assert _last_runs(labels).tolist() == [False] * 5 + [True] * 6


def test_the_first_samples_are_of_every_class() -> None:
    """Integers are calibrated and compared on them; the files of the digits, and of others, have one class after the other."""
    pixels, labels = torch.arange(1000.0)[:, None], torch.arange(1000) // 100
    first = _shuffled(pixels, labels)
    assert set(first.labels[:100].tolist()) == set(range(10))
    assert (first.labels == first.samples[:, 0].long() // 100).all()
    assert (first.samples == _shuffled(pixels, labels).samples).all(), "drawn, and the same every time"


def test_what_was_right_is_kept_for_every_test_sample() -> None:
    plan, data = PLANS["digits-sequential"], parts("digits-sequential")["test"]
    model = build(Case("digits-sequential", "LIF", 0))
    right = one._right_in_floats(model, plan, data)
    assert len(right) == len(data)
    assert right.mean() == train.evaluate(model, (data.samples, data.labels))


@pytest.mark.parametrize("task", FIRST)
def test_samples_are_in_the_range_that_is_declared(task: str) -> None:
    plan = PLANS[task]
    given = one._given(plan, parts(task)["train"].samples[:256])
    node, steps = input_node(given.numpy(), plan.steps if plan.static else None, plan.input_range)
    assert steps == plan.steps
    assert node.lo <= given.min() <= given.max() <= node.hi


def test_all_neurons_start_from_the_same_weights() -> None:
    for task, plan in PLANS.items():
        states = [build(Case(task, v, 3)).state_dict() for v in plan.variants]
        shared = [k for k in states[0] if all(k in s for s in states)]
        assert any(k.endswith("weight") for k in shared)
        for k in shared:
            if k.endswith(("weight", "bias")):
                assert all((s[k] == states[0][k]).all() for s in states)


@pytest.mark.slow
def test_a_quick_study_goes_on_where_it_was(tmp_path: Path) -> None:
    arguments = ["--quick", "--tasks", "digits-sequential", "--kept", str(tmp_path / "kept"), "--out", str(tmp_path / "docs")]
    assert run.main(arguments) == 0
    kept = sorted((tmp_path / "kept").glob("*/*.json"))
    assert len(kept) == len(PLANS["digits-sequential"].variants)
    first = kept[0].read_text(encoding="utf-8")
    assert json.loads(first)["differing 8"] == 0
    assert json.loads(first)["processor"] == processor()
    kept[0].unlink()
    assert run.main([*arguments, "--page"]) == 0  # of what is there
    assert run.main(arguments) == 0
    again = json.loads(kept[0].read_text(encoding="utf-8"))
    assert {k: v for k, v in again.items() if "seconds" not in k} == {
        k: v for k, v in json.loads(first).items() if "seconds" not in k
    }
