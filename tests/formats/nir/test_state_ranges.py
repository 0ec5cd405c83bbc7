"""The ranges of states are those that the whole sample reaches, of which a part is run at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ValueRangeError
from snn2hw.exploration.digest import digest
from snn2hw.formats.nir import state_ranges
from snn2hw.formats.nir.convention import Convention
from tests.nir_cases import chain, linear
from tests.nir_files import affine, cuba_lif, integrator, lif, write

pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
pytestmark = pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")
RNG = np.random.default_rng(0)
N = 12
LATE = Convention(dt=1e-3, reset="subtract", when="next")


@pytest.mark.parametrize("outlier", [0, 5, N - 1])
@pytest.mark.parametrize(
    ("neuron", "convention"), [(lif, "norse"), (cuba_lif, "norse"), (lif, LATE), (cuba_lif, LATE), (integrator, "sinabs")]
)
def test_parts_reach_what_the_whole_sample_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outlier: int, neuron: Any, convention: Any
) -> None:
    """One sample reaches far beyond the others, in whichever part it lies."""
    path = write(tmp_path / "x.nir", chain(affine(np.eye(3) * 2), neuron(3), linear(), neuron(3)))
    x = RNG.integers(0, 2, (6, N, 3)).astype(np.float64)
    x[:, outlier] = 4
    whole = snn2hw.read_network(path, sample=x, convention=convention)
    parts, ran = list[int](), state_ranges.run_real

    def counted(net: Any, some: Any, observe: Any) -> Any:
        parts.append(some.shape[1])
        return ran(net, some, observe)

    monkeypatch.setattr(state_ranges, "run_real", counted)
    assert digest(snn2hw.read_network(path, sample=x, convention=convention)) == digest(whole)
    assert set(parts) == {N}
    parts.clear()
    monkeypatch.setattr(state_ranges, "TOGETHER", 1)
    assert digest(snn2hw.read_network(path, sample=x, convention=convention)) == digest(whole)
    assert set(parts) == {1}
    assert len(parts) % N == 0
    assert digest(snn2hw.read_network(path, sample=np.delete(x, outlier, 1), convention=convention)) != digest(whole)


def test_a_membrane_that_is_no_number_in_one_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_ranges, "TOGETHER", 1)
    path = write(tmp_path / "x.nir", chain(*[affine(np.eye(3) * 3e38)] * 10, lif(3)))
    x = np.zeros((6, N, 3))
    x[:, 0] = 1.0
    with pytest.raises(ValueRangeError, match="the membrane leaves all bounds on the sample"):
        snn2hw.read_network(path, sample=x, convention="norse")
