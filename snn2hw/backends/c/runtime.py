"""What the C of every network begins with: vector instructions, how many channels are taken together, sums of a tile."""

from __future__ import annotations

from snn2hw.backends.c.text import template
from snn2hw.native.templates import filled

BLOCK = 64  # output channels whose sums and neurons are taken together, at most
LANES = 16  # output channels of a tile


def head() -> str:
    """Which vector instructions the compiler is asked for."""
    return "\n" + filled(template("fast/head.h"), {"BLOCK": BLOCK})


def runtime() -> str:
    """The head, parts over threads, dense sums in vectors and in tiles, event-driven sums (`templates/fast`)."""
    return "\n".join([head(), *(template(f"fast/{part}.h") for part in ("team", "dense", "tiles", "events"))])
