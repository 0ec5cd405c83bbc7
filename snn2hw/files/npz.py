"""Arrays as an .npz file whose bytes follow from the arrays alone, on every Python."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from snn2hw.errors import UsageError

VERSION = 45  # of the zip format: the first with sizes of 64 bits
LATER = 0xFFFFFFFF  # a size of 32 bits that says: see the one of 64


def filed(name: str) -> str:
    """The name of an array as that of a member: a layer may be called by what ends a name there, or is no UTF-8. As %XX."""
    return "".join(c if c.isprintable() and c != "%" else quote(c, safe="", errors="surrogatepass") for c in name)


def unfiled(member: str) -> str:
    """Inverse of `filed`."""
    return unquote(member, errors="surrogatepass")


class _Entry(zipfile.ZipInfo):
    """A member with sizes of 64 bits; zipfile itself writes the same fields in other ways on Python 3.10."""

    def __init__(self, name: str, level: int) -> None:
        super().__init__(name)
        self.compress_type, self.create_system = zipfile.ZIP_DEFLATED, 3
        self.create_version = self.extract_version = VERSION
        setattr(self, "_compresslevel", level)  # noqa: B010  (another name from Python 3.13 on, and this one still)

    def FileHeader(self, zip64: bool | None = None) -> bytes:  # noqa: N802
        """The local header: zipfile writes it before the member and once more, with its sizes, behind it."""
        name = self.filename.encode("utf-8")
        flags = 0 if self.filename.isascii() else 0x800
        fixed = (b"PK\3\4", VERSION, flags, self.compress_type, 0, 33, self.CRC, LATER, LATER, len(name), 20)
        return struct.pack("<4s5H3L2H", *fixed) + name + struct.pack("<HHQQ", 1, 16, self.file_size, self.compress_size)


def write_arrays(file: BinaryIO, arrays: Mapping[str, Any], level: int = 6, comment: bytes = b"") -> None:
    """Arrays, deflated at this level, into a file. No pickles.

    Args:
        file: open for writing bytes. arrays: by name. level: 0 to 9. comment: of the zip archive.

    Raises:
        UsageError: a masked array.
    """
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, values in arrays.items():
            with archive.open(_Entry(f"{filed(name)}.npy", level), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, _unmasked(name, values), allow_pickle=False)


def _unmasked(name: str, values: Any) -> npt.NDArray[Any]:
    """An array without a mask, for which a file has no place."""
    if isinstance(values, np.ma.MaskedArray):
        raise UsageError(
            "a file of arrays holds no masks",
            where=f"array '{name}'",
            got=f"{int(np.sum(values.mask))} masked values",
            expected="an array without a mask",
            do="fill in what is masked: x.filled(0)",
        )
    return np.asanyarray(values)


def npz(arrays: Mapping[str, Any], level: int = 6) -> bytes:
    """The same as bytes."""
    file = io.BytesIO()
    write_arrays(file, arrays, level)
    return file.getvalue()
