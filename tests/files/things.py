"""Folders of a kind that only tests have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from snn2hw.files import leftovers
from snn2hw.files.record import Kind, read_record, recorded, sha256
from snn2hw.files.write import write_folder
from tests.stored import contents

KIND = Kind("thing", frozenset({"a", "b"}))
ALONE = Kind("thing", frozenset({"a", "b"}), edited=True, alone=True)
OLD, NEW = ({"a": what, "b": what * 2, **more} for what, more in ((b"old", {"gone": b"0"}), (b"new", {"come": b"1"})))


def written(path: Path, files: dict[str, bytes], kind: Kind = KIND, **how: Any) -> Path:
    return write_folder(path, recorded(files, {"of": "tests"}, ("made",)), kind, **how)


def is_(path: Path, files: dict[str, bytes], **own: bytes) -> bool:
    found = contents(path)
    stated = read_record(path / "manifest.json", KIND)
    assert stated is not None
    assert stated.files == {name: sha256(data) for name, data in files.items()}
    del found["manifest.json"]
    return found == {**files, **own} and not [n for n in os.listdir(path) if leftovers.is_leftover(n)]
