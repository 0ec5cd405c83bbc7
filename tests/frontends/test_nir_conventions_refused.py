"""Conventions that are none, and networks that the scheme of the NIR paper for Loihi does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import Snn2hwError, UnsupportedError, UsageError, ValueRangeError
from snn2hw.frontends.nir_convention import Convention, chosen_convention
from snn2hw.frontends.nir_lava import lava_integers
from tests.nir_cases import chain, linear
from tests.nir_files import affine, integrator, lif, write
from tests.refused import refused

pytest.importorskip("nir", reason="reading .nir files needs the nir extra")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Error texts hold the path as it was given: a short one."""
    monkeypatch.chdir(tmp_path)
    return Path("x.nir")


def test_a_step_without_length() -> None:
    with refused(
        ValueRangeError,
        """
        dt is not positive
          where:    norse
          got:      -1
          expected: dt > 0
          do:       choose a positive dt
        """,
    ):
        chosen_convention("norse", -1)


@pytest.mark.parametrize(
    ("given", "what", "got"),
    [
        ({"levels": 3}, "several spikes in a step need reset='subtract'", "levels=3, reset='value'"),
        ({"levels": None}, "several spikes in a step need reset='subtract'", "levels=None, reset='value'"),
        ({"levels": 17, "reset": "subtract"}, "levels is out of range", "17"),
        ({"dt": 0.0}, "dt is not positive", "0.0"),
        ({"method": "rk4"}, "unknown method", "'rk4'"),
        ({"reset": "none"}, "unknown reset", "'none'"),
        ({"if_input": "none"}, "unknown if_input", "'none'"),
    ],
)
def test_a_convention_that_is_none(given: dict[str, Any], what: str, got: str) -> None:
    with pytest.raises(Snn2hwError) as caught:
        Convention(**{"dt": 1e-3, **given})
    assert (caught.value.what, caught.value.where, caught.value.got) == (what, "Convention", got)


@pytest.mark.parametrize(
    ("nodes", "where", "got", "expected"),
    [
        (lambda: [linear()], "output (Output)", "1 nodes before it", "pairs of a synapse and a LIF"),
        (lambda: [linear(), integrator(3)], "1 (IF)", "IF behind 0", "a LIF behind '0'"),
        (lambda: [lif(3), lif(3)], "0 (LIF)", "LIF", "Affine or Linear, entered by one edge"),
        (lambda: [affine(np.eye(3), np.ones(3)), lif(3)], "0 (Affine)", "a bias that is not 0", "no bias"),
        (lambda: [linear(), lif(3, r=2)], "1 (LIF)", "r = 2", "r = 1"),
        (lambda: [linear(), lif(3, tau=[1, 2, 3])], "1 (LIF)", "3 different values of tau", "one for the layer"),
        (
            lambda: [affine(np.eye(3) * 8 - 3), lif(3)],
            "0 (Affine)",
            "integer weights from -38 to 63",
            "one sign and at most 127, as a Dense of Lava keeps",
        ),
    ],
)
def test_what_the_chips_scheme_does_not_have(here: Path, nodes: Callable[[], Any], where: str, got: str, expected: str) -> None:
    path = write(here, chain(*nodes()))
    with refused(
        UnsupportedError,
        f"""
        the chip's scheme for NIR does not have this
          where:    x.nir: {where}
          got:      {got}
          expected: {expected}
          do:       read the file as real numbers, with from_nir and a convention
        """,
    ):
        lava_integers(path, 4)


def test_the_chips_scheme_needs_steps(here: Path) -> None:
    with refused(
        UsageError,
        """
        steps is no number of steps
          where:    x.nir
          got:      0
          expected: 1, 2, 3, ...
        """,
    ):
        lava_integers(here, 0)
