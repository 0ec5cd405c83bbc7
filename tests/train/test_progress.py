"""Progress: lines where there is no terminal, a bar where there is one, TensorBoard where it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.progress import Progress

from snn2hw import train
from snn2hw.errors import MissingExtraError
from snn2hw.train import progress
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch


def fit(epochs: int, **given: Any) -> train.Fitted:
    recipe = train.Recipe(epochs=epochs, batch=30)
    return train.fit(small.model(), small.data(), small.data(9, 1), steps=2, recipe=recipe, device="cpu", **given)


def test_a_line_every_few_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    history = fit(21).history
    lines = [f"{history[n - 1]}  ({n}/21)" for n in (*range(2, 21, 2), 21)]
    assert capsys.readouterr().out.splitlines() == lines
    assert lines[0].startswith("epoch  2  loss ")
    assert all(word in lines[0] for word in ("accuracy ", "validation ", "rate "))


def test_nothing_where_it_is_not_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    fit(1, progress=False)
    assert capsys.readouterr().out == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[tuple[float, str]] = []

    class Recorded(Progress):
        def update(self, task_id: Any, **given: Any) -> None:
            shown.append((given["completed"], given["line"]))
            super().update(task_id, **given)

    monkeypatch.setattr(progress, "Progress", Recorded)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    history = fit(2).history
    assert [done for done, _ in shown] == [1, 2, 3, 4]
    loss, accuracy, rate = history[1].loss, history[1].accuracy, sum(history[1].rates.values()) / 2
    assert shown[-1][1] == f"epoch 2/2  batch 2/2  loss {loss:.4f}  accuracy {accuracy:.4f}  rate {rate:.3f}"
    assert str(history[0]) in capsys.readouterr().out


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """TensorBoard's writer, which need not be installed here."""
    written: list[Any] = []

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int) -> None:
            written.append((folder, purge_step))

        def __enter__(self) -> SummaryWriter:
            return self

        def __exit__(self, *_: object) -> None:
            written.append("closed")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return written


def test_tensorboard_gets_every_epoch(board: list[Any], tmp_path: Path) -> None:
    fit(1, out=tmp_path, tensorboard="events", progress=False)
    (epoch,) = fit(1, out=tmp_path, progress=False).history
    assert board == [
        ("events", 1),
        *((name, getattr(epoch, name), 1) for name in ("loss", "accuracy", "validation", "learning_rate", "balance")),
        *((f"rate/{layer}", rate, 1) for layer, rate in epoch.rates.items()),
        "closed",
    ]
    fit(1, out=tmp_path, tensorboard="events", progress=False)
    assert board[-2:] == [("events", 2), "closed"]


def test_tensorboard_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with refused(
        MissingExtraError,
        """
        fit(tensorboard=...) needs the package 'tensorboard', which is not installed
          got:      no module named 'tensorboard'
          expected: snn2hw installed with its 'tensorboard' extra
          do:       pip install 'snn2hw[tensorboard]'
        """,
    ):
        fit(1, tensorboard="events", progress=False)
