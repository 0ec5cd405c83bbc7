"""A layer with several readers: what each of them gets is what the float network gives it."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Network, Node
from tests.hand_networks import add, compiled, conv, counts, events, flatten, integrate, linear, network, readout
from tests.nir_files import run_layers

WIDE = (-64.0, 64.0)
SHARED = [[1.0, -0.5, 0.25], [0.03125, -0.015625, 0.0625]]  # 8 bits hold both rows at one scale, and each at a finer one
OTHER = [[0.5, 0.25, -1.0], [1.0, 0.5, -0.25]]


def by(*readers: str, dense: bool = True) -> Network:
    """Events -> a layer that the readers named read: a neuron, a join with another layer."""
    source = counts(3) if dense else counts(3, 2, 2)
    shared, other = (
        (linear(name, "input", w) if dense else conv(name, "input", np.array(w)[:, :, None, None]))
        for name, w in (("shared", SHARED), ("other", OTHER))
    )
    nodes: list[Node] = [source, shared, other]
    ends = []
    for reader in readers:
        entering = "shared"
        if reader == "join":
            nodes.append(add("sum", "other", "shared"))
            entering = "sum"
        nodes.append(integrate(f"{reader}.n", entering, state_range=WIDE))
        ends.append(f"{reader}.n")
    last = ends[0]
    for end in ends[1:]:
        nodes.append(add(f"{last}+{end}", last, end))
        last = f"{last}+{end}"
    if not dense:
        nodes.append(flatten("flat", last))
        last = "flat"
    nodes += [linear("head", last, np.eye(2, 2 if dense else 8)), readout("head")]
    return network(8, *nodes)


@pytest.mark.parametrize("scales", ["auto", "layer", "channel"])
@pytest.mark.parametrize("readers", [("neuron", "join"), ("join", "neuron"), ("join",), ("neuron",)], ids="+".join)
@pytest.mark.parametrize("dense", [True, False], ids=["Linear", "Conv2d"])
def test_every_reader_gets_what_the_float_network_gives_it(readers: tuple[str, ...], scales: str, dense: bool) -> None:
    """Weights, sums and states are whole numbers of units here, so that nothing may differ at all."""
    real = by(*readers, dense=dense)
    x = events(real, 16)
    net = compiled(real, x, scales=scales).network
    wanted, got = run_layers(real, x)[0], interpret(net, encode(net, x)).spikes
    assert any(v.any() for v in wanted.values())
    assert {name: int((v != got[name]).sum()) for name, v in wanted.items()} == dict.fromkeys(wanted, 0)
