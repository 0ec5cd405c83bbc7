"""Every reader that is fuzzed, by name. A module is imported when its reader is run, so that none pays for another's packages."""

from __future__ import annotations

from importlib import import_module

from tests.fuzz.harness import Reader

READERS = {
    "npy": "tests.fuzz.read_npy",
    "npz": "tests.fuzz.read_npz",
    "toml": "tests.fuzz.read_toml",
    "artefact": "tests.fuzz.read_artefact",
    "net": "tests.fuzz.read_net",
    "net_ends": "tests.fuzz.read_net_ends",
    "nir": "tests.fuzz.read_nir",
    "image": "tests.fuzz.read_image",
    "aedat": "tests.fuzz.read_aedat",
    "aedat4": "tests.fuzz.read_aedat4",
    "cifar": "tests.fuzz.read_cifar",
    "published": "tests.fuzz.read_published",
    "diff": "tests.fuzz.read_trace",
    "frames": "tests.fuzz.read_frames",
    "checkpoint": "tests.fuzz.read_checkpoint",
    "safetensors": "tests.fuzz.read_safetensors",
    "command": "tests.fuzz.read_command",
}


def reader(name: str) -> Reader:
    """The reader of this name."""
    found: Reader = import_module(READERS[name]).READER
    return found
