"""onnx-reference: the artefact's own files in the evaluator that comes with onnx, which is the standard's own law."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx.reference import ReferenceEvaluator

from snn2hw.artefact import Artefact
from snn2hw.executors.onnx_steps import Array, Session, run_onnx
from snn2hw.trace import Ints, Trace


class OnnxReference:
    """Runs model.onnx and step.onnx node by node in NumPy, without optimisation."""

    name = "onnx-reference"
    says = "model.onnx and step.onnx in onnx's own evaluator"

    def unavailable(self) -> str:
        """It always runs: onnx is a core dependency."""
        return ""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]."""
        return run_onnx(artefact, payloads, traces, _open)


def _open(model: bytes) -> Session:
    evaluator = ReferenceEvaluator(onnx.load_model_from_string(model))

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(evaluator.output_names, evaluator.run(None, dict(inputs)), strict=True))

    return run
