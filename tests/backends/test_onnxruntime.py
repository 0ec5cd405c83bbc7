"""ONNX Runtime takes as many threads as it is told; what it computes is compared in the tests of all executors."""

from __future__ import annotations

from typing import Any

import pytest

from snn2hw.backends.onnx import runtime


@pytest.mark.parametrize(
    ("given", "expected"), [(None, 0), ("1", 1), ("3", 3), ("4,2", 4), ("", 0), ("two", 0), ("²", 0), ("-1", 0)]
)
def test_threads_are_those_of_the_variable_that_torch_reads(
    given: str | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is none leaves ONNX Runtime its own choice, as it leaves torch its own."""
    onnxruntime = pytest.importorskip("onnxruntime")
    if given is None:
        monkeypatch.delenv(runtime.THREADS_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(runtime.THREADS_VARIABLE, given)
    asked: list[int] = []

    class Session:
        def __init__(self, model: bytes, options: Any, providers: list[str]) -> None:
            asked.append(options.intra_op_num_threads)

        def get_outputs(self) -> list[Any]:
            return []

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    runtime._open(b"")
    assert asked == [expected]
