"""lava-dl's .net files that begin without an input layer, with a recurrent layer, and end without a neuron; as `read_net`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.formats.netx.read import from_netx
from tests.fuzz.harness import Reader
from tests.fuzz.read_net import damage, meaning
from tests.netx_files import recurrent, without_neuron, write_net


def prepare(folder: Path) -> list[bytes]:
    """A recurrent layer with a bias, and one without a neuron."""
    rng = np.random.default_rng(0)
    layers = [
        recurrent(rng.integers(-9, 99, (4, 3)), rng.integers(-60, 40, (4, 4)), [2, -4, 0, 6]),
        without_neuron(rng.integers(-9, 99, (2, 4))),
    ]
    return [write_net(folder / "0.net", layers).read_bytes()]


def read(folder: Path, good: Any) -> dict[str, Any]:
    """What the network says, in the file's own terms."""
    return meaning(from_netx(folder / "x.net"))


READER = Reader("net_ends", prepare, damage, read, quick=20)
