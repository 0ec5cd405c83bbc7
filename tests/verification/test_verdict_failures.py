"""One executor that fails, in whatever way, hides no other's result."""

from __future__ import annotations

from typing import Any

import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.reference import interpret
from snn2hw.cli.verdict_table import print_verdict
from snn2hw.errors import ExecutorUnavailableError, WidthError
from snn2hw.runs import INDEPENDENT, verify
from snn2hw.trace import Ints, Trace
from snn2hw.verification import verdict as module
from snn2hw.verification.verdict import compare_executors
from tests.hand_networks import every_kind_sample
from tests.verification.test_verdict import artefact, install, payloads

__all__ = ["artefact", "install", "payloads"]
SAMPLE = every_kind_sample(3)


@pytest.mark.parametrize("error", [RuntimeError("died"), SystemExit(0), WidthError("too wide", got="30 bits", do="less")])
def test_one_that_fails_hides_no_other(artefact: Artefact, payloads: Ints, install: Any, error: BaseException) -> None:
    install("broken", error=error)
    v = compare_executors(artefact, payloads, ["broken", "onnx-reference"])
    assert v.equal
    assert list(v.compared) == ["onnx-reference"]
    known = isinstance(error, WidthError)
    text = "too wide: 30 bits (less)" if known else f"the executor 'broken' failed: {type(error).__name__}: {error} (check the"
    assert v.not_run["broken"].startswith(text)


def test_one_that_fails_in_a_later_batch_is_not_called_equal(
    artefact: Artefact, payloads: Ints, install: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    fake = install("tires")
    run, seen = fake.run, []

    def tired(*given: Any) -> Trace:
        seen.append(given)
        if len(seen) > 2:
            raise RuntimeError("tired")
        return run(*given)

    monkeypatch.setattr(fake, "run", tired)
    v = compare_executors(artefact, payloads, ["tires"])
    assert len(seen) == 3
    assert v.not_run["tires"].startswith("the executor 'tires' failed: RuntimeError: tired")
    print_verdict(v, "net")
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("tires", "| tires"))]
    assert "stopped" in row
    assert "equal" not in row


def test_one_that_cannot_say_whether_it_can_run_hides_no_other(artefact: Artefact, payloads: Ints, install: Any) -> None:
    fake = install("mute")
    fake.unavailable = lambda: 1 // 0
    v = compare_executors(artefact, payloads, ["mute", "onnx-reference"])
    assert (v.equal, list(v.compared)) == (True, ["onnx-reference"])
    assert v.not_run == {"mute": "it cannot say whether it can run: ZeroDivisionError: integer division or modulo by zero"}


@pytest.mark.parametrize(
    ("missing", "taken"),
    [
        ((), "onnxruntime"),
        (("onnxruntime",), "onnx-reference"),
        (("onnxruntime", "onnx-reference"), "fast"),
        (("onnxruntime", "onnx-reference", "fast"), "torch"),
    ],
)
def test_what_is_compared_where_nobody_says(
    artefact: Artefact, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], taken: str
) -> None:
    for name, executor in EXECUTORS.items():
        reason = "not here" if name in missing else ""
        monkeypatch.setattr(type(executor), "unavailable", lambda _, reason=reason: reason)
        monkeypatch.setattr(type(executor), "run", lambda _, a, x, traces=True: interpret(a.network, x, traces))
    assert list(verify(artefact, SAMPLE).compared) == [taken]


def test_where_nothing_can_be_compared_it_is_said(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in INDEPENDENT:
        monkeypatch.setattr(type(EXECUTORS[name]), "unavailable", lambda _: "not here")
    with pytest.raises(ExecutorUnavailableError, match="no executor that was asked for can run here"):
        verify(artefact, SAMPLE)
