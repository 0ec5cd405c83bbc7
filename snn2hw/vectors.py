"""The conformance vectors of an artefact: stimuli, and every integer that they must give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snn2hw.artefact import VECTORS, Artefact
from snn2hw.errors import ArtefactError
from snn2hw.files.record import sha256, standing
from snn2hw.ir.encode import check_payloads
from snn2hw.trace import MODEL_HASH, Ints, Trace, of_trace, read_npz


def read_vectors(artefact: Artefact, path: Path | None = None) -> tuple[Ints, Trace]:
    """(spike values, expected trace) of the artefact's conformance vectors.

    Raises:
        ArtefactError: no vectors, or vectors of another model.
    """
    if path is None:
        if artefact.folder is None:
            raise ArtefactError(
                "this artefact has no vectors", got="it was only made in memory", do="compile with out=, or give samples"
            )
        path = standing(artefact.folder, VECTORS)
    arrays = read_npz(path, of_trace)
    check_model(arrays, artefact, str(path))
    payloads = arrays.pop("payloads", None)
    if payloads is None:
        raise ArtefactError(
            "these vectors hold no stimulus", where=str(path), got=", ".join(sorted(arrays)), expected="an array 'payloads'"
        )
    return check_payloads(artefact.network, payloads, str(path)), Trace.from_arrays(arrays, str(path))


def check_model(arrays: dict[str, Any], artefact: Artefact, where: str) -> None:
    """Take the model's hash out of the arrays of a file and compare it.

    Args:
        arrays: by name; the hash is taken out. artefact: whose model it must be. where: the file, for messages.

    Raises:
        ArtefactError: the file belongs to another model.
    """
    stated, own = str(arrays.pop(MODEL_HASH, "none")), sha256(artefact.model)
    if stated != own:
        raise ArtefactError(
            "these vectors belong to another model",
            where=where,
            got=f"model sha256 {stated[:16]}...",
            expected=f"model sha256 {own[:16]}...",
            do="use the vectors.npz, or the trace, of this artefact",
        )
