"""Network files of other frameworks, by their ending: ours, and those of installed packages.

[project.entry-points."snn2hw.formats"]      in another package's pyproject.toml
toy = "snn2hw_toy:read"                      the ending, and what reads such a file: (path, steps=None, **options) -> network
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from snn2hw.errors import UsageError
from snn2hw.files.read import is_folder
from snn2hw.formats.hdf5 import Kind, read_tree
from snn2hw.formats.netx.read import from_netx
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.exact import exact_network
from snn2hw.formats.nir.read import from_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network
from snn2hw.plugins import entries, package

Reader: TypeAlias = Callable[..., "IntegerNetwork | Network"]


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


READERS: dict[str, Reader] = {".net": from_netx, ".nir": _nir}  # a program may add its own for as long as it runs
GROUP = "snn2hw.formats"
CONTAINER, SHOWN = Kind("an HDF5 file", "write it again"), 5
HDF5 = (".h5", ".hdf5", ".hdf", ".he5")  # endings of the container, which say nothing of what is in it


def suffix(name: str | Path) -> str:
    """The ending in small letters: x.NIR is a .nir file, too."""
    return Path(name).suffix.lower()


def endings() -> tuple[str, ...]:
    """Of the network files that can be read here; no package is imported for it."""
    return tuple(dict.fromkeys((*READERS, *(f".{name}" for name in entries(GROUP)))))


def reader(path: str | Path) -> Reader:
    """What reads a file of this ending, which is one of `endings`.

    Raises:
        UsageError: two of them have the ending, or the package that has it cannot be imported.
    """
    end = suffix(path)
    found = [("snn2hw itself", end)] * (end in READERS)
    packages = entries(GROUP).get(end[1:], ())
    found += [(f"the package {package(entry)}", entry.value) for entry in packages]
    if len(found) > 1:
        raise UsageError(
            "two formats have one ending",
            got=f"'*{end}' of {' and of '.join(owner for owner, _ in found)}",
            expected="an ending for each",
            do="rename one of them, or uninstall its package",
        )
    if end in READERS:
        return READERS[end]
    try:
        loaded: Reader = packages[0].load()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the package {package(packages[0])}, which reads *{end} files, cannot be imported",
            where=packages[0].value,
            got=" ".join(f"{type(error).__name__}: {error}".split()),
            do="update the package, or uninstall it",
        ) from error
    return loaded


def is_network_file(name: str | Path) -> bool:
    """Whether this is a network file of another framework rather than a model or an artefact."""
    return suffix(name) in (*endings(), *HDF5) and not is_folder(name)


def read_network(path: str | Path, steps: int | None = None, **options: Any) -> IntegerNetwork | Network:
    """A network file of another framework, by its ending.

    '.net' of lava-dl is an IntegerNetwork (`snn2hw.formats.netx.read`), '.nir' a float Network
    (`snn2hw.formats.nir.read`, which needs sample=x and convention="norse" or another). A '.nir' that `snn2hw.export_nir`
    wrote is, without a convention, the IntegerNetwork that was exported. `snn2hw.compile` takes both. Packages add further
    endings.

    Args:
        path: of the file.
        steps: T of a sample, where the file or the sample does not say or something else is meant.
        options: of the reader.

    Raises:
        UsageError: another ending. Snn2hwError: a file that cannot be read, or asks for what is not supported.
    """
    check_ending(path)
    return reader(path)(path, steps, **options)


def check_ending(path: str | Path) -> None:
    """Refuse an ending that says nothing of the format; of an HDF5 file, say what it seems to be.

    Raises:
        UsageError: it is none of `endings`.
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
            expected=", ".join(f"*{end}" for end in endings()),
            do=f"give it the ending {seems}" if seems else "networks of Keras and others are not read; export it to NIR",
        )
    if not is_network_file(path):
        raise UsageError(
            "this is no network file",
            got=str(path),
            expected=" or ".join(f"*{end}" for end in endings()),
            do="give a file with one of these endings, or compile the torch model itself: snn2hw compile MODULE:FACTORY",
        )
