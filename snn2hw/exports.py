"""What is written of an artefact besides its own folder: a run's trace, its C folder, its NIR file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.c.folder import C_FOLDER, MADE, c_folder
from snn2hw.errors import UsageError
from snn2hw.files.record import recorded, sha256
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, check_folder, write_file, write_folder, write_npz
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.write import to_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.store import read_vectors
from snn2hw.trace import MODEL_HASH, Ints, Trace
from snn2hw.version import __version__


def write_trace(artefact: Artefact, payloads: Ints, trace: Trace, path: Path) -> None:
    """Write a run's stimulus and its integers to an .npz file, where there is none or an earlier one of ours.

    Raises:
        UsageError: the file is somebody else's, or cannot be written.
    """
    arrays = {MODEL_HASH: np.array(sha256(artefact.model)), "payloads": payloads, **trace.arrays()}
    write_npz(path, arrays, comment=BLANK, force=False)


def write_c(artefact: Artefact, folder: Path, vectors: int, *, force: bool = False) -> None:
    """Write the C folder of an artefact, which replays so many samples of its vectors.npz.

    Args:
        force: whether an earlier C folder is replaced although its files were edited.

    Raises:
        ArtefactError: no vectors. UnsupportedError: too much memory. UsageError: the folder holds something else, was edited,
            or cannot be written; nothing is left half-written.
    """
    check_folder(folder, C_FOLDER, force=force)
    payloads, trace = read_vectors(artefact)
    model = sha256(artefact.model)
    files = c_folder(artefact.network, model, payloads, trace.readout, vectors)
    facts = {"snn2hw": __version__, "model": model}
    write_folder(folder, recorded({n: t.encode() for n, t in files.items()}, facts, MADE), C_FOLDER, force=force)


def write_nir(
    net: IntegerNetwork, path: Path, convention: str | Convention | None, dt: float | None, *, force: bool = False
) -> Mapping[str, str]:
    """Write the NIR file of a network; by layer, what others get only in part.

    Args:
        force: whether a file is replaced that snn2hw did not write, or that was edited since.

    Raises:
        UsageError: another ending than .nir, by which it is read again, or a place that cannot be written. As `to_nir`.
    """
    if path.suffix != ".nir":
        raise UsageError("this is no name for a NIR file", got=str(path), expected="*.nir", do="name it so, such as net.nir")
    check_file(path, force=force)
    made = to_nir(net, convention, dt)
    write_file(path, made.data + BLANK, sealing=True, force=force)
    return made.approximations
