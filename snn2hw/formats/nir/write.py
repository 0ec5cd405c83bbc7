"""An integer network as a NIR file: nodes that every framework opens, and in their metadata the exact integers.

Pure: returns bytes. `formats/nir/exact.py` reads the exact network back; docs/how-to/nir.md says what others get.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snn2hw.errors import MissingExtraError, UnsupportedError, UsageError
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.exact import FORMAT, fingerprint
from snn2hw.formats.nir.file import KEY
from snn2hw.formats.nir.fits import ELSE, nir_lacks, reaching
from snn2hw.formats.nir.presets import PRESETS, chosen_convention
from snn2hw.formats.nir.write_graph import NirWriter
from snn2hw.formats.nir.write_late import settled_edges
from snn2hw.formats.nir.write_layers import emit_node
from snn2hw.ir.document import head_of
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.lack import refusal
from snn2hw.layers import IntAdd
from snn2hw.version import __version__

CONVENTIONS = tuple(name for name, c in PRESETS.items() if not c.refusal("LIF"))  # those one can write for
PLAIN = Convention(dt=1e-4, name="plain")  # NIR's own equation under Euler: r, v_leak and v_reset are read


@dataclass(frozen=True)
class NirFile:
    """A NIR file's bytes; by layer, what its visible node is not of the exact one."""

    data: bytes
    approximations: Mapping[str, str]


def to_nir(net: IntegerNetwork, convention: str | Convention | None = None, dt: float | None = None) -> NirFile:
    """The network as a NIR file.

    Args:
        net: whose exact integers go into the metadata, and whose neurons others see linearised.
        convention: by which the visible neurons are meant to be stepped: a preset's name, a Convention, or None for PLAIN.
        dt: seconds of a step, where it is not the convention's own.

    Raises:
        MissingExtraError: nir is not installed. UnsupportedError: a layer for which NIR has no node, by its name; a graph
            that the package does not take.
        UsageError: an unknown convention, or one whose importer knows no LIF.
    """
    if importlib.util.find_spec("nir") is None:
        raise MissingExtraError("nir", "nir", "writing a .nir file")
    import nir

    chosen = chosen_convention(PLAIN if convention is None else convention, dt)
    if why := chosen.refusal("LIF"):
        raise UsageError(
            "no neuron can be written for this convention",
            where=f"convention '{chosen.name}'",
            got=why,
            expected=f"one that reads a LIF: {', '.join(CONVENTIONS)}, or a Convention",
            do="leave the convention out for NIR's own equation under Euler",
        )
    if lacks := nir_lacks(net):
        raise refusal(lacks, "NIR cannot hold this network", ELSE)
    w, read = NirWriter(net, chosen), reaching(net)
    for node in net.nodes:
        if node.name not in read:
            w.hide(node)
        elif isinstance(node, IntAdd):
            w.join(node)
        elif isinstance(node, IntNeuron) and (factors := w.scales.factors(node.name)) is not None:
            w.align(node, factors)
        elif isinstance(node, IntFeedback):
            w.feedback(node)
        else:
            emit_node(w, node)
    head = json.dumps(head_of(net))
    stated = {"format": FORMAT, "snn2hw": __version__, "head": head, "convention": repr(chosen), "others": w.others}
    graph = _graph(w.made, settled_edges(w), {KEY: stated})
    stated["fingerprint"] = fingerprint(graph)
    file = io.BytesIO()
    nir.write(file, graph)
    return NirFile(file.getvalue(), w.approximations)


def _graph(nodes: Mapping[str, Any], edges: Sequence[tuple[str, str]], metadata: Mapping[str, Any]) -> Any:
    import nir

    try:
        return nir.NIRGraph(dict(nodes), list(edges), metadata=dict(metadata))
    except (AssertionError, LookupError, TypeError, ValueError) as error:
        raise UnsupportedError(
            "the package nir does not take this network",
            where="the visible graph",
            got=f"{type(error).__name__}: {' '.join(str(error).split())}",
            expected=f"a graph that nir {nir.version} writes",
            do="export to C, or use model.onnx",
        ) from error
