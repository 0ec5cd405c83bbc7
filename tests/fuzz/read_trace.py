"""Traces given to `diff`: what is called equal holds the integers of the reference."""

from __future__ import annotations

import random
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.trace import read_npz
from snn2hw.vectors import read_vectors
from snn2hw.verification.differential import first_difference
from tests import hand_networks as by_hand
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

TYPES = ("u8", "u1", "i1", "f8", "f4", "?", "F", "O", "S4", ">i8", "i2", "f2")
NUMBERS = (2**64 - 12, 2**63, 2**63 - 1, -(2**63), -1, 0, 1, 255, 2**31)


def prepare(folder: Path) -> tuple[Artefact, dict[str, Any]]:
    """A compiled network, and the arrays of its vectors."""
    net = by_hand.one_neuron(by_hand.neuron("n", "fc"))
    artefact = snn2hw.compile(net, by_hand.events(net), out=folder / "net")
    return artefact, dict(read_npz(folder / "net" / "vectors.npz"))


def damage(rng: random.Random, folder: Path, made: tuple[Artefact, dict[str, Any]]) -> Attempt:
    """A trace with another array, or other bytes."""
    arrays, name = dict(made[1]), rng.choice(list(made[1]))
    how = rng.choice(("bytes", "value", "type", "shape", "gone", "more"))
    says = f"{name}: {how}"
    old = arrays[name]
    if how == "value" and old.dtype.kind in "iu":
        new = rng.choice(NUMBERS)
        wide = old.astype("u8" if new > 2**63 - 1 else "i8")
        wide.ravel()[rng.randrange(wide.size)] = new
        arrays[name], says = wide, f"{says} {new}"
    elif how == "type":
        kind = rng.choice(TYPES)
        arrays[name], says = old.astype(kind) if old.dtype.kind in "iu" else np.zeros(2, kind), f"{says} {kind}"
    elif how == "shape":
        arrays[name] = rng.choice(
            (old.ravel(), old[None], old.ravel()[:1], old.ravel()[:0], old.T, old.reshape(-1)[:1].reshape(()))
        )
    elif how == "gone":
        del arrays[name]
    elif how == "more":
        arrays[rng.choice(("spikes/x", "states/", "spikes/../x", "states/n.u", "junk", "payloads"))] = old
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=True, **arrays)
    data = file.getvalue()
    if how == "bytes":
        says, data = damaged_bytes(rng, data)
    (folder / "trace.npz").write_bytes(data)
    return Attempt(says, lambda right: right is None or same(folder / "trace.npz", right))


def same(path: Path, right: dict[str, Any]) -> bool:
    """Whether the file's own integers, one at a time, are those of the reference on the file's stimulus."""
    with np.load(path) as found:
        signals = [n for n in found.files if n == "readout" or n.startswith(("spikes/", "states/"))]
        return all(n in right and found[n].shape == right[n].shape and found[n].tolist() == right[n].tolist() for n in signals)


def read(folder: Path, made: Any) -> dict[str, Any] | None:
    """What `diff` does: the reference's integers where it finds no difference, else None."""
    artefact, path = made[0], folder / "trace.npz"
    payloads, got = read_vectors(artefact, path)
    expected = interpret(artefact.network, payloads)
    return expected.arrays() if first_difference(artefact.network, str(path), got, expected, payloads) is None else None


READER = Reader("diff", prepare, damage, read, quick=60)
