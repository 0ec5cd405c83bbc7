"""Convolutions that NIR has no shape for are written as others that compute the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from snn2hw.formats.nir.convention import Convention
from snn2hw.ir.shapes import Window
from tests.hand_networks import compiled, conv, counts, events, flatten, lif, network, normal, readout
from tests.nir_exports import difference, visible_spikes

pytest.importorskip("nir", reason="writing .nir files needs the nir extra")

SOFT = Convention(dt=1e-4, reset="subtract", threshold="inclusive")


@pytest.mark.parametrize("kernel", [(1, 3), (3, 1), (3, 3), (1, 5), (4, 2)], ids=str)
@pytest.mark.parametrize("dilation", [(1, 1), (2, 2), (1, 3)], ids=str)
@pytest.mark.parametrize("padding", [(2, 1)], ids=str)
def test_a_kernel_of_any_sides_and_dilation(
    kernel: tuple[int, int], dilation: tuple[int, int], padding: tuple[int, int], tmp_path: Path
) -> None:
    """The kernel is made square with zeros around it, and what these see is padded, each as far as the dilation carries it."""
    weight = (normal(7, 2, 2, *kernel) * 32).round() / 32
    net = network(
        3,
        counts(2, 9, 14),
        conv("conv", "input", weight, window=Window(kernel, (1, 1), padding, dilation)),
        lif("n", "conv", 0.5, state_range=(-64.0, 64.0)),
        flatten("flat", "n"),
        lif("out", "flat", 0.5, state_range=(-64.0, 64.0)),
        readout("out"),
    )
    x = events(net, 3)
    made = compiled(net, x).network
    spikes, trace = visible_spikes(made, tmp_path / "x.nir", x, SOFT)
    assert trace.spikes["n"].any()
    assert (trace.spikes["n"] == 0).any()
    assert (spikes["n"] != trace.spikes["n"]).sum() == 0
    assert difference(made, tmp_path / "y.nir", SOFT) == ""
