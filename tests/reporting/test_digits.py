"""Numbers of a page are told to significant digits: those of a neuron with a tiny range are no zeros."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Current, Single
from snn2hw.reporting.digits import significant
from tests.hand_networks import artefact_of, counts, lif, linear, network, readout
from tests.reporting.pages import data_of


def test_so_many_digits_wherever_the_point_is() -> None:
    assert significant([[123456789.0, -1.23456789e-9], [0.0, 2.0]], 4) == [[123500000.0, -1.235e-9], [0.0, 2.0]]
    assert significant(0.125, 2) == 0.12
    wide = np.array([2**28, 2**28 + 1]) * 2.0**-40
    assert len(set(significant(wide, 9))) == 2


def test_states_of_a_tiny_range_are_shown(tmp_path: Path) -> None:
    """A millionth of 1 is no 0: numbers are told to significant digits."""
    fires = lif("n", "fc", 0.55, state_range=(-4e-6, 4e-6), firing=Single(1e-6))
    net = network(3, counts(2), linear("fc", "input", 8e-7 * np.eye(2)), fires, linear("o", "n", np.eye(2)), readout("o"))
    x = np.ones((3, 4, 2))
    artefact = artefact_of(net, x)
    said = data_of(snn2hw.report(artefact, x, out=tmp_path / "r.html", layout="TN", executors=("reference", "onnx-reference")))
    unit = 2.0 ** -artefact.network.neurons[0].program.states["u"].format.frac
    trace = interpret(artefact.network, encode(artefact.network, x))
    shown = said["activity"][0]["layers"]["n"]["membranes"]["neurons"][0]["states"]["u"]
    assert max(map(abs, shown)) > 1e-7
    assert shown == pytest.approx((trace.states["n.u"][:, 0, 0] * unit).tolist(), rel=1e-8, abs=0)
    curve = said["layers"]["n"]["curves"][0]
    for name in ("u", "real", "integer"):
        assert len(set(curve[name])) > 100, name
    off = np.array(curve["integer"]) - np.array(curve["real"])
    assert curve["off"] == pytest.approx((off / unit).tolist(), abs=1e-3)


def test_places_of_a_portrait_of_a_tiny_range_are_shown(tmp_path: Path) -> None:
    current = Current(np.array([0.75]), (-4e-6, 4e-6))
    fires = lif("n", "fc", 0.5, state_range=(-4e-6, 4e-6), firing=Single(1e-6), current=current)
    net = network(3, counts(1), linear("fc", "input", [[8e-7]]), fires, linear("o", "n", np.eye(2)[:, :1]), readout("o"))
    x = np.ones((3, 4, 1))
    artefact = artefact_of(net, x)
    out = tmp_path / "r.html"
    said = data_of(snn2hw.report(artefact, x, out=out, layout="TN", executors=("reference", "onnx-reference")))
    (shown,) = said["layers"]["n"]["portraits"]
    for name in ("start", "real", "integers"):
        assert len(set(map(tuple, shown[name]))) > 100, name
