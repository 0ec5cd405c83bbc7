"""Samples on the command line: read from a file, and laid out as the network takes them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.cli import console
from snn2hw.cli.usage import refuse_options
from snn2hw.errors import Snn2hwWarning
from snn2hw.ir.layout import NT, TN, read_as
from snn2hw.user_models import read_samples


def laid_out(x: npt.NDArray[Any], layout: str | None, steps: int | None, *, static: bool) -> npt.NDArray[Any]:
    """Samples as [T, N, ...] where they are temporal; where both readings are as likely, that is said on stderr.

    Args:
        x: as they were read. layout: as it was given. steps: T, where the network says. static: whether they are [N, ...].
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = read_as(x, layout, steps, static=static, stacklevel=1)
    for warning in told:
        if isinstance(warning.message, Snn2hwWarning):
            console.print_warning(warning.message)
    return found


def axis_of(layout: str | None, *, static: bool) -> int:
    """Along which axis of a folder's files samples are counted.

    Args:
        layout: as it was given. static: whether they are [N, ...].
    """
    return 0 if static or layout == NT else 1


def refuse_own_layout(layout: str | None, whose: str = "a model's own samples") -> None:
    """Only samples of files have a layout that is stated: those of a model.py are [N, ...] or [T, N, ...], as it says.

    Args:
        layout: as it was given, where no file was. whose: what is taken in its place.

    Raises:
        UsageError: there is one.
    """
    refuse_options({"--layout": layout}, whose, "leave it out: they are as the model takes them")


def samples_for(artefact: Artefact, path: Path | None, layout: str | None) -> npt.NDArray[Any] | None:
    """The samples of a file for a compiled network; None where no file is given.

    Args:
        artefact: the compiled network. path: of the file. layout: as it was given.
    """
    if path is None:
        refuse_own_layout(layout, "samples that no file gives")
        return None
    net = artefact.network
    return laid_out(read_samples(path, axis_of(layout, static=net.input.static)), layout, net.steps, static=net.input.static)


def stated(static: bool) -> str | None:
    """The layout of samples that are laid out already, so that nobody warns of them again.

    Args:
        static: whether they are [N, ...], without a layout.
    """
    return None if static else TN
