"""HDF5 files that lead out of themselves, or say that they hold more than they do: refused before any value is asked for."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import FileFormatError, UsageError
from snn2hw.files.seal import BLANK, seal
from snn2hw.formats.hdf5 import LEAST, Kind, _opened, read_tree
from snn2hw.formats.netx.read import from_netx
from snn2hw.formats.nir.file import read_nir
from tests.netx_files import dense, events_input, write_net
from tests.nir_files import affine, graph, write
from tests.refused import refused

h5py = pytest.importorskip("h5py", reason="reading HDF5 files needs the netx extra")

ALL = Kind("a file", "write it again")
AGAIN = {"net": "export it again", "nir": "write it again"}
EXPECTED = {"net": "a .net file that lava-dl exported (net.export_hdf5)", "nir": "a .nir file"}


@pytest.fixture(params=["net", "nir"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "nir":
        pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
    return str(request.param)


@pytest.fixture
def file(kind: str, here: Path) -> Path:
    """A small good file; where it has its weights is in `WEIGHTS`."""
    if kind == "net":
        return write_net(Path("x.net"), [events_input((3, 1, 1)), dense(np.ones((2, 3)) * 4)])
    return write(here, graph(affine(np.ones((2, 3))), shape=(3,), out=[2]))


WEIGHTS = {"net": "layer/1/weight", "nir": "node/nodes/0/weight"}


def read(file: Path) -> object:
    return from_netx(file) if file.suffix == ".net" else read_nir(file)


def edited(file: Path, place: str, edit: Callable[[Any], object]) -> Path:
    with h5py.File(file, "r+") as opened:
        del opened[place]
        edit(opened)
    return file


def virtual(place: str) -> Callable[[Any], object]:
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[...] = h5py.VirtualSource("other.h5", "x", (2, 3))
    return lambda opened: opened.create_virtual_dataset(place, layout)


def test_a_virtual_dataset(file: Path, kind: str) -> None:
    place = WEIGHTS[kind]
    os.mkfifo("other.h5")  # whoever opens it waits for ever
    with refused(
        FileFormatError,
        f"""
        'weight' is a virtual dataset, whose values lie in other files
          where:    {file}: {place}
          got:      no values
          expected: its values in this file
          do:       {AGAIN[kind]}
        """,
    ):
        read(edited(file, place, virtual(place)))


def test_storage_outside_the_file(file: Path, kind: str) -> None:
    place = WEIGHTS[kind]
    Path("secret").write_bytes(np.ones(6, "f4").tobytes())
    with refused(
        FileFormatError,
        f"""
        'weight' lies outside this file
          where:    {file}: {place}
          got:      external storage in 'secret'
          expected: its values in this file
          do:       {AGAIN[kind]}
        """,
    ):
        read(edited(file, place, lambda f: f.create_dataset(place, (2, 3), "f4", external=[("secret", 0, h5py.h5f.UNLIMITED)])))


@pytest.mark.parametrize(
    ("link", "got"),
    [
        (lambda: h5py.ExternalLink("other.h5", "/x"), "ExternalLink to other.h5:/x"),
        (lambda: h5py.SoftLink("/none"), "SoftLink to /none"),
    ],
)
def test_a_link(file: Path, kind: str, link: Callable[[], Any], got: str) -> None:
    place = WEIGHTS[kind]
    os.mkfifo("other.h5")
    with refused(
        FileFormatError,
        f"""
        'weight' is a link to elsewhere
          where:    {file}: {place}
          got:      {got}
          expected: everything in its place
          do:       {AGAIN[kind]}
        """,
    ):
        read(edited(file, place, lambda f: f.__setitem__(place, link())))


def test_a_filter_that_would_be_loaded(file: Path, kind: str) -> None:
    place = WEIGHTS[kind]
    with refused(
        FileFormatError,
        f"""
        'weight' is packed in a way that is not read
          where:    {file}: {place}
          got:      filter 6 scaleoffset
          expected: gzip, shuffle, fletcher32, szip, lzf
          do:       write it with gzip, or unpacked
        """,
    ):
        read(edited(file, place, lambda f: f.create_dataset(place, data=np.ones((2, 3), "i4"), scaleoffset=0)))


@pytest.mark.parametrize(
    ("options", "got"),
    [({}, "0 of 24 bytes"), ({"chunks": (1, 3)}, "0 of 2 pieces"), ({"chunks": (2, 3), "compression": "gzip"}, "0 of 1 pieces")],
)
def test_what_was_never_written_is_not_zeros(file: Path, kind: str, options: dict[str, Any], got: str) -> None:
    place = WEIGHTS[kind]
    with refused(
        FileFormatError,
        f"""
        'weight' is declared, but not all of it is in the file
          where:    {file}: {place}
          got:      {got}
          expected: every value, for what was never written would be read as zeros
          do:       {AGAIN[kind]}
        """,
    ):
        read(edited(file, place, lambda f: f.create_dataset(place, (2, 3), "f4", **options)))


def test_a_part_that_was_never_written(file: Path, kind: str) -> None:
    def half(opened: Any) -> None:
        opened.create_dataset(WEIGHTS[kind], (2, 3), "f4", chunks=(1, 3))[0] = 1

    with pytest.raises(
        FileFormatError, match=r"'weight' is declared, but not all of it is in the file\n.*\n  got:      1 of 2 pieces"
    ):
        read(edited(file, WEIGHTS[kind], half))


@pytest.mark.parametrize("layers", [1, 40])
def test_small_files_take_little_memory(here: Path, layers: int) -> None:
    """Each array alone is below the bound, all of them are not; 15 KB once took 8 GB."""
    with h5py.File(here, "w") as opened:
        for n in range(layers):
            opened.create_dataset(f"layer/{n}/weight", data=np.zeros(1 << (28 if layers == 1 else 20), "i1"), compression="gzip")
    assert here.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="'weight' is too large for this file"):
        read_tree(here, ALL, lambda path: True)
    assert tracemalloc.get_traced_memory()[1] < 4 * LEAST
    tracemalloc.stop()


def test_a_piece_that_unpacks_to_more_than_it_declares(here: Path) -> None:
    import zlib

    packed = zlib.compress(bytes(64 << 20))
    with h5py.File(here, "w") as opened:
        made = opened.create_dataset("x", (4, 16), "f4", chunks=(4, 16), compression="gzip")
        made.id.write_direct_chunk((0, 0), packed)
    with pytest.raises(FileFormatError, match="'x' unpacks to more than it declares"):
        read_tree(here, ALL, lambda path: True)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (lambda: h5py.Empty("f4"), "'x' is empty"),
        (lambda: np.zeros(2, "c8"), "'x' is neither in numbers nor in words"),
        (lambda: np.zeros(2, "i4,f4"), "'x' is neither in numbers nor in words"),
        (lambda: np.void(b"raw"), "'x' is neither in numbers nor in words"),
        (lambda: np.dtype("f4"), "'x' is no array"),
        (lambda: np.array([b"\xff\xfe"]), "'x' is no text"),
    ],
)
def test_contents_that_no_network_has(here: Path, value: Callable[[], Any], what: str) -> None:
    with h5py.File(here, "w") as opened:
        opened["x"] = value()
    with pytest.raises(FileFormatError) as caught:
        read_tree(here, ALL, lambda path: True)
    assert (caught.value.what, caught.value.where) == (what, "x.nir: x")


@pytest.mark.parametrize("version", ["earliest", "v110", "latest"])
def test_what_a_superblock_states(here: Path, version: str) -> None:
    """Of every version that HDF5 writes; a file of another size, with a base or with a driver is none of ours."""
    with h5py.File(here, "w", libver=version) as opened:
        opened["x"] = np.arange(100)
    good = here.read_bytes()
    assert read_tree(here, ALL, lambda path: True)["x"].tolist() == list(range(100))
    for data in (good + b"more", bytes(512) + good):
        here.write_bytes(data)
        with pytest.raises(FileFormatError, match="this is not an HDF5 file, or it is damaged"):
            read_tree(here, ALL, lambda path: True)
    for at in range(8, 60):
        damaged = bytearray(good)
        damaged[at] ^= 16
        here.write_bytes(damaged)
        try:
            assert read_tree(here, ALL, lambda path: True)["x"].tolist() == list(range(100))
        except FileFormatError as error:
            assert error.expected  # noqa: PT017


def test_values_beyond_the_end_are_not_zeros(here: Path) -> None:
    with h5py.File(here, "w") as opened:
        opened["x"] = np.arange(1000)
        start = opened["x"].id.get_offset()
    data = here.read_bytes()
    where = data.index(start.to_bytes(8, "little") + (8000).to_bytes(8, "little"))
    here.write_bytes(data[:where] + (start + 800).to_bytes(8, "little") + data[where + 8 :])
    with pytest.raises(FileFormatError, match=r"^'x' is damaged\n.*\n  got:      [^()']*\n"):
        read_tree(here, ALL, lambda path: True)


def test_pieces_that_are_larger_than_the_array(here: Path) -> None:
    with h5py.File(here, "w") as opened:
        opened.create_dataset("x", (4,), "f4", maxshape=(None,), chunks=(1 << 28,), compression="gzip")
    with pytest.raises(FileFormatError, match=r"^'x' is too large for this file\n.*\n  got:      \[4\] of float32 in pieces of"):
        read_tree(here, ALL, lambda path: True)


def test_many_rows_of_no_words(here: Path) -> None:
    with h5py.File(here, "w") as opened:
        opened.create_dataset("x", (1 << 40, 0), h5py.string_dtype())
    assert read_tree(here, ALL, lambda path: True)["x"].shape == (1 << 40, 0)


def test_groups_that_lie_in_themselves(here: Path) -> None:
    with h5py.File(here, "w") as opened:
        opened["a/b"] = opened["/"]
        opened["a/c"] = opened["a"]
    with pytest.raises(FileFormatError, match="stands in a second place, too"):
        read_tree(here, ALL, lambda path: True)


def test_numbers_and_words_are_what_h5py_reads(here: Path) -> None:
    given = {
        "big": np.arange(6, dtype=">i2").reshape(2, 3),
        "packed": np.random.default_rng(0).normal(size=(40, 7)),
        "one": np.float32(2.5),
        "none": np.zeros((0, 3)),
        "word": "naïve",
        "words": np.array([["a", "b"], ["c", "d"]], object),
        "fixed": np.array([b"input", b"x"]),
    }
    with h5py.File(here, "w") as opened:
        for name, value in given.items():
            opened.create_dataset(name, data=value, **({"compression": "gzip", "shuffle": True} if name == "packed" else {}))
    tree = read_tree(here, ALL, lambda path: True)
    assert tree.keys() == given.keys()
    assert tree["word"] == "naïve"
    assert tree["fixed"].tolist() == ["input", "x"]
    for name in ("big", "packed", "one", "none", "words"):
        assert np.array_equal(tree[name], given[name]), name
    assert tree["big"].dtype.isnative


def test_what_is_no_file(kind: str, here: Path) -> None:
    path = Path(f"y.{kind}")
    os.mkfifo(path)
    with refused(
        FileFormatError,
        f"""
        this file cannot be read
          where:    {path}
          got:      a FIFO, not a file
          expected: {EXPECTED[kind]}
          do:       check the path
        """,
    ):
        read(path)


def test_a_pointer_of_git_lfs(kind: str, here: Path) -> None:
    path = Path(f"y.{kind}")
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
    with refused(
        FileFormatError,
        f"""
        this is not the file itself
          where:    {path}
          got:      a Git LFS pointer: three lines that stand for a file which was not downloaded
          expected: {EXPECTED[kind]}
          do:       get the file itself: `git lfs pull` in its repository, or the download link of the site
        """,
    ):
        read(path)


def test_endings_in_capitals_and_of_the_container(file: Path, kind: str) -> None:
    loud = file.rename(f"x.{kind.upper()}")
    if kind == "net":
        assert snn2hw.read_network(loud).steps == 6
    else:
        assert snn2hw.read_network(loud, sample=np.ones((4, 1, 3)), convention="norse").steps == 4
    path = loud.rename("x.h5")
    got, do = {
        "net": ("*.h5 with layer, simulation", "give it the ending .net, as its group 'layer' is that of a network of lava-dl"),
        "nir": ("*.h5 with node, version", "give it the ending .nir, as its group 'node' is that of a NIR network"),
    }[kind]
    with refused(
        UsageError,
        f"""
        the ending of this file does not say which network format it is in
          where:    x.h5
          got:      {got}
          expected: *.net, *.nir
          do:       {do}
        """,
    ):
        snn2hw.read_network(path)


def test_a_file_that_is_still_open_is_not_given_in_place_of_another(tmp_path: Path) -> None:
    """The library knows images by their names: two at a time need two."""
    first, second = tmp_path / "a.net", tmp_path / "b.net"
    for path, name in ((first, "one"), (second, "two")):
        with h5py.File(path, "w") as file:
            file[name] = 1
    held = _opened(first.read_bytes())
    try:
        assert set(read_tree(second, ALL, lambda path: True)) == {"two"}
    finally:
        held.close()


def test_a_seal_behind_the_file_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    with h5py.File(path, "w") as file:
        file["one"] = 1
    path.write_bytes(path.read_bytes() + BLANK)
    with path.open("r+b") as opened:
        seal(opened)
    assert set(read_tree(path, ALL, lambda path: True)) == {"one"}
    path.write_bytes(path.read_bytes()[:-1] + b"0")
    with pytest.raises(FileFormatError, match="its superblock states"):
        read_tree(path, ALL, lambda path: True)
