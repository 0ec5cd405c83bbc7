"""Every reader that is fuzzed, by name. A module is imported when its reader is run, so that none pays for another's packages."""

from __future__ import annotations

from importlib import import_module

from tests.fuzz.harness import Reader

READERS = {
    "npy": "tests.fuzz.read_npy",
    "npz": "tests.fuzz.read_npz",
    "toml": "tests.fuzz.read_toml",
    "artefact": "tests.fuzz.read_artefact",
}


def reader(name: str) -> Reader:
    """The reader of this name."""
    found: Reader = import_module(READERS[name]).READER
    return found
