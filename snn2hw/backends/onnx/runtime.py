"""onnxruntime: the artefact's own files in Microsoft's ONNX Runtime, on the CPU."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping

from snn2hw.artefact import Artefact
from snn2hw.backends.base import HoldsAll, gated
from snn2hw.backends.onnx.steps import Array, Session, run_onnx
from snn2hw.trace import Ints, Trace

QUIET = 3  # errors only
THREADS_VARIABLE = "OMP_NUM_THREADS"  # which torch and NumPy go by, too; ONNX Runtime itself has its own pool


class OnnxRuntime(HoldsAll):
    """Runs model.onnx and step.onnx with default optimisations."""

    name = "onnxruntime"
    description = "model.onnx and step.onnx in ONNX Runtime"

    def unavailable(self) -> str:
        """The package to install, where it is missing."""
        if importlib.util.find_spec("onnxruntime") is None:
            return "the package 'onnxruntime' is not installed: pip install 'snn2hw[run]'"
        return ""

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]. Arguments as `Executor.run`."""
        return run_onnx(artefact, payloads, traces, _open)


def _open(model: bytes) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = threads()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def threads() -> int:
    """$OMP_NUM_THREADS, else 0: as many as ONNX Runtime takes, one a core, each of which spins while it waits."""
    first = os.environ.get(THREADS_VARIABLE, "").partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() else 0
