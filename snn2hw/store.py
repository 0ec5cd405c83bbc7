"""The artefact's folder: written aside and renamed as a whole; checked hash by hash and byte by byte when read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.artefact import CERTIFICATE, MANIFEST, MODEL, STEP, VECTORS, Artefact
from snn2hw.certificate.certify import Progress, certify
from snn2hw.errors import ArtefactError, UsageError
from snn2hw.export.c.folder import c_folder, is_c_folder
from snn2hw.export.to_nir import to_nir
from snn2hw.export.to_onnx import to_onnx
from snn2hw.files.read import is_folder, json_value, read_bytes
from snn2hw.folders import free, replace
from snn2hw.frontends.from_onnx import from_onnx
from snn2hw.frontends.nir_convention import Convention
from snn2hw.ir.encode import check_payloads
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.trace import MODEL_HASH, Ints, Trace, narrowed, of_trace, read_npz, write_aside, write_npz

FORMAT = 2
DAMAGED = "compile the trained model again, or restore the folder from where it came"
MOST_WIDE = 1 << 22  # integers of vectors.npz that are written in 64 bits; more are written in as many as they need


def sha256(data: bytes) -> str:
    """Hex digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def make_artefact(net: IntegerNetwork, facts: Mapping[str, Any] | None = None) -> Artefact:
    """An artefact in memory: both ONNX files, and a manifest with their hashes.

    Args:
        facts: what else the manifest records (version, options).
    """
    model, step = to_onnx(net)
    manifest = {
        "format": FORMAT,
        **(facts or {}),
        "target": net.target,
        "steps": net.steps,
        "input": {
            "shape": list(net.input.shape),
            "format": str(net.input.format),
            "unit": net.input.unit,
            "static": net.input.static,
        },
        "layers": [_layer(n) for n in net.nodes[1:]],
        "files": {MODEL: sha256(model), STEP: sha256(step)},
    }
    return Artefact(net, model, step, manifest)


def _layer(node: Any) -> dict[str, Any]:
    entry = {"name": node.name, "node": type(node).__name__, "shape": list(node.shape), "format": str(node.format)}
    if isinstance(node, IntNeuron):
        states = {name: str(s.format) for name, s in node.program.states.items()}
        entry |= {"kind": node.program.kind, "states": states, "instructions": len(node.program.instructions)}
    return entry


def write_artefact(
    artefact: Artefact, folder: Path, payloads: Ints, trace: Trace, certifying: Progress | None = None
) -> Artefact:
    """Write the folder with its conformance vectors and its certificate; a folder that stands there is replaced only if it
    is an artefact.

    Args:
        certifying: is told of each layer how many values have been tried.

    Raises:
        UsageError: the folder holds something else, or cannot be written; nothing is left half-written.
    """
    folder = free(folder, lambda f: (f / MANIFEST).is_file(), "artefact")
    certificate = json.dumps(certify(artefact.network, artefact.model, certifying), indent=1) + "\n"
    manifest = dict(artefact.manifest)

    def fill(aside: Path) -> None:
        (aside / MODEL).write_bytes(artefact.model)
        (aside / STEP).write_bytes(artefact.step)
        arrays: dict[str, Any] = {"payloads": payloads, **trace.arrays()}
        large = sum(a.size for a in arrays.values()) > MOST_WIDE
        arrays = {name: narrowed(a) for name, a in arrays.items()} if large else arrays
        write_npz(aside / VECTORS, {MODEL_HASH: np.array(sha256(artefact.model)), **arrays}, level=1 if large else 6)
        (aside / CERTIFICATE).write_text(certificate, encoding="utf-8")
        written = {name: sha256((aside / name).read_bytes()) for name in (VECTORS, CERTIFICATE)}
        manifest["files"] = {**artefact.manifest["files"], **written}
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")

    replace(folder, fill)
    return Artefact(artefact.network, artefact.model, artefact.step, manifest, folder)


def write_c(artefact: Artefact, folder: Path, vectors: int) -> None:
    """Write the C folder of an artefact, which replays so many samples of its vectors.npz.

    Raises:
        ArtefactError: no vectors. UnsupportedError: too much memory. UsageError: the folder holds something else, or cannot
            be written; nothing is left half-written.
    """
    payloads, trace = read_vectors(artefact)
    files = c_folder(artefact.network, sha256(artefact.model), payloads, trace.readout, vectors)

    def fill(aside: Path) -> None:
        for name, text in files.items():
            (aside / name).write_bytes(text.encode())

    replace(free(folder, lambda f: is_c_folder(f, files), "C folder"), fill)


def write_nir(net: IntegerNetwork, path: Path, convention: str | Convention | None, dt: float | None) -> Mapping[str, str]:
    """Write the NIR file of a network; by layer, what others get only in part.

    Raises:
        UsageError: another ending than .nir, by which it is read again, or a place that cannot be written. As `to_nir`.
    """
    if path.suffix != ".nir":
        raise UsageError("this is no name for a NIR file", got=str(path), expected="*.nir", do="name it so, such as net.nir")
    made = to_nir(net, convention, dt)
    write_aside(path, lambda file: file.write(made.data))
    return made.approximations


def read_artefact(folder: Path) -> Artefact:
    """Read a folder back: every hash is checked, the network is read from model.onnx, and written again to compare bytes.

    Raises:
        ArtefactError: something is missing, truncated, foreign, tampered with, or does not belong together.
    """
    manifest = _manifest(folder)
    data = {name: _file(folder / name) for name in (MODEL, STEP)}
    for name, expected in manifest["files"].items():
        got = sha256(data[name] if name in data else _file(folder / name))
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
    return Artefact(net, data[MODEL], data[STEP], manifest, folder)


def _file(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise ArtefactError(
            "a file of the artefact cannot be read", where=str(path), got=error.strerror or str(error), do=DAMAGED
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise ArtefactError(
            "this is no compiled network",
            where=str(folder),
            got=f"no {MANIFEST} in it" if is_folder(folder) else "no such folder",
            expected="a folder that `snn2hw compile` wrote",
            do="compile the trained model, or check the path",
        )
    try:
        manifest: dict[str, Any] = json_value(_file(path))
    except ValueError as error:
        raise ArtefactError(
            "the manifest cannot be read", where=str(path), got=str(error), expected="JSON", do=DAMAGED
        ) from error
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or not {MODEL, STEP, VECTORS, CERTIFICATE} <= set(files) or manifest.get("format") != FORMAT:
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
    if any(Path(name).name != name for name in files):
        raise ArtefactError("the manifest names files outside its folder", where=str(path), got=", ".join(files), do=DAMAGED)
    return manifest


def read_vectors(artefact: Artefact, path: Path | None = None) -> tuple[Ints, Trace]:
    """(payloads, expected trace) of the artefact's conformance vectors.

    Raises:
        ArtefactError: no vectors, or vectors of another model.
    """
    if path is None:
        if artefact.folder is None:
            raise ArtefactError(
                "this artefact has no vectors", got="it was only made in memory", do="compile with out=, or give samples"
            )
        path = artefact.folder / VECTORS
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
