"""The bar of a first scan: on a terminal alone, and it changes nothing of what is scanned."""

from __future__ import annotations

import io

import pytest

from snn2hw.data.folders import scanned


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("terminal", "drawn"), [(True, True), (False, False)])
def test_a_first_scan_is_seen_on_a_terminal(terminal: bool, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    assert list(scanned(range(40), "listing the images")) == list(range(40))
    assert ("listing the images" in stream.getvalue()) is drawn
    assert ("100%" in stream.getvalue()) is drawn
