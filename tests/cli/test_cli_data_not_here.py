"""Models whose data are not here: the first remedy is a file of the user's own, by the name that the verb has for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from tests.cli.running import Capture, refusal, run

pytestmark = pytest.mark.torch

PART = "real/mnist_part.npz"
SET = f"set SNN2HW_SHARED_DATA to the folder that holds {PART}"
SAMPLES = "give --samples FILE.npy, and --labels FILE.npy where there are labels"
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 1, 28, 28)).astype(np.float32) / 255


@pytest.fixture
def away(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SNN2HW_SHARED_DATA", str(work))
    np.save("images.npy", IMAGES)
    np.save("labels.npy", np.arange(12) % 10)
    return work


def said(folder: Path, split: str, do: str) -> str:
    return (
        f"the recorded data are not here\n  where:    {folder / PART}\n  got:      no such file\n"
        f"  expected: an .npz with x_{split} uint8 [N, 28, 28] and y_{split} [N]\n  do:       {do}, or {SET}"
    )


@pytest.mark.parametrize(
    ("words", "split", "do"),
    [
        (("compile", "mnist_lif", "--out", "net"), "train", "give --sample FILE.npy"),
        (("explore", "mnist_lif", "--samples", "images.npy", "--labels", "labels.npy"), "train", "give --sample FILE.npy"),
        (("explore", "mnist_lif", "--sample", "images.npy"), "test", SAMPLES),
        (("evaluate", "built", "--model", "mnist_lif"), "test", SAMPLES),
        (
            (
                "explore",
                "mnist_lif",
                "--sample",
                "images.npy",
                "--samples",
                "images.npy",
                "--labels",
                "labels.npy",
                "--epochs",
                1,
            ),
            "train",
            "give --train FILE.npz, with arrays samples and labels",
        ),
    ],
)
def test_a_file_of_the_users_own_is_offered_first(
    words: tuple[object, ...], split: str, do: str, capsys: Capture, away: Path
) -> None:
    if "built" in words:
        assert run(capsys, "compile", "mnist_lif", "--sample", "images.npy", "--out", "built").code == 0
    refusal(run(capsys, *words), said(away, split, do))
    assert not Path("net").exists()


def test_with_files_of_the_users_own_the_data_are_not_asked_for(capsys: Capture, away: Path) -> None:
    own = ("--sample", "images.npy")
    assert run(capsys, "compile", "mnist_lif", *own, "--out", "built").code == 0
    assert snn2hw.load("built").network.steps == 2
    given = ("--samples", "images.npy", "--labels", "labels.npy", "--weight-bits", 3, "--state-bits", 8)
    ran = run(capsys, "explore", "mnist_lif", *own, *given, "--executor", "reference")
    assert (ran.code, ran.err) == (0, "")


def test_data_that_were_asked_for_in_python_have_their_own_remedy_alone(away: Path) -> None:
    from snn2hw.errors import DataError
    from snn2hw.user_models import find_model

    source = find_model("mnist_lif", sampled=False).source
    assert source is not None
    with pytest.raises(DataError) as caught:
        source.test_data()
    assert caught.value.do == SET
