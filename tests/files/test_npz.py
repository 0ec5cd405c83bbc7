"""Arrays have the same bytes on every Python: those that zipfile writes from 3.11 on."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from snn2hw.files.npz import npz
from snn2hw.files.record import sha256
from tests.clean_environment import ROOT
from tests.test_pythons import interpreters

ARRAYS = {
    "readout": np.arange(-5000, 5000, dtype=np.int64).reshape(2, -1),
    "spikes/hidden.0": np.eye(7, dtype=np.int8),
    "größe": np.array("a text"),
    "none": np.zeros((0, 3), np.int16),
}
# The headers and the members of an archive, written again where there may be no numpy.
MEMBERS = """
import hashlib, importlib.util, io, sys, unittest.mock, zipfile
for name in ("numpy", "numpy.typing", "snn2hw", "snn2hw.errors"):
    sys.modules[name] = unittest.mock.MagicMock()
spec = importlib.util.spec_from_file_location("npz", sys.argv[1])
npz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(npz)
file = io.BytesIO()
with zipfile.ZipFile(sys.argv[2]) as given, zipfile.ZipFile(file, "w") as archive:
    for info in given.infolist():
        with archive.open(npz._Entry(info.filename, 6), "w", force_zip64=True) as entry:
            entry.write(given.read(info))
print(hashlib.sha256(file.getvalue()).hexdigest())
"""


def test_they_are_read_back() -> None:
    with np.load(io.BytesIO(npz(ARRAYS))) as data:
        assert list(data) == list(ARRAYS)
        for name, values in ARRAYS.items():
            assert (data[name].dtype, data[name].shape) == (values.dtype, values.shape)
            assert np.array_equal(data[name], values)


@pytest.mark.parametrize("level", [1, 6])
def test_the_bytes_follow_from_the_format_alone(level: int) -> None:
    """Sizes of 64 bits in both headers, version 4.5, the first day of 1980, and nothing else that zipfile chooses by itself."""
    data = npz(ARRAYS, level)
    at = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            assert (info.extract_version, info.create_version, info.create_system) == (45, 45, 3)
            assert (info.date_time, info.external_attr, info.extra) == ((1980, 1, 1, 0, 0, 0), 0o600 << 16, b"")
            assert info.header_offset == at
            name = info.filename.encode()
            assert data[at : at + 6] == b"PK\3\4\x2d\0"
            assert data[at + 18 : at + 26] == b"\xff" * 8
            at += 30 + len(name) + 20 + info.compress_size
    if sys.version_info >= (3, 11):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
            for name, values in ARRAYS.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, values, allow_pickle=False)
        assert data == file.getvalue()


def test_every_python_here_gives_the_same_bytes(tmp_path: Path) -> None:
    data = npz(ARRAYS, 6)
    (tmp_path / "given.npz").write_bytes(data)
    call = ["-I", "-c", MEMBERS, str(ROOT / "snn2hw" / "files" / "npz.py"), str(tmp_path / "given.npz")]
    found = {
        minor: subprocess.run([python, *call], capture_output=True, text=True, check=False)
        for minor, python in interpreters().items()
    }
    assert found
    assert {minor: done.stdout.strip() or done.stderr for minor, done in found.items()} == dict.fromkeys(found, sha256(data))
