"""A trace in an .npz file: damaged archives, members that are missing, doubled, foreign, or of another size than stated."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.files.write import write_npz
from snn2hw.trace import Trace, of_trace, read_npz
from tests.fuzz.harness import Attempt, Reader, never
from tests.fuzz.mutators import damaged_bytes
from tests.fuzz.read_npy import saved, with_header

FOREIGN = (np.array([{"a": 1}], object), np.array(["a", "b"]), np.array(3.5), np.array([1j]), np.zeros(0, "M8[s]"))


def prepare(folder: Path) -> tuple[dict[str, Any], bytes]:
    """A trace and its file."""
    rng = np.random.default_rng(0)
    spikes, states = rng.integers(0, 2, (2, 3, 4)), rng.integers(-9, 9, (2, 3, 4))
    arrays = {"readout": rng.integers(-9, 9, (3, 2)), "spikes/a": spikes, "states/a.u": states}
    write_npz(folder / "t.npz", arrays)
    return arrays, (folder / "t.npz").read_bytes()


def archived(members: list[tuple[str, bytes]]) -> bytes:
    """A zip archive, whatever its members' names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def with_member(rng: random.Random, arrays: dict[str, Any]) -> tuple[str, bytes, bool]:
    """(what was done, the archive, whether it must be refused)."""
    members = [(f"{name}.npy", saved(value)) for name, value in arrays.items()]
    at = rng.randrange(len(members))
    name, data = members[at]
    how = rng.randrange(6)
    if how == 0:
        del members[at]
        return f"{name} dropped", archived(members), name == "readout.npy"
    if how == 1:
        odd = rng.choice(FOREIGN)
        members[at] = (name, saved(odd))
        return f"{name} of {odd.dtype}", archived(members), True
    if how == 2:
        members.append((rng.choice(("notes.txt", "readout", "../x")), b"text"))
        return f"a member {members[-1][0]}", archived(members), True
    if how == 3:
        says, made = with_header(rng, arrays[name.removesuffix(".npy")])
        members[at] = (name, made)
        return says, archived(members), False
    if how == 4:
        says, made = damaged_bytes(rng, data)
        members[at] = (name, made)
        return f"{name}: {says}", archived(members), False
    members.append(("huge.npy", data))  # it is not asked for
    return "an array that nobody asks for", archived(members), False


def sizes_changed(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """The sizes that the directory states of one member become others."""
    places = [at for at in range(len(data)) if data.startswith(b"PK\x01\x02", at)]
    at, field = rng.choice(places), rng.choice((20, 24))
    value = rng.choice((0, 1, 2**20, 3 * 2**30, 2**32 - 1))
    return f"size {value} at {at + field}", data[: at + field] + struct.pack("<I", value) + data[at + field + 4 :]


def damage(rng: random.Random, folder: Path, good: tuple[dict[str, Any], bytes]) -> Attempt:
    """A damaged archive."""
    arrays, data = good
    refused, how = False, rng.randrange(3)
    if how == 0:
        says, data, refused = with_member(rng, arrays)
    elif how == 1:
        says, data = sizes_changed(rng, data)
    else:
        says, data = damaged_bytes(rng, data)
    (folder / "t.npz").write_bytes(data)
    return Attempt(says, never if refused else lambda got: how == 0 or subset(got, arrays))


def subset(got: dict[str, Any], arrays: dict[str, Any]) -> bool:
    """Whether nothing has another value; names are not covered by a checksum of the archive's directory."""
    known = [value.tobytes() for value in arrays.values()]
    return all(value.tobytes() in known for value in got.values())


def read(folder: Path, good: Any) -> dict[str, Any]:
    """What `diff` reads."""
    return Trace.from_arrays(read_npz(folder / "t.npz", of_trace), "t.npz").arrays()


READER = Reader("npz", prepare, damage, read, quick=60)
