"""NIR files that lead elsewhere, or say that they are larger than anything: refused before anything is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from snn2hw.errors import FileFormatError
from tests.nir_cases import case, chain, check_case, linear

pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
pytestmark = pytest.mark.usefixtures("here")


def bigtype(file: Any) -> None:
    del file["node/nodes/0/type"]
    file["node/nodes/0"].create_dataset("type", shape=(1 << 46,), dtype="S8", chunks=(1024,))


def softlink(file: Any) -> None:
    import h5py

    del file["node/nodes/0/weight"]
    file["node/nodes/0/weight"] = h5py.SoftLink("/node/nodes/input/shape")


def outside(file: Any) -> None:
    import h5py

    del file["node/nodes/0/weight"]
    file["node/nodes/0/weight"] = h5py.ExternalLink("other.h5", "/secret")


@pytest.mark.parametrize(
    ("made", "error", "options", "edit"),
    [
        case(
            "a large type",
            lambda: chain(linear()),
            FileFormatError,
            "'type' is too large for this file",
            "node/nodes/0/type",
            "[70368744177664] of |S8",
            "at most 16 MiB in all, as the file has 21728 bytes",
            "write it again",
            edit=bigtype,
        ),
        case(
            "a soft link",
            lambda: chain(linear()),
            FileFormatError,
            "'weight' is a link to elsewhere",
            "node/nodes/0/weight",
            "SoftLink to /node/nodes/input/shape",
            "everything in its place",
            "write it again",
            edit=softlink,
        ),
        case(
            "a link to another file",
            lambda: chain(linear()),
            FileFormatError,
            "'weight' is a link to elsewhere",
            "node/nodes/0/weight",
            "ExternalLink to other.h5:/secret",
            "everything in its place",
            "write it again",
            edit=outside,
        ),
    ],
)
def test_refused(made: Callable[[], Any], error: Any, options: dict[str, Any], edit: Any) -> None:
    check_case(made, error, options, edit)
