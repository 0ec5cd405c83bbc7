"""HDF5 files (.net, .nir) as trees of arrays and words: all of it from the one file, bounded by what the file holds.

HDF5 can lead anywhere: links, virtual datasets and external storage name other files, filters load code, a header of a few bytes
declares any size. So the bytes are read first (`snn2hw.files.read`), the library gets them as an image in memory, and each
dataset is looked at before any value of it is asked for. Whatever the library raises becomes one error with file and place.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from snn2hw.errors import FileFormatError, Snn2hwError
from snn2hw.files import pointers
from snn2hw.files.hdf5_pieces import pieces, unwritten
from snn2hw.files.read import MOST_BYTES, read_bytes
from snn2hw.files.seal import content
from snn2hw.formats.hdf5_heap import Heap

Tree: TypeAlias = dict[str, Any]  # name -> tree, array of numbers, array of words, or a word

LEAST, RATIO = 16 << 20, 64  # the arrays of a file may take so many bytes, or so many times the file
MOST_DEPTH = 64  # of groups
MOST_WORDS = 1 << 17  # of a dataset
MOST_INFLATED = 1032  # times what it is packed in, by Deflate
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 32000: "lzf"}  # others are code that the library would load
DEFLATE = 1
# version -> where the superblock has the sizes of addresses and lengths, the base address, the end of the file, the driver
SUPERBLOCKS = {0: (13, 24, 40, 48), 1: (13, 28, 44, 52), 2: (9, 12, 28, 0), 3: (9, 12, 28, 0)}
LONGEST_SUPERBLOCK, NOWHERE = 100, b"\xff" * 8


_images = count()


@dataclass(frozen=True)
class Kind:
    """Words for messages: `expected`: the kind of file that it should be; `again`: how to make it once more."""

    expected: str
    again: str


def read_tree(path: Path, kind: Kind, wanted: Callable[[tuple[str, ...]], bool]) -> Tree:
    """Groups as dicts, datasets as arrays of numbers or of words (str), scalars as NumPy's or as str.

    Args:
        path: of the file. kind: words for messages.
        wanted: whether the group or dataset at this path is to be read; the others are not looked at, and of those at the
            top only the name is there, with nothing in it.

    Raises:
        FileFormatError: no file, no HDF5, damaged; whatever leads out of the file or is larger than the file can hold.
    """
    data = _content(path, kind)
    reading = _Reading(str(path), kind, data, wanted)
    with reading.library("", "this is not an HDF5 file, or it is damaged"):
        file = _opened(data)
        _check_superblock(data)
    try:
        return reading.group(file, ())
    finally:
        with reading.library("", "this is not an HDF5 file, or it is damaged"):
            file.close()


def _content(path: Path, kind: Kind) -> bytes:
    try:
        data = read_bytes(path)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise FileFormatError(
            "there is no such file" if missing else "this file cannot be read",
            where=str(path),
            got="nothing" if missing else error.strerror or type(error).__name__,
            expected=kind.expected,
            do="check the path",
        ) from error
    if pointers.is_pointer(data):
        raise FileFormatError(
            "this is not the file itself", where=str(path), got=pointers.GOT, expected=kind.expected, do=pointers.DO
        )
    return content(data)


def _opened(data: bytes) -> Any:
    """The file as an image in memory: the library opens nothing.

    Every image has a name of its own: under the name of one that is still open the library gives that one.
    """
    import h5py

    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    access.set_file_image(data)
    return h5py.File(h5py.h5f.open(f"image {next(_images)}".encode(), h5py.h5f.ACC_RDONLY, fapl=access))


def _check_superblock(data: bytes) -> None:
    """The beginning of a file that is nothing but HDF5, in one piece: no user block, no other drivers, and its own size.

    Source: HDF5 File Format Specification 3.0, II.A.

    Raises:
        ValueError: another beginning.
    """
    version = data[8] if data.startswith(b"\x89HDF\r\n\x1a\n") and len(data) >= LONGEST_SUPERBLOCK else None
    if version not in SUPERBLOCKS:
        raise ValueError("its superblock is not at its beginning, or of a version that is not known")
    sizes, start, end, driver = SUPERBLOCKS[version]
    base, stated = (int.from_bytes(data[at : at + 8], "little") for at in (start, end))
    if data[sizes : sizes + 2] != b"\x08\x08" or base or (driver and data[driver : driver + 8] != NOWHERE):
        raise ValueError("its superblock has addresses of another kind, a base, or the name of a driver")
    if stated != len(data):  # the library then refuses what lies beyond its end, which it would read as zeros
        raise ValueError(f"its superblock states {stated} bytes; there are {len(data)}")


class _Reading:
    """One walk through a file; `left` are the bytes that its arrays may still take."""

    def __init__(self, where: str, kind: Kind, data: bytes, wanted: Callable[[tuple[str, ...]], bool]) -> None:
        self.where, self.kind, self.size, self.wanted = where, kind, len(data), wanted
        self.heap = Heap(data)
        self.most = min(MOST_BYTES, max(LEAST, RATIO * len(data)))
        self.left = self.most
        self.seen: set[int] = set()

    @contextmanager
    def library(self, place: str, what: str) -> Iterator[None]:
        """Whatever h5py raises in here (it has a dozen classes for damaged files) is one error."""
        try:
            yield
        except Snn2hwError:
            raise
        except Exception as error:
            reason = " ".join(str(error).strip("'\"").split()) or type(error).__name__
            raise FileFormatError(
                what,
                where=f"{self.where}: {place}" if place else self.where,
                got=reason.split("(", 1)[-1].rstrip(")"),
                expected=self.kind.expected,
                do=self.kind.again,
            ) from error

    def refuse(self, place: str, what: str, got: str, expected: str, do: str = "") -> FileFormatError:
        """The error for what stands at a place of the file.

        Args:
            place: path inside the file, '' for the whole. what, got, expected: in words. do: the remedy, '' for that
                of its kind.
        """
        return FileFormatError(what, where=f"{self.where}: {place}", got=got, expected=expected, do=do or self.kind.again)

    def group(self, group: Any, path: tuple[str, ...]) -> Tree:
        """Everything in a group that is wanted."""
        place, tree = "/".join(path), Tree()
        if len(path) > MOST_DEPTH:
            raise self.refuse(place, "the groups are nested too deeply", f"{len(path)} deep", f"at most {MOST_DEPTH}")
        with self.library(place, "a group of this file is damaged"):
            names = list(group)
        for name in names:
            if self.wanted(inner := (*path, name)):
                tree[name] = self._member(group, name, inner)
            elif not path:
                tree[name] = Tree()
        return tree

    def _member(self, group: Any, name: str, path: tuple[str, ...]) -> Any:
        import h5py

        place = "/".join(path)
        with self.library(place, f"'{name}' is damaged"):
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                to = f"{getattr(link, 'filename', '')}:{link.path}".lstrip(":")
                raise self.refuse(
                    place, f"'{name}' is a link to elsewhere", f"{type(link).__name__} to {to}", "everything in its place"
                )
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in self.seen:
                raise self.refuse(
                    place, f"'{name}' stands in a second place, too", "another name for the same object", "a tree of groups"
                )
            self.seen.add(address)
            if isinstance(item, h5py.Group):
                return self.group(item, path)
            if isinstance(item, h5py.Dataset):
                return self._dataset(item, place)
            raise self.refuse(place, f"'{name}' is no array", type(item).__name__, "groups and arrays")

    def _dataset(self, item: Any, place: str) -> Any:
        name = place.rsplit("/", 1)[-1]
        self._check_storage(item, place, name)
        words = self._check_type(item, place, name)
        self._check_size(item, place, name, words)
        if words:
            return self._words(item, place, name)
        value = item[()]
        return value.astype(value.dtype.newbyteorder("=")) if isinstance(value, np.ndarray) else value

    def _check_storage(self, item: Any, place: str, name: str) -> None:
        """First of all: asking a virtual dataset for its shape may open other files."""
        import h5py

        how = item.id.get_create_plist()
        if how.get_layout() == h5py.h5d.VIRTUAL:
            raise self.refuse(
                place, f"'{name}' is a virtual dataset, whose values lie in other files", "no values", "its values in this file"
            )
        if how.get_external_count():
            raise self.refuse(
                place,
                f"'{name}' lies outside this file",
                f"external storage in {how.get_external(0)[0].decode(errors='replace')!r}",
                "its values in this file",
            )
        for k in range(how.get_nfilters()):
            code, _, _, said = how.get_filter(k)
            if code not in FILTERS or not h5py.h5z.filter_avail(code):
                raise self.refuse(
                    place,
                    f"'{name}' is packed in a way that is not read",
                    f"filter {code} {said.decode(errors='replace')}".strip(),
                    ", ".join(FILTERS.values()),
                    "write it with gzip, or unpacked",
                )

    def _check_type(self, item: Any, place: str, name: str) -> bool:
        """Whether the dataset is in words; neither words nor numbers is an error."""
        import h5py

        kind = item.id.get_type().get_class()
        if kind == h5py.h5t.STRING:
            return True
        if kind not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM) or item.dtype.kind not in "iufb":
            with self.library(place, f"'{name}' has a type that no network has"):
                got = str(item.dtype)
            raise self.refuse(place, f"'{name}' is neither in numbers nor in words", got, "integers, floats or words")
        return False

    def _check_size(self, item: Any, place: str, name: str, words: bool) -> None:
        """What is declared, against what is stored: what was never written would be read as zeros."""
        import h5py

        if item.shape is None:
            raise self.refuse(place, f"'{name}' is empty", "no values, not even a shape", "numbers or words")
        element, count = item.id.get_type().get_size(), math.prod(item.shape)
        chunk = math.prod(item.chunks) * element if item.chunks else 0
        if count * element > self.left or chunk > self.most:
            raise self.refuse(
                place,
                f"'{name}' is too large for this file",
                f"{list(item.shape)} of {item.dtype}" + (f" in pieces of {list(item.chunks)}" if chunk > self.most else ""),
                f"at most {self.most >> 20} MiB in all, as the file has {self.size} bytes",
            )
        self.left -= count * element
        if item.id.get_create_plist().get_layout() == h5py.h5d.CHUNKED:
            self._check_inflated(item, place, name, pieces(item), chunk)
        if there := unwritten(item):
            raise self.refuse(
                place,
                f"'{name}' is declared, but not all of it is in the file",
                there,
                "every value, for what was never written would be read as zeros",
            )

    def _check_inflated(self, item: Any, place: str, name: str, pieces: list[Any], chunk: int) -> None:
        """A packed piece may say a size and unpack to another, which the library would find out when all of it is in memory."""
        how = item.id.get_create_plist()
        codes = [how.get_filter(k)[0] for k in range(how.get_nfilters())]
        if DEFLATE not in codes:
            return
        for piece in pieces:
            if piece.size * MOST_INFLATED <= LEAST:
                continue
            _, packed = item.id.read_direct_chunk(piece.chunk_offset)
            if len(zlib.decompressobj().decompress(packed, chunk + 64)) > chunk + 4:  # a checksum may stand behind the values
                raise self.refuse(place, f"'{name}' unpacks to more than it declares", f"over {chunk} bytes", f"{chunk} bytes")

    def _words(self, item: Any, place: str, name: str) -> Any:
        """Words of one length as the library reads them, words of any length from the heap."""
        count, found = math.prod(item.shape), list[str]()
        if count > MOST_WORDS:
            raise self.refuse(place, f"'{name}' has too many words", str(count), f"at most {MOST_WORDS}")
        if item.id.get_type().is_variable_str():
            words = self._of_any_length(item, place, name, count)
        else:
            words = np.asarray(item[()], object).ravel().tolist()
        for word in words:
            self.left -= len(word)
            if self.left < 0:
                raise self.refuse(place, f"'{name}' is too large for this file", "more text than that", f"{self.most} bytes")
            try:
                found.append(word.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise self.refuse(place, f"'{name}' is no text", repr(word[:40]), "words in UTF-8") from error
        if item.shape == ():
            return found[0]
        made = np.empty(count, object)
        made[:] = found
        return made.reshape(item.shape)

    def _of_any_length(self, item: Any, place: str, name: str, count: int) -> list[bytes]:
        import h5py

        layout = item.id.get_create_plist().get_layout()
        sizes = item.file.id.get_create_plist().get_sizes()
        if layout != h5py.h5d.CONTIGUOUS or sizes != (8, 8):
            raise self.refuse(
                place,
                f"'{name}' is in words that are stored in an unusual way",
                "packed, or with addresses of another size",
                "words as h5py stores a list of them",
            )
        return self.heap.words(item.id.get_offset(), count) if count else []
