"""What a model.onnx is known by: the hash of the file, and of each of its parts, so that a change can be named."""

from __future__ import annotations

import hashlib
from typing import Any

import onnx


def fingerprints(model: bytes) -> dict[str, Any]:
    """sha256 of the file and, shortened, of its parts."""
    parsed, parts = onnx.load_model_from_string(model), dict[str, bytes]()
    for graph in (parsed.graph, *(a.g for n in parsed.graph.node for a in n.attribute if a.HasField("g"))):
        parts |= {f"initializer {t.name}": t.SerializeToString(deterministic=True) for t in graph.initializer}
        parts |= {f"node {n.name}": n.SerializeToString(deterministic=True) for n in graph.node}
    parts |= {f"function {f.domain}": f.SerializeToString(deterministic=True) for f in parsed.functions}
    parts |= {f"metadata {p.key}": p.value.encode() for p in parsed.metadata_props}
    return {"sha256": _sha(model), "parts": {name: _sha(data)[:16] for name, data in parts.items()}}


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
