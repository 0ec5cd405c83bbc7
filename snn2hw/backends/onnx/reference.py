"""onnx-reference: the artefact's own files in the evaluator that comes with onnx, which is the standard's own reference."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx.reference import ReferenceEvaluator

from snn2hw.artefact import Artefact
from snn2hw.backends.base import HoldsAll, gated
from snn2hw.backends.onnx.steps import Array, Session, run_onnx
from snn2hw.trace import Ints, Trace

OLDEST = (1, 22)  # whose evaluator runs our files; every other use of onnx here takes what pyproject.toml asks for


class OnnxReference(HoldsAll):
    """Runs model.onnx and step.onnx node by node in NumPy, without optimisation."""

    name = "onnx-reference"
    description = "model.onnx and step.onnx in onnx's own evaluator"

    def unavailable(self) -> str:
        """Why the evaluator of this onnx cannot run our files, where it is too old for them."""
        version = onnx.__version__
        if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST:
            return ""
        oldest = ".".join(map(str, OLDEST))
        return f"the evaluator of onnx {version} cannot run model.onnx: pip install 'onnx>={oldest}'"

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]. Arguments as `Executor.run`."""
        return run_onnx(artefact, payloads, traces, _open)


def _open(model: bytes) -> Session:
    evaluator = ReferenceEvaluator(onnx.load_model_from_string(model))

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(evaluator.output_names, evaluator.run(None, dict(inputs)), strict=True))

    return run
