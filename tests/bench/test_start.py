"""What is done before a network runs: each in a process of its own, beside its target."""

from __future__ import annotations

import importlib.util

import pytest

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        any(importlib.util.find_spec(p) is None for p in ("torch", "onnxruntime", "matplotlib", "sklearn")),
        reason="`make bench` needs the demo extra",
    ),
]


def test_what_is_done_before_a_network_runs_has_targets() -> None:
    from bench import start
    from bench.bars import bars
    from bench.results import Results

    took = {start.IMPORT: [0.01, 0.02, 0.04], start.HELP: [0.6], start.BODY: [6.1, 5.0, 5.2]}
    said = {b.name: (b.verdict, b.figure) for b in bars(Results({"processor": "made up"}, "a test", start=took))}
    assert said[start.IMPORT] == ("met", 0.02)
    assert said[start.HELP] == ("not met", 0.6)
    assert said[start.BODY] == ("met", 5.2)
    assert said[start.PILOTNET] == ("not measured", None)


@pytest.mark.slow
def test_each_is_timed_in_a_process_of_its_own() -> None:
    from bench import start

    found = start.start((8, 8, 8, 8), 2, recorded=False)
    assert list(found) == [start.IMPORT, start.HELP, start.DIGITS, start.BODY]
    assert all(len(times) == 2 and min(times) > 0 for times in found.values())
