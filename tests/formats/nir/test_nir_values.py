"""Values in NIR files that no network has: refused by name, with the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import FileFormatError, Snn2hwError, ValueRangeError
from snn2hw.formats.nir.convention import Convention
from tests.nir_cases import chain, read
from tests.nir_files import affine, lif, write

h5py = pytest.importorskip("h5py", reason="reading .nir files needs the nir extra")
pytest.importorskip("nir", reason="reading .nir files needs the nir extra")

WEIGHT, THRESHOLD = "node/nodes/0/weight", "node/nodes/1/v_threshold"


def changed(here: Path, place: str, value: Any) -> Path:
    with h5py.File(write(here, chain(affine(np.eye(3)), lif(3))), "r+") as file:
        del file[place]
        file[place] = value
    return here


CASES: list[tuple[str, Any, type[Snn2hwError], str]] = [
    (WEIGHT, np.ones((3, 3), bool), FileFormatError, "'weight' is not in numbers"),
    (WEIGHT, np.ones((3, 3), np.float16), FileFormatError, "'weight' is not in numbers"),
    (WEIGHT, np.zeros((0, 3)), FileFormatError, "'weight' is empty"),
    (WEIGHT, np.full((3, 3), np.nan), ValueRangeError, "'weight' holds NaN or Inf"),
    (WEIGHT, np.full((3, 3), 1e308), ValueRangeError, "'weight' is beyond all numbers that networks have"),
    (THRESHOLD, np.full(3, 1e308), ValueRangeError, "'v_threshold' is beyond all numbers that networks have"),
    (THRESHOLD, np.full(3, 1e-320), ValueRangeError, "'v_threshold' is below all numbers that networks have"),
    ("node/nodes/1/tau", np.full(3, 1e-39), ValueRangeError, "'tau' is below all numbers that networks have"),
    (THRESHOLD, np.full(3, -np.inf), ValueRangeError, "'v_threshold' holds NaN or Inf"),
    (THRESHOLD, np.full(3, -0.0), ValueRangeError, "'v_threshold' is not positive"),
    ("node/nodes/input/shape", np.array([3.0]), FileFormatError, "the shape is not one"),
    ("node/nodes/input/shape", np.array([2**62]), FileFormatError, "the shape is not one"),
    ("node/nodes/input/shape", np.ones(1 << 20, int), FileFormatError, "the shape is not one"),
]


@pytest.mark.parametrize(("place", "value", "kind", "what"), CASES, ids=[f"{n}-{c[3]}" for n, c in enumerate(CASES)])
def test_values_that_no_network_has(here: Path, place: str, value: Any, kind: type[Snn2hwError], what: str) -> None:
    with pytest.raises(kind) as caught:
        read(changed(here, place, value), convention=Convention(dt=1e-3))
    assert caught.value.what == what
    assert f"x.nir: {place.split('/')[2]} (" in caught.value.where
    assert caught.value.expected
    assert len(str(caught.value)) < 1000
