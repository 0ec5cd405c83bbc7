"""The artefact's folder: what is written into it; checked hash by hash and byte by byte when read."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.artefact import ARTEFACT, CERTIFICATE, MANIFEST, MODEL, STEP, VECTORS, Artefact
from snn2hw.backends.registry import export_names
from snn2hw.certificate.certify import Progress, certify
from snn2hw.errors import ArtefactError, Snn2hwWarning
from snn2hw.files.npz import npz
from snn2hw.files.read import is_file, is_folder, json_value, read_bytes
from snn2hw.files.record import read_record, sha256, standing
from snn2hw.files.write import check_folder, write_folder
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.trace import MODEL_HASH, Ints, Trace, narrowed

FORMAT = 3
DAMAGED = "compile the trained model again, or restore the folder from where it came"
READ_AGAIN = 5  # times, where another process writes the folder while it is read
MOST_WIDE = 1 << 22  # integers of vectors.npz that are written in 64 bits; more are written in as many as they need


def checksum(manifest: Mapping[str, Any]) -> str:
    """Hex digest of everything that a manifest says, whatever the order and the spaces."""
    said = {key: value for key, value in manifest.items() if key != "checksum"}
    return sha256(json.dumps(said, sort_keys=True).encode())


def make_artefact(net: IntegerNetwork, facts: Mapping[str, Any] | None = None) -> Artefact:
    """An artefact in memory: both ONNX files, and a manifest with their hashes.

    Args:
        facts: what else the manifest records (version, options).
    """
    model, step = to_onnx(net)
    manifest = {
        "format": FORMAT,
        **(facts or {}),
        **_of_network(net),
        "files": {MODEL: sha256(model), STEP: sha256(step)},
    }
    return Artefact(net, model, step, manifest)


def _of_network(net: IntegerNetwork) -> dict[str, Any]:
    """What a manifest says of the network; on reading it is compared with the network itself."""
    return {
        "target": net.target,
        "steps": net.steps,
        "input": {
            "shape": list(net.input.shape),
            "format": str(net.input.format),
            "unit": net.input.unit,
            "static": net.input.static,
        },
        "layers": [_layer(n) for n in net.nodes[1:]],
    }


def _layer(node: Any) -> dict[str, Any]:
    entry = {"name": node.name, "node": type(node).__name__, "shape": list(node.shape), "format": str(node.format)}
    if isinstance(node, IntNeuron):
        states = {name: str(s.format) for name, s in node.program.states.items()}
        entry |= {"kind": node.program.kind, "states": states, "instructions": len(node.program.instructions)}
    return entry


def check_out(folder: str | Path) -> None:
    """Look at a folder before the work for it begins.

    Raises:
        UsageError: something is there that is no artefact; nothing is touched.
    """
    check_folder(Path(folder), ARTEFACT)


def write_artefact(
    artefact: Artefact, folder: Path, payloads: Ints, trace: Trace, certifying: Progress | None = None
) -> Artefact:
    """Write the folder with its conformance vectors and its certificate. In an earlier artefact's folder only the files that
    its manifest lists are replaced.

    Args:
        artefact: what is written. folder: as in `check_folder`. payloads: [T, N, ...] of the vectors. trace: of them.
        certifying: is told of each layer how many values have been tried.

    Raises:
        UsageError: the folder holds something else, or cannot be written; nothing is left half-written.

    Warns:
        Snn2hwWarning: exports of the earlier artefact stand in the folder, and do not fit the new one.
    """
    place = check_folder(folder, ARTEFACT)
    before = read_record(standing(place, MANIFEST), ARTEFACT)
    certificate = json.dumps(certify(artefact.network, artefact.model, certifying), indent=1) + "\n"
    arrays: dict[str, Any] = {"payloads": payloads, **trace.arrays()}
    large = sum(a.size for a in arrays.values()) > MOST_WIDE
    arrays = {name: narrowed(a) for name, a in arrays.items()} if large else arrays
    written = {
        VECTORS: npz({MODEL_HASH: np.array(sha256(artefact.model)), **arrays}, level=1 if large else 6),
        CERTIFICATE: certificate.encode(),
    }
    files = {**artefact.manifest["files"], **{name: sha256(data) for name, data in written.items()}}
    manifest = {**artefact.manifest, "files": files}
    manifest["checksum"] = checksum(manifest)
    text = json.dumps(manifest, indent=2) + "\n"
    write_folder(folder, {MODEL: artefact.model, STEP: artefact.step, **written, MANIFEST: text.encode()}, ARTEFACT)
    if before is not None and before.files[MODEL] != files[MODEL]:
        _warn_of_exports(place)
    return Artefact(artefact.network, artefact.model, artefact.step, manifest, place)


def _warn_of_exports(folder: Path) -> None:
    if there := [name for name in export_names() if name and (folder / name).exists()]:
        warnings.warn(
            Snn2hwWarning(
                "exports of the model that was compiled here before do not fit the new one",
                where=str(folder),
                got=", ".join(there),
                expected="exports of the model beside them",
                do="export again, or move them elsewhere",
            ),
            stacklevel=5,
        )


def read_artefact(folder: Path) -> Artefact:
    """Read a folder back: every hash is checked, the network is read from model.onnx, and written again to compare bytes.

    Raises:
        ArtefactError: something is missing, truncated, foreign, tampered with, or does not belong together.
    """
    for _ in range(READ_AGAIN):
        before = _stamp(folder)
        try:
            return _read_once(folder)
        except ArtefactError:
            if _stamp(folder) == before:
                raise
    return _read_once(folder)


def _stamp(folder: Path) -> object:
    """What changes when another process writes the folder while it is read."""
    try:
        return read_bytes(standing(folder, MANIFEST))
    except OSError:
        return None


def _read_once(folder: Path) -> Artefact:
    manifest = _manifest(folder)
    data = {name: _file(standing(folder, name)) for name in (MODEL, STEP)}
    for name, expected in manifest["files"].items():
        got = sha256(data[name] if name in data else _file(standing(folder, name)))
        if got != expected:
            raise ArtefactError(
                f"{name} is not the file the manifest was written for",
                where=str(folder / name),
                got=f"sha256 {got[:16]}...",
                expected=f"sha256 {expected[:16]}...",
                do=DAMAGED,
            )
    net = from_onnx(data[MODEL], str(folder / MODEL))
    for name, again in zip((MODEL, STEP), to_onnx(net), strict=True):
        if again != data[name]:
            raise ArtefactError(
                f"the graph in {name} is not the network it states",
                where=str(folder / name),
                got="other nodes than this version writes",
                expected="the bytes that writing the network gives",
                do="compile the trained model again with this version of snn2hw",
            )
    if wrong := [key for key, value in _of_network(net).items() if manifest.get(key) != value]:
        raise ArtefactError(
            "the manifest is not of the network beside it",
            where=str(folder / MANIFEST),
            got=f"{wrong[0]} = {str(manifest.get(wrong[0]))[:200]}",
            expected=f"{wrong[0]} = {str(_of_network(net)[wrong[0]])[:200]}",
            do=DAMAGED,
        )
    return Artefact(net, data[MODEL], data[STEP], manifest, folder)


def _file(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise ArtefactError(
            "a file of the artefact cannot be read", where=str(path), got=error.strerror or str(error), do=DAMAGED
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    path = standing(folder, MANIFEST)
    if not os.path.lexists(path):
        file = is_file(folder)
        inside = file and is_file(folder.parent / MANIFEST)
        raise ArtefactError(
            "this is no compiled network",
            where=str(folder),
            got="a file" if file else f"no {MANIFEST} in it" if is_folder(folder) else "no such folder",
            expected="a folder that `snn2hw compile` wrote",
            do=f"name the folder that it lies in: {folder.parent}" if inside else "compile the trained model, or check the path",
        )
    try:
        manifest: dict[str, Any] = json_value(_file(path))
    except ValueError as error:
        raise ArtefactError(
            "the manifest cannot be read", where=str(path), got=str(error), expected="JSON", do=DAMAGED
        ) from error
    files, stated = (manifest.get(key) if isinstance(manifest, dict) else None for key in ("files", "format"))
    if isinstance(stated, int) and stated != FORMAT:
        raise ArtefactError(
            "this artefact was written by another version of snn2hw",
            where=str(path),
            got=f"format {stated}",
            expected=f"format {FORMAT}",
            do="compile again",
        )
    if not isinstance(files, dict) or not {MODEL, STEP, VECTORS, CERTIFICATE} <= set(files) or stated != FORMAT:
        raise ArtefactError(
            "the manifest is not one of this version",
            where=str(path),
            got="missing or other fields",
            expected=f"format {FORMAT}",
            do=DAMAGED,
        )
    if not all(isinstance(digest, str) for digest in files.values()):
        raise ArtefactError(
            "the manifest holds no hashes", where=str(path), got=str(files), expected="sha256 of every file", do=DAMAGED
        )
    if manifest.get("checksum") != checksum(manifest):
        raise ArtefactError(
            "the manifest is not as it was written",
            where=str(path),
            got=f"checksum {str(manifest.get('checksum'))[:16]}...",
            expected=f"checksum {checksum(manifest)[:16]}...",
            do=DAMAGED,
        )
    if any(Path(name).name != name for name in files):
        raise ArtefactError("the manifest names files outside its folder", where=str(path), got=", ".join(files), do=DAMAGED)
    return manifest
