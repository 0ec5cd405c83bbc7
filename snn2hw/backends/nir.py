"""nir: the network as a NIR file, which other frameworks open as an approximation and snn2hw as the exact integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from snn2hw.artefact import EXPORTED_NIR, Artefact
from snn2hw.backends.base import Exported
from snn2hw.files.kinds import NIR_FILE
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, write_file
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.fits import nir_lacks
from snn2hw.formats.nir.write import to_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack


class NirFiles:
    """A .nir file; docs/how-to/nir.md says what others read of it."""

    name = "nir"
    description = "a NIR file: the exact integers for snn2hw, float weights and linear neurons for other frameworks"
    writes = EXPORTED_NIR

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Layers for which NIR, or the package nir, has no node."""
        return nir_lacks(network)

    def emit(
        self,
        artefact: Artefact,
        out: Path,
        *,
        convention: str | Convention | None = None,
        dt: float | None = None,
        force: bool = False,
    ) -> Exported:
        """Write the NIR file. Arguments as `write_nir`."""
        lost = write_nir(artefact.network, out, convention, dt, force=force)
        return Exported(out, lost, ("snn2hw", "compile", str(out)))


def write_nir(
    net: IntegerNetwork, path: Path, convention: str | Convention | None, dt: float | None, *, force: bool = False
) -> Mapping[str, str]:
    """Write the NIR file of a network; by layer, what others get only in part.

    Args:
        net: whose exact integers are in it, too. path: a file *.nir.
        convention: whose importer the visible neurons are written for; None: NIR's own equation under Euler.
        dt: seconds of a step, where it is not the convention's own.
        force: whether a file is replaced that snn2hw did not write, or that was edited since.

    Raises:
        UsageError: another ending than .nir, by which it is read again, or a place that cannot be written. As `to_nir`.
    """
    check_file(path, NIR_FILE, force=force)
    made = to_nir(net, convention, dt)
    write_file(path, made.data + BLANK, sealing=True, force=force)
    return made.approximations
