"""Networks written as NIR files and read back: by us exactly, by `nir.read` with its own check of shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.backends.reference import interpret
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.exact import exact_network
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.write import PLAIN, to_nir
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.text import to_text
from snn2hw.trace import Trace
from tests.nir_files import run_layers


def export(net: IntegerNetwork, path: Path, convention: str | Convention = PLAIN) -> Any:
    """Write the file; the graph that `nir.read` makes of it, shapes checked."""
    import nir

    path.write_bytes(to_nir(net, convention).data)
    return nir.read(path)


def difference(net: IntegerNetwork, path: Path, convention: str | Convention = PLAIN) -> str:
    """What the network that comes back does not have of the one that was written; '' where it is the same in every bit."""
    export(net, path, convention)
    again = exact_network(path)
    assert again is not None
    (text, arrays), (text_again, arrays_again) = to_text(net), to_text(again)
    if text != text_again:
        return f"{text}\n{text_again}"
    if arrays.keys() != arrays_again.keys():
        return f"{sorted(arrays)}, {sorted(arrays_again)}"
    for name, value in arrays.items():
        other = arrays_again[name]
        if value.dtype != other.dtype or not np.array_equal(value, other):
            return name
    return "" if to_onnx(net) == to_onnx(again) else "the bytes of the ONNX files"


def visible_spikes(net: IntegerNetwork, path: Path, x: Any, convention: Convention) -> tuple[dict[str, Any], Trace]:
    """(spikes of the visible neurons read under the convention, trace of the exact network) on samples [T, N, ...]."""
    export(net, path, convention)
    spikes, _ = run_layers(from_nir(path, sample=x, convention=convention), x)
    return spikes, interpret(net, encode(net, x))
