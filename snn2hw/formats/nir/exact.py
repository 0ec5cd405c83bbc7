"""The exact integer network in the metadata of a NIR file that snn2hw wrote, and the fingerprint over what others see of it.

graph.metadata["snn2hw"] = format, snn2hw, head (the JSON form without its nodes), convention, fingerprint, others
node.metadata["snn2hw"]  = position, name (JSON), text (the node in the JSON form), arrays, approximation; or part_of

The nodes' objects by their position, under the head, are the network's JSON form; `others` are the nodes without one of NIR.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.errors import FileFormatError, Snn2hwError
from snn2hw.files.read import json_value
from snn2hw.formats.nir.file import KEY, read_graph
from snn2hw.ir.document import Arrays, from_document
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.rules import check_integer

FORMAT = 2
AGAIN = "export the network again; or read the visible nodes as equations, without the metadata: convention=... (--convention)"


def fingerprint(graph: Any) -> str:
    """sha256 over every node's type and parameters, the edges, and our metadata but the fingerprint itself.

    Integers count by value whatever their width, floats too; 1 and 1.0 differ. Metadata of others does not count.
    """
    digest = hashlib.sha256()
    content = graph.to_dict()
    content["metadata"] = {KEY: {k: v for k, v in _ours(graph).items() if k != "fingerprint"}}
    content["edges"] = sorted(f"{a!r} {b!r}" for a, b in content["edges"])
    for part in _parts(content):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """A value as bytes that do not depend on the order of dicts or on the width of numbers."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            inner = value[key]
            if key == "metadata":
                inner = {KEY: inner[KEY]} if isinstance(inner, Mapping) and KEY in inner else {}
            yield str(key).encode()
            yield from _parts(inner)
        yield b"end"
    elif isinstance(value, str | bytes):
        yield value.encode() if isinstance(value, str) else value
    elif isinstance(value, list) and all(isinstance(v, str) for v in value):
        yield from (v.encode() for v in value)
    elif value is not None:
        array = np.asarray(value)
        if array.dtype.kind in "iufb":
            array = array.astype("<f8" if array.dtype.kind == "f" else "<i8")
        yield str(list(array.shape)).encode()
        yield array.tobytes()


def exact_network(path: Path) -> IntegerNetwork | None:
    """The network that `snn2hw export --to nir` wrote into the file, integer for integer; None where another wrote the file.

    Raises:
        FileFormatError: no NIR, another version of our metadata, a file changed since, or metadata that contradict each other.
        MissingExtraError, UnsupportedError: as `read_nir`.
    """
    graph, where = read_graph(path), str(path)
    if not any(KEY in _metadata(n) for n in (graph, *graph.nodes.values())):
        return None
    stated = _ours(graph)
    version = stated.get("format", "none")
    if np.ndim(version) or version != FORMAT:
        raise FileFormatError(
            "the exact network in this file has another version",
            where=where,
            got=f"format {f'of shape {list(np.shape(version))}' if np.ndim(version) else version}, "
            f"written by snn2hw {str(stated.get('snn2hw', 'unknown'))[:40]}",
            expected=f"format {FORMAT}",
            do=AGAIN,
        )
    if str(stated.get("fingerprint")) != fingerprint(graph):
        raise FileFormatError(
            "this file was changed after snn2hw wrote it: its nodes and the exact network may not agree",
            where=where,
            got=f"other parameters, edges or metadata than those of fingerprint {str(stated.get('fingerprint'))[:16]}",
            expected="the file as it was written",
            do=AGAIN,
        )
    try:
        net = from_document(*_document(graph, stated))
        check_integer(net)
    except (Snn2hwError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError) as error:
        raise FileFormatError(
            "the exact network in this file cannot be read",
            where=where,
            got=" ".join(str(error).split()),
            expected="metadata as snn2hw writes them",
            do=AGAIN,
        ) from error
    return net


def _metadata(node: Any) -> Mapping[str, Any]:
    """Of a node; others may write anything there."""
    return node.metadata if isinstance(node.metadata, Mapping) else {}


def _ours(node: Any) -> Mapping[str, Any]:
    found = _metadata(node).get(KEY)
    return found if isinstance(found, Mapping) else {}


def _document(graph: Any, stated: Mapping[str, Any]) -> tuple[Any, Arrays]:
    """The JSON form and its arrays, as the parts in the nodes say them."""
    parts = [*stated.get("others", {}).values(), *(_ours(n) for n in graph.nodes.values())]
    by_position = {int(p["position"]): p for p in parts if "position" in p}
    if sorted(by_position) != list(range(sum("position" in p for p in parts))):
        raise ValueError(f"nodes at positions {sorted(by_position)}, of {sum('position' in p for p in parts)} nodes")
    arrays: Arrays = {}
    nodes = []
    for _, part in sorted(by_position.items()):
        nodes.append(json_value(str(part["text"])))
        arrays |= {f"{json_value(str(part['name']))}.{key}": np.asarray(v) for key, v in part.get("arrays", {}).items()}
    return {**json_value(str(stated["head"])), "nodes": nodes}, arrays
