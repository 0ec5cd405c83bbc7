"""Artefact folders for tests: written, looked at, and damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto

import snn2hw
from snn2hw.files.record import sha256
from snn2hw.store import checksum
from tests.hand_networks import lif, one_neuron, sample_of

FILES = ["certificate.json", "manifest.json", "model.onnx", "step.onnx", "vectors.npz"]
HASHED = [name for name in FILES if name != "manifest.json"]
DAMAGED = "do:       compile the trained model again, or restore the folder from where it came"


def write(folder: Path, net: Any = None) -> snn2hw.Artefact:
    net = net or one_neuron(lif("fire", "fc"))
    return snn2hw.compile(net, sample_of(net), target="generic", out=folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(checksummed(manifest)))


def checksummed(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with its own checksum made right."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return {**rest, "checksum": checksum(rest)}


def rehash(folder: Path) -> None:
    """What a careful forger would do: make the manifest agree with the files."""
    edit_manifest(folder, lambda m: m.update(files={name: sha256((folder / name).read_bytes()) for name in HASHED}))


def edit_model(path: Path, edit: Callable[[ModelProto], object]) -> None:
    model = onnx.load(path)
    edit(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
