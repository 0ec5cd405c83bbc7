"""The names of `snn2hw`, and what asking for none of them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import snn2hw
from snn2hw import public


def test_the_public_names() -> None:
    expected = [
        "Artefact", "Budget", "Diagnosis", "Difference", "Estimate", "Evaluation", "Front", "Options", "Point", "Snn2hwError",
        "Trace", "Verdict", "__version__", "budget", "check", "compile", "convert", "diagnose", "estimate", "evaluate", "explore",
        "export", "export_c", "export_nir", "load", "open_samples", "read_network", "replay_c", "report", "simulate",
        "trace_model", "verify",
    ]  # fmt: skip
    assert snn2hw.__all__ == expected
    assert sorted(["__version__", *public.__all__]) == sorted(expected)
    assert all(hasattr(snn2hw, name) for name in expected)
    assert set(expected) <= set(dir(snn2hw))
    with pytest.raises(AttributeError, match="module 'snn2hw' has no attribute 'compilation'"):
        _ = snn2hw.compilation  # type: ignore[attr-defined]


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    """Half a second for each process that needs one module of ours, and no more."""
    says = "import sys, snn2hw; print(sorted(m for m in sys.modules if m.startswith(('snn2hw.', 'numpy', 'onnx', 'torch'))))"
    done = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True)
    assert done.stdout == "['snn2hw.version']\n"
