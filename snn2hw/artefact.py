"""The compiled network as it travels: one ONNX file pair, its manifest, and the network read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from snn2hw.errors import UsageError
from snn2hw.files.record import Kind
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.shown import brief_of

MODEL, STEP, MANIFEST, VECTORS = "model.onnx", "step.onnx", "manifest.json", "vectors.npz"
CERTIFICATE = "certificate.json"
EXPORTED_C, EXPORTED_NIR, EXPORTED_RTL = "c", "model.nir", "rtl"  # what exports are called that go into the artefact's own folder
ARTEFACT = Kind("artefact", frozenset({MODEL, STEP}))


def check_compiled(given: object) -> None:
    """Refuse what is no compiled model.

    Args:
        given: what stands in the place of one.

    Raises:
        UsageError: a model that is still to be compiled, the path of a folder, or something else.
    """
    if isinstance(given, Artefact):
        return
    path = isinstance(given, str | Path)
    raise UsageError(
        "this is no compiled model",
        where="artefact",
        got=repr(str(given)) if path else type(given).__name__,
        expected="what `snn2hw.compile` or `snn2hw.load` gives",
        do=f"load it first: snn2hw.load({str(given)!r})" if path else "compile the model first: snn2hw.compile(model, samples)",
    )


@dataclass(frozen=True, eq=False)
class Artefact:
    """What executors run.

    Args:
        network: the integer network that the ONNX file holds.
        model: bytes of model.onnx, the whole sequence: spike values [T, N, ...] -> readout.
        step: bytes of step.onnx, one step: spike values and states -> logits, spikes, next states.
        manifest: contents of manifest.json.
        folder: where it lies; None where it was only made in memory.
    """

    network: IntegerNetwork
    model: bytes
    step: bytes
    manifest: Mapping[str, Any]
    folder: Path | None = None

    def __repr__(self) -> str:
        net = self.network
        nodes = [n.name for n in net.nodes]
        return brief_of(self, folder=self.folder, target=net.target, steps=net.steps, nodes=nodes, model=self.model)

    def outputs(self, readout: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """The values [..., classes] of a readout by name of output; of a model with one output it is all of them.

        A model has several where its forward returns a dictionary or a tuple; those of a tuple are called "0", "1" and so on.
        """
        return {name: readout[..., place] for name, place in self.network.readout.places.items()}

    @property
    def scale(self) -> float:
        """The real value of one unit of the readout: logits = readout * scale, for every class alike.

        A network that was integers from the start states no more than its binary point, which is then taken.
        """
        stated = self.manifest.get("readout", {}).get("scale")
        return 2.0**-self.network.readout.format.frac if stated is None else float(stated)
