"""Back ends of somebody else."""

from __future__ import annotations

from pathlib import Path

from snn2hw.artefact import Artefact
from snn2hw.backends import Exported, HoldsAll
from snn2hw.backends.reference import interpret
from snn2hw.trace import Ints, Trace

OWN = ["reference", "fast", "onnxruntime", "onnx-reference", "torch", "lava", "rtl", "c", "nir"]


class Toy(HoldsAll):
    """The reference under another name."""

    def __init__(self, name: str = "toy") -> None:
        self.name, self.description, self.runs = name, "a toy", 0

    def unavailable(self) -> str:
        return ""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        self.runs += 1
        return interpret(artefact.network, payloads, traces)


class ToyWriter(HoldsAll):
    name, description, writes = "toy-text", "a text", "model.txt"

    def emit(self, artefact: Artefact, out: Path, *, lines: int = 1) -> Exported:
        out.write_text("line\n" * lines)
        return Exported(out)
