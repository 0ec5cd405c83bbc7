"""Network files of other frameworks, by their ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snn2hw.errors import UsageError
from snn2hw.frontends.from_netx import from_netx
from snn2hw.frontends.from_nir import from_nir
from snn2hw.frontends.nir_convention import Convention
from snn2hw.frontends.nir_exact import exact_network
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


def is_network_file(name: str | Path) -> bool:
    """Whether this is a network file of another framework rather than a model or an artefact."""
    return Path(name).suffix in READERS and not Path(name).is_dir()


def read_network(path: str | Path, steps: int | None = None, **options: Any) -> IntegerNetwork | Network:
    """A network file of another framework, by its ending.

    '.net' of lava-dl is an IntegerNetwork (`snn2hw.frontends.from_netx`), '.nir' a Network of the real stage
    (`snn2hw.frontends.from_nir`, which needs sample=x and convention="norse" or another). A '.nir' that `snn2hw.export_nir`
    wrote is, without a convention, the IntegerNetwork that was exported. `snn2hw.compile` takes both.

    Args:
        steps: T of a sample, where the file or the sample does not say or something else is wanted.
        options: of the reader.

    Raises:
        UsageError: another ending. Snn2hwError: a file that cannot be read, or asks for what is not supported.
    """
    if not is_network_file(path):
        raise UsageError("this is no network file", got=str(path), expected=" or ".join(f"*{suffix}" for suffix in READERS))
    return READERS[Path(path).suffix](path, steps, **options)
