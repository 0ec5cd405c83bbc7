"""A target file: damaged text, and values that no chip has."""

from __future__ import annotations

import random
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from snn2hw.target import Lowering, load_target, targets_folder
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
        lines = list(re.finditer(rb"^(\w+_bits) += \{ value = ([^,]*),", data, re.MULTILINE))
        found, value = rng.choice([m for m in lines if m[1] != b"weight_bits"]), rng.choice(IMPOSSIBLE).encode()
        data = data[: found.start(2)] + value + data[found.end(2) :]
        lowered = found[1].decode() in {f.name for f in fields(Lowering)}
        taken = value == b"0" and not lowered  # a chip may have none of something
        attempt = Attempt(f"{found[1]!r} = {value[:20]!r}", anything if taken else never)
    else:
        says, data = damaged_bytes(rng, data)
        attempt = Attempt(says, anything)
    (folder / "chip.toml").write_bytes(data)
    return attempt


def read(folder: Path, good: Any) -> Any:
    """What `--target chip.toml` gives."""
    return load_target(str(folder / "chip.toml"))


READER = Reader("toml", prepare, damage, read, quick=60)
