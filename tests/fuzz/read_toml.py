"""A target file: damaged text, and values that no chip has."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from snn2hw.target import load_chip, targets_folder
from snn2hw.target.cores import FIELDS
from tests.fuzz.harness import Attempt, Reader, anything, never
from tests.fuzz.mutators import damaged_bytes

IMPOSSIBLE = ("-1", "0", "true", "1.5", "'x'", "[]", "{}", "inf", "nan", "10000000000", "2020-01-01", "[" * 5000 + "]" * 5000, "")
TEXTS = (
    b"a = " + b"[" * 30000 + b"]" * 30000,
    b"a = " + b"{a=" * 9000 + b"1" + b"}" * 9000,
    b".".join([b"a"] * 20000) + b" = 1",
    b"[" + b".".join([b"a"] * 20000) + b"]",
    b"\xff\xfe",
    b"name = 'x'\nname = 'y'",
    b"x = " + b"9" * 60000,
    b'x = "' + b"\\u0041" * 9000 + b'"',
    b"#" * 70000,
)


def prepare(folder: Path) -> list[bytes]:
    """The shipped targets."""
    return [p.read_bytes() for p in sorted(targets_folder().glob("*.toml"))]


def damage(rng: random.Random, folder: Path, good: list[bytes]) -> Attempt:
    """A damaged target file."""
    data, how = rng.choice(good), rng.randrange(4)
    if how == 0:
        data = rng.choice(TEXTS)
        attempt = Attempt(f"{data[:40]!r}...", never)
    elif how == 1:
        found = rng.choice([*re.finditer(rb"^(\w+) += \{ (?:value|low) = (.*?), (?:high|unit|confidence) =", data, re.MULTILINE)])
        value, key = rng.choice(IMPOSSIBLE).encode(), found[1].decode()
        section = re.findall(rb"^\[(\w+)\]", data[: found.start()], re.MULTILINE)[-1].decode()
        data = data[: found.start(2)] + value + data[found.end(2) :]
        attempt = Attempt(f"[{section}] {key} = {value[:20]!r}", never if _is_impossible(section, key, value) else anything)
    else:
        says, data = damaged_bytes(rng, data)
        attempt = Attempt(says, anything)
    (folder / "chip.toml").write_bytes(data)
    return attempt


def _is_impossible(section: str, key: str, value: bytes) -> bool:
    """Whether no chip has this; the values of a list, and texts, are looked at elsewhere."""
    if value == b"10000000000":
        return section in ("lowering", "neurons") and key.endswith("_bits")
    if section == "cores":
        return FIELDS[key].kind in ("count", "each")
    if section in ("energy", "latency"):
        return value != b"1.5"
    return key.endswith("_bits") and (section != "facts" or value != b"0")  # a chip may have none of something


def read(folder: Path, good: Any) -> Any:
    """What `--target chip.toml` gives."""
    return load_chip(str(folder / "chip.toml"))


READER = Reader("toml", prepare, damage, read, quick=60)
