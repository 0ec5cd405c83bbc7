"""The conformance vectors of an artefact: stimuli, and every integer that they must give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.artefact import VECTORS, Artefact
from snn2hw.errors import ArtefactError, UsageError
from snn2hw.files.record import sha256, standing
from snn2hw.ir.encode import check_payloads
from snn2hw.ir.integer import IntegerNetwork
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
            "these vectors hold no stimulus",
            where=str(path),
            got=", ".join(sorted(arrays)),
            expected="an array `payloads`",
            do="use the vectors.npz of this compiled model, or compile again",
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


def replayed(net: IntegerNetwork, payloads: Ints, most: int, form: str) -> list[int]:
    """Numbers of the samples that the test of an exported folder replays, the first and the last that can be among them.

    Args:
        net: whose test it is. payloads: [T, N, ...] of the vectors. most: how many samples. form: "C", for messages.

    Raises:
        UsageError: not even one. ArtefactError: no sample is the same at every step where the input is.
    """
    if most < 1:
        raise UsageError(
            f"the {form} folder replays at least one sample",
            got=str(most),
            expected="1 or more",
            do="replay one sample or more (--vectors, vectors=)",
        )
    can = np.arange(payloads.shape[1])
    if net.input.static:  # it takes one image, so stimuli that change over the steps are for the executors
        can = can[(payloads == payloads[:1]).all(axis=tuple(k for k in range(payloads.ndim) if k != 1))]
    if not len(can):
        raise ArtefactError(
            f"none of the vectors can be replayed in {form}",
            got=f"{payloads.shape[1]} samples that change over the steps",
            expected="one that is shown at every step, as the network's input is",
            do="compile the trained model again",
        )
    spread = np.linspace(0, len(can) - 1, min(most, len(can))).round().astype(int)
    return [int(n) for n in can[spread]]
