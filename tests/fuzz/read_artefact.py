"""A compiled folder: damaged files, and forged ones whose hashes were made right again."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, numpy_helper

import snn2hw
from snn2hw.backends.reference import interpret
from snn2hw.files.write import write_npz
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.store import sha256
from snn2hw.trace import Trace, read_npz
from tests.fuzz.harness import Attempt, Reader, never
from tests.fuzz.mutators import HUGE, NEST, damaged_bytes, damaged_tree, written
from tests.hand_networks import lif, one_neuron, sample_of
from tests.stored import HASHED, checksummed, contents

GRAPHS = ("model.onnx", "step.onnx")
STRANGE = ("folder", "FIFO", "device", "loop", "missing")


class Good(NamedTuple):
    """A sound folder: its files, the stimulus of its vectors, what it computes, what its manifest says."""

    files: dict[str, bytes]
    payloads: Any
    trace: str
    manifest: dict[str, Any]


class Meaning(NamedTuple):
    """What was read: whether vectors and certificate agree with the network, what it computes, what is said of it."""

    sound: bool
    trace: str
    manifest: dict[str, Any]


def prepare(folder: Path) -> Good:
    """Compile one small network."""
    net = one_neuron(lif("fire", "fc"))
    made = snn2hw.compile(net, sample_of(net), target="generic", out=folder / "net")
    files = contents(folder / "net")
    payloads = read_npz(folder / "net" / "vectors.npz")["payloads"]
    return Good(files, payloads, _digest(interpret(made.network, payloads)), stated(json.loads(files["manifest.json"])))


def _digest(trace: Trace) -> str:
    return sha256(b"".join(name.encode() + value.tobytes() for name, value in trace.arrays().items()))


def stated(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a manifest says but for its hashes."""
    return {key: value for key, value in manifest.items() if key not in ("files", "checksum")}


def damage(rng: random.Random, folder: Path, good: Good) -> Attempt:
    """A damaged or forged folder `net`."""
    files = dict(good.files)
    says = rng.choice(KINDS)(rng, files)
    (folder / "net").mkdir()
    for name, data in files.items():
        (folder / "net" / name).write_bytes(data)
    if says.startswith("strange"):
        _strange(rng, folder / "net", *says.split()[1:])
        return Attempt(says, never)
    return Attempt(says, lambda got: not got.sound or (got.trace == good.trace and got.manifest == good.manifest))


def _strange(rng: random.Random, folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)


def strange(rng: random.Random, files: dict[str, bytes]) -> str:
    """No regular file under one of the names; made when all are there."""
    return f"strange {rng.choice(sorted(files))} {rng.choice(STRANGE)}"


def plain(rng: random.Random, files: dict[str, bytes]) -> str:
    """One file damaged, the manifest as it was."""
    name = rng.choice(sorted(files))
    says, files[name] = damaged_bytes(rng, files[name])
    return f"{name}: {says}"


def rehashed_bytes(rng: random.Random, files: dict[str, bytes]) -> str:
    """One file damaged, and the manifest made to agree."""
    name = rng.choice(HASHED)
    says, files[name] = damaged_bytes(rng, files[name])
    rehash(files)
    return f"{name}, hashed again: {says}"


def manifest(rng: random.Random, files: dict[str, bytes]) -> str:
    """One field of the manifest, its checksum made right or not."""
    says, tree = damaged_tree(rng, json.loads(files["manifest.json"]))
    # What nothing else in the folder states can be forged by whoever makes the checksum right: those cases are left out.
    known = says.split("'")[1] in ("format", "target", "steps", "input", "layers", "files")
    right = known and NEST not in repr(tree) and rng.random() < 0.7
    files["manifest.json"] = written(checksummed(tree) if right else tree)
    return f"manifest.json, checksum {'right' if right else 'as it was'}: {says}"


def certificate(rng: random.Random, files: dict[str, bytes]) -> str:
    """One claim, and the manifest made to agree."""
    says, tree = damaged_tree(rng, json.loads(files["certificate.json"]))
    files["certificate.json"] = written(tree)
    rehash(files)
    return f"certificate.json: {says}"


def vectors(rng: random.Random, files: dict[str, bytes]) -> str:
    """One array of the vectors."""
    import io

    with np.load(io.BytesIO(files["vectors.npz"])) as found:
        arrays = {k: found[k] for k in found.files}
    name = rng.choice(sorted(arrays))
    value = arrays[name]
    how = rng.choice(("drop", "shape", "one", "type", "rename", "uint64"))
    if how == "drop":
        del arrays[name]
    elif how == "rename":
        arrays[rng.choice(("spikes/other", "x", "states/fire"))] = arrays.pop(name)
    elif value.dtype.kind == "U" or how == "type":
        arrays[name] = rng.choice((np.array("text"), np.array(1), value.ravel(), np.array([1.5])))
    elif how == "shape":
        arrays[name] = rng.choice((value[:1], value[..., :1], value[..., None], value[:0], value.T, np.array(3)))
    elif how == "uint64":
        arrays[name] = value.astype(np.uint64)
    else:
        arrays[name] = value.copy()
        arrays[name].flat[rng.randrange(value.size)] += rng.choice((1, -1, 2**31, -(2**62)))
    path = Path("vectors-of-this-case.npz").absolute()
    write_npz(path, arrays)
    files["vectors.npz"] = path.read_bytes()
    path.unlink()
    rehash(files)
    return f"vectors.npz: {name} {how}"


def network(rng: random.Random, files: dict[str, bytes]) -> str:
    """The metadata, a tensor, a node or an attribute of both graphs, in the same way."""
    seed, edit = rng.random(), rng.choice((_metadata, _metadata, _tensor, _node, _external))
    says = ""
    for name in GRAPHS:
        model = onnx.load_model_from_string(files[name])
        says = edit(random.Random(seed), model)
        files[name] = model.SerializeToString(deterministic=True)
    if rng.random() < 0.7:
        _vectors_of(files)
    rehash(files)
    return f"network: {says}"


def _metadata(rng: random.Random, model: ModelProto) -> str:
    entry = rng.choice(model.metadata_props)
    if entry.value.startswith(("{", "[")):
        says, tree = damaged_tree(rng, json.loads(entry.value))
        entry.value = written(tree).decode()
        return says
    if rng.random() < 0.3:
        lines = entry.value.split("\n")
        at = rng.randrange(len(lines))
        lines[at : at + 1] = rng.choice(([], [lines[at]] * 2, [lines[at]] * 4000, ["(" * 5000], [lines[at] + "-" * 9000 + "1"]))
        entry.value = "\n".join(lines)
        return f"line {at} of the metadata"
    if rng.random() < 0.5:
        import re

        numbers = list(re.finditer(r"-?\d+", entry.value))
        found, value = rng.choice(numbers), str(rng.choice((*HUGE[:15], 20001, "True", "None")))
        entry.value = entry.value[: found.start()] + value + entry.value[found.end() :]
        return f"{found[0]} at {found.start()} of the metadata became {value}"
    says, data = damaged_bytes(rng, entry.value.encode())
    entry.value = data.decode("utf-8", "replace")
    return f"metadata: {says}"


def _tensors(model: ModelProto) -> list[TensorProto]:
    graphs = [model.graph, *(a.g for n in model.graph.node for a in n.attribute if a.HasField("g"))]
    return [t for g in graphs for t in g.initializer]


def _tensor(rng: random.Random, model: ModelProto) -> str:
    tensor = rng.choice(_tensors(model))
    how = rng.choice(("value", "dims", "type", "name", "cut"))
    if how == "value":
        value = numpy_helper.to_array(tensor).copy()
        value.flat[rng.randrange(max(value.size, 1))] = rng.choice((0, 1, -1, 127, -128))
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    elif how == "dims":
        tensor.dims[:] = rng.choice(([], [1], [10**6, 10**6], [2**62, 4], [-1], [0], [3, 3, 3]))
    elif how == "type":
        tensor.data_type = rng.randrange(26)
    elif how == "name":
        tensor.name += "x"
    else:
        tensor.raw_data = tensor.raw_data[:-1]
    return f"{how} of tensor {tensor.name}"


def _external(rng: random.Random, model: ModelProto) -> str:
    tensor = rng.choice(_tensors(model))
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", rng.choice(("/etc/passwd", "manifest.json", "/dev/zero", "../../x"))
    return f"tensor {tensor.name} in {entry.value}"


def _node(rng: random.Random, model: ModelProto) -> str:
    lists = [model.graph.node, *(a.g.node for n in model.graph.node for a in n.attribute if a.HasField("g"))]
    nodes = [n for found in [*lists, *(f.node for f in model.functions)] for n in found]
    node = rng.choice(nodes)
    how = rng.choice(("op", "input", "domain", "output", "attribute"))
    if how == "op":
        node.op_type = rng.choice(("Identity", "Add", "Neg", "Nothing", "Greater", "Loop"))
    elif how == "domain":
        node.domain = rng.choice(("", "ai.onnx.ml", "snn2hw.fire", "x"))
    elif how == "attribute" and node.attribute:
        rng.choice(node.attribute).i = rng.choice((0, 1, 7, 2**40))
    elif how == "output" and node.output:
        node.output[0] = rng.choice(nodes).output[0]
    elif node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice((rng.choice(nodes).output[0], "", "x"))
    return f"{how} of node {node.name}"


def _vectors_of(files: dict[str, bytes]) -> None:
    """What a careful forger does: the vectors say that they are of this network."""
    path = Path("vectors-of-this-case.npz").absolute()
    path.write_bytes(files["vectors.npz"])
    arrays: dict[str, Any] = read_npz(path)
    write_npz(path, {**arrays, "model_sha256": np.array(sha256(files["model.onnx"]))})
    files["vectors.npz"] = path.read_bytes()
    path.unlink()


def rehash(files: dict[str, bytes]) -> None:
    """Make the manifest agree with the files."""
    tree = json.loads(files["manifest.json"])
    tree["files"] = {name: sha256(files[name]) for name in HASHED}
    files["manifest.json"] = json.dumps(checksummed(tree), indent=2).encode()


KINDS: tuple[Callable[[random.Random, dict[str, bytes]], str], ...] = (
    plain, rehashed_bytes, manifest, certificate, vectors, network, network, network, network, strange,
)  # fmt: skip


def read(folder: Path, good: Good) -> Meaning:
    """What `load`, `verify` and `check` make of the folder."""
    loaded = snn2hw.load(folder / "net")
    equal = not snn2hw.verify(loaded, executors=("reference",)).differences
    holds = equal and not snn2hw.check(folder / "net").failures
    same_input = loaded.network.input.shape == good.payloads.shape[2:] and loaded.network.steps == len(good.payloads)
    trace = _digest(interpret(loaded.network, good.payloads)) if equal and holds and same_input else ""
    written_again = to_onnx(loaded.network) == (loaded.model, loaded.step)  # what other back ends run is what was read
    return Meaning(equal and holds, trace if written_again else "another graph", stated(dict(loaded.manifest)))


READER = Reader("artefact", prepare, damage, read, quick=25)
