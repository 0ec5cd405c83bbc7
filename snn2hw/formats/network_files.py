"""Network files of other frameworks, by their ending."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snn2hw.errors import UsageError
from snn2hw.files.read import is_folder
from snn2hw.formats.hdf5 import Kind, read_tree
from snn2hw.formats.netx.read import from_netx
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.exact import exact_network
from snn2hw.formats.nir.read import from_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network


def _nir(
    path: str | Path, steps: int | None = None, *, convention: str | Convention | None = None, **options: Any
) -> IntegerNetwork | Network:
    """Without a convention a file of ours is the exact network in it; with one, and any other file, it is its equations."""
    exact = exact_network(Path(path)) if convention is None else None
    if exact is None:
        return from_nir(path, steps, convention=convention, **options)
    given = {"steps": steps} | {name: options.get(name) for name in ("dt", "input_range")}
    if stated := [name for name, value in given.items() if value is not None]:
        raise UsageError(
            "this file holds the exact network, whose integers and steps are made already",
            where=str(path),
            got=", ".join(stated),
            expected="no options, or a convention",
            do="leave them out; or have the visible nodes read as equations: convention=... (--convention)",
        )
    return exact


READERS: Mapping[str, Callable[..., IntegerNetwork | Network]] = {".net": from_netx, ".nir": _nir}
CONTAINER, SHOWN = Kind("an HDF5 file", "write it again"), 5
HDF5 = (".h5", ".hdf5", ".hdf", ".he5")  # endings of the container, which say nothing of what is in it


def suffix(name: str | Path) -> str:
    """The ending in small letters: x.NIR is a .nir file, too."""
    return Path(name).suffix.lower()


def is_network_file(name: str | Path) -> bool:
    """Whether this is a network file of another framework rather than a model or an artefact."""
    return suffix(name) in (*READERS, *HDF5) and not is_folder(name)


def read_network(path: str | Path, steps: int | None = None, **options: Any) -> IntegerNetwork | Network:
    """A network file of another framework, by its ending.

    '.net' of lava-dl is an IntegerNetwork (`snn2hw.formats.netx.read`), '.nir' a Network of the real stage
    (`snn2hw.formats.nir.read`, which needs sample=x and convention="norse" or another). A '.nir' that `snn2hw.export_nir`
    wrote is, without a convention, the IntegerNetwork that was exported. `snn2hw.compile` takes both.

    Args:
        steps: T of a sample, where the file or the sample does not say or something else is wanted.
        options: of the reader.

    Raises:
        UsageError: another ending. Snn2hwError: a file that cannot be read, or asks for what is not supported.
    """
    check_ending(path)
    return READERS[suffix(path)](path, steps, **options)


def check_ending(path: str | Path) -> None:
    """Refuse an ending that says nothing of the format; of an HDF5 file, say what it seems to be.

    Raises:
        UsageError: it is neither .net nor .nir.
    """
    if is_network_file(path) and suffix(path) in HDF5:
        found = sorted(read_tree(Path(path), CONTAINER, lambda inner: False)) if importlib.util.find_spec("h5py") else []
        names = {
            "node": ".nir, as its group 'node' is that of a NIR network",
            "layer": ".net, as its group 'layer' is that of a network of lava-dl",
        }
        seems = next((names[name] for name in found if name in names), "")
        raise UsageError(
            "the ending of this file does not say which network format it is in",
            where=str(path),
            got=f"*{suffix(path)}" + (f" with {', '.join(found[:SHOWN])}" if found else ""),
            expected=", ".join(f"*{end}" for end in READERS),
            do=f"give it the ending {seems}" if seems else "networks of Keras and others are not read; export it to NIR",
        )
    if not is_network_file(path):
        raise UsageError("this is no network file", got=str(path), expected=" or ".join(f"*{end}" for end in READERS))
