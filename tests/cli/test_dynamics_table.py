"""What people see of the dynamics of neurons: how many more there are, and what was only sampled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snn2hw.cli.dynamics_table import SHOWN, print_dynamics
from snn2hw.dynamics.audit import ChannelDynamics, LayerDynamics
from snn2hw.dynamics.ends import Attractor
from snn2hw.dynamics.fixed_points import FixedPoint


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no cell of the table is broken."""
    monkeypatch.setenv("COLUMNS", "200")


def layer(*, every: bool, ends: int, more: bool) -> LayerDynamics:
    rests = tuple(Attractor(1, {"u": k / 8}, {"u": k / 8}, 1 / ends, False, ()) for k in range(ends))
    point = (FixedPoint(0.0, 0.5),)
    c = ChannelDynamics(
        0, rests[:64], rests[:1], ends, 1, every, 256, 256, point, 0.0, 0.0, (), 0, 0.0, 0, 0.0, True, None, True, more
    )
    return LayerDynamics("fc", "LNM", 1, (c,), "", ("a sentence",))


def shown(capsys: pytest.CaptureFixture[str], found: LayerDynamics) -> str:
    print_dynamics({"n": found}, "net")
    return " ".join(capsys.readouterr().out.replace("|", " ").split())


def test_more_than_are_shown_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, layer(every=True, ends=40960, more=True))
    assert f"and {40960 - SHOWN:,} more" in said
    assert "0 (+0.50) and more" in said
    assert "n: a sentence" in said
    assert "~ 0 (" not in said


def test_starts_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, layer(every=False, ends=2, more=False))
    assert "~ 0 (50 %), 0.125 (50 %)" in said
    assert "more" not in said
    assert "every state tried (of two states every pair), or ~ where starts were spread over the ranges" in said


def test_starts_that_still_move_are_said_to(capsys: pytest.CaptureFixture[str]) -> None:
    found = layer(every=True, ends=1, more=False)
    moving = Attractor(0, {"u": -0.5}, {"u": 0.25}, 1.0, False, ())
    said = shown(capsys, replace(found, channels=(replace(found.channels[0], reals=(moving,)),)))
    assert "-0.5..0.25 still moving (100 %)" in said
