"""Spoken digits from a file made here, the tables from results made by hand, and one training as a smoke test."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neurons are torch modules")

import torch

from bench.custom import fsdd, nets, one, page
from bench.custom.nets import BY_HAND, PLANS, VARIANTS, Case, build
from bench.inserted import inserted
from snn2hw.errors import DataError
from tests.clean_environment import ROOT
from tests.refused import refused

DOCS = ROOT / "docs" / "how-to"


def tone(hertz: float, samples: int = 4000) -> Any:
    return np.sin(2.0 * np.pi * hertz * np.arange(samples) / fsdd.RATE)


def test_a_tone_is_loud_in_its_band_while_it_lasts() -> None:
    cells = fsdd.log_mel(tone(1000.0))
    assert cells.shape == (fsdd.STEPS, fsdd.BANDS)
    assert cells.max() == 1.0
    band = int(np.argmax(fsdd.FILTERS[np.argmin(np.abs(np.fft.rfftfreq(fsdd.WINDOW, 1 / fsdd.RATE) - 1000.0))]))
    assert (cells[:25].argmax(1) == band).all()
    assert not cells[26:].any()  # silence behind the recording
    assert np.array_equal(cells * 255, np.rint(cells * 255))
    assert np.array_equal(fsdd.log_mel(0.25 * tone(1000.0)), cells)  # loudness does not count


def test_a_long_recording_is_cut() -> None:
    last = (fsdd.STEPS - 1) * fsdd.HOP + fsdd.WINDOW
    assert np.array_equal(fsdd.log_mel(tone(500.0, 20000)), fsdd.log_mel(tone(500.0, last)))


def test_half_the_loudness_is_6_decibel() -> None:
    quiet = np.concatenate([tone(1000.0, 3200), 0.5 * tone(1000.0, 3200)])
    cells = fsdd.log_mel(quiet).max(1)
    assert cells[5] - cells[30] == pytest.approx(20 * np.log10(2) / fsdd.DYNAMIC, abs=1 / 255)


def recordings(folder: Path, **changed: Any) -> Path:
    path = folder / fsdd.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = (20000 * np.concatenate([tone(500.0, 900), tone(2000.0, 1500)])).astype(np.int16)
    held = {"audio_test": audio, "lengths_test": np.array([900, 1500]), "y_test": np.array([3, 7], np.uint8), **changed}
    np.savez(path, **{k: v for k, v in held.items() if v is not None})
    return path


def test_recordings_are_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings(tmp_path)
    monkeypatch.setenv(fsdd.VARIABLE, str(tmp_path))
    samples, labels = fsdd.load("test")
    assert samples.shape == (2, 40, 32)
    assert samples.dtype == torch.float32
    assert labels.tolist() == [3, 7]
    assert int(samples[0, 1].argmax()) < int(samples[1, 1].argmax())


def test_recordings_that_are_not_there_are_named(tmp_path: Path) -> None:
    with refused(
        DataError,
        f"""
        the spoken digits are not here
          where:    {tmp_path}/real/fsdd.npz
          got:      no such file
          expected: fsdd.npz: the recordings of the Free Spoken Digit Dataset in one file, as bench/custom/fsdd.py describes
          do:       set SNN2HW_SHARED_DATA to the folder that holds real/fsdd.npz
        """,
    ):
        fsdd.find({fsdd.VARIABLE: str(tmp_path)})


def test_recordings_that_do_not_add_up_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fsdd.VARIABLE, str(tmp_path))
    path = recordings(tmp_path, lengths_test=np.array([900, 1400]))
    with refused(
        DataError,
        f"""
        the recordings do not add up
          where:    {path}
          got:      2 labels, 2 lengths of 2300 samples in all, 2400 samples
          expected: one label and one length per recording, lengths that sum to the samples
          do:       copy it again
        """,
    ):
        fsdd.load("test")
    recordings(tmp_path, y_test=None)
    with pytest.raises(DataError, match="the file of spoken digits cannot be read"):
        fsdd.load("test")
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="the file of spoken digits cannot be read"):
        fsdd.load("test")


def test_all_neurons_start_from_the_same_weights_and_decay() -> None:
    for task, plan in PLANS.items():
        models = {v: build(Case(task, v, 5)) for v in VARIANTS}
        first = models["LIF"]
        assert not torch.equal(first[0].weight, build(Case(task, "LIF", 6))[0].weight)
        x = torch.rand(plan.steps, 3, plan.features) < 0.5
        for model in models.values():
            assert all(torch.equal(model[n].weight, first[n].weight) for n in (0, 3, 6))
        assert torch.equal(models["LNM-3"](x.float()), first(x.float()))  # a cubic begins as the LIF
        torch.testing.assert_close(models[BY_HAND](x.float()), models["nn.ALIF"](x.float()))
        assert float(torch.sigmoid(models[BY_HAND][2].decay[0].detach())) == pytest.approx(plan.decay)


def result(variant: str, seed: int, accuracy: float, different: int = 0) -> dict[str, Any]:
    return {
        "task": "fsdd", "variant": variant, "seed": seed, "share": 1.0, "samples": {"train": 2700, "test": 300},
        "parameters": 1000, "neuron parameters": 8, "float": accuracy, "PTQ": accuracy - 0.01, "QAT": accuracy,
        "rates": {"2": 0.1, "5": 0.3}, "float seconds": 10.0, "QAT seconds": 5.0, "seconds": 20.0,
        "compared": {"PTQ, fast": 100, "QAT, fast": 100, "trained forward": 50}, "different": {"PTQ, fast": different},
    }  # fmt: skip


def test_the_table_says_what_was_found() -> None:
    runs = [result("LIF", s, 0.9 + 0.01 * s) for s in range(3)] + [result("nn.ALIF", s, 0.93 + 0.01 * s, 2) for s in range(3)]
    machine = {"processor": "P", "software": "S"}
    text = "\n".join(page.lines({"command": "C", "machine": machine, "commit": "abc", "runs": runs}))
    row = "| LIF | 1,000 (8) | 20 % | 91.00 ± 1.00 | 90.00 ± 1.00 | 91.00 ± 1.00 |  | 10 + 5 s |"
    assert row in text
    assert "| nn.ALIF | 1,000 (8) | 20 % | 94.00 ± 1.00 | 93.00 ± 1.00 | 94.00 ± 1.00 | **+3.00 ± 0.00** |" in text
    assert "**6 of 1,500 integers differ** (fast, trained forward)" in " ".join(text.split())
    assert "PTQ 1.00 ± 0.00 (LIF), QAT 0.00 ± 0.00 (LIF)" in " ".join(text.split())
    assert "smoke test" not in text
    runs[0]["share"] = 0.1
    assert "smoke test" in next(page.lines({"command": "C", "machine": machine, "commit": "abc", "runs": runs}))


def test_the_documented_tables_are_those_of_the_kept_results() -> None:
    text = (DOCS / "custom.md").read_text(encoding="utf-8")
    for task in PLANS:
        results = json.loads((DOCS / "custom" / f"{task}.json").read_text(encoding="utf-8"))
        assert inserted(text, task, page.lines(results)) == text, task
        assert not any(n for r in results["runs"] for n in r["different"].values())


@pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")  # of layers that are silent after two steps
def test_one_training_from_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    plan = PLANS["digits-sequential"]

    def few(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = plan.load(split)
        return x[:96], y[:96]

    small = replace(plan, load=few, width=16)
    for where in (one, nets):
        monkeypatch.setattr(where, "PLANS", {"digits-sequential": small})
    monkeypatch.setattr(one, "EXECUTORS", ("reference", "onnxruntime", "torch"))  # without the time to compile C
    found = one.run(Case("digits-sequential", BY_HAND, 0, 0.03))
    assert 0.0 <= found["float"] <= 1.0
    assert set(found["compared"]) == {f"{how}, {w}" for how in ("PTQ", "QAT") for w in one.EXECUTORS[1:]} | {"trained forward"}
    assert not any(found["different"].values())
    assert found["neuron parameters"] == 2 * 3 * small.width
    assert json.loads(json.dumps(found)) == found
