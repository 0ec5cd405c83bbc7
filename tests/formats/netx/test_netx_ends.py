"""lava-dl networks without an input layer, without a last neuron, and with layers that reach themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.backends import EXECUTORS
from snn2hw.backends.reference import interpret
from snn2hw.errors import ShapeError, UnsupportedError, UsageError
from snn2hw.formats.netx.read import from_netx
from tests.netx_files import CUBA, conv, dense, events_input, lif_by_hand, recurrent, without_neuron, write_net
from tests.refused import refused

pytest.importorskip("h5py", reason="reading .net files needs the netx extra")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return tmp_path / "x.net"


def test_a_network_that_begins_without_an_input_layer(net: Path) -> None:
    """The dense layer says how many features enter; samples may have any shape of that size."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-20, 60, (2, 12))
    write_net(net, [dense(weight)])
    x = rng.integers(0, 2, (6, 2, 12))
    got = from_netx(net, 6)
    assert got.nodes[0].shape == (12,)
    after_input = from_netx(write_net(net, [events_input((12, 1, 1)), dense(weight)]), 6)
    write_net(net, [dense(weight)])
    wanted = interpret(after_input, x.reshape(6, 2, 12, 1, 1))
    assert wanted.readout.any()
    assert (interpret(got, x).readout == wanted.readout).all()
    images = x.reshape(6, 2, 3, 2, 2)
    assert (interpret(from_netx(net, 6, sample=images), images).readout == wanted.readout).all()
    with refused(
        ShapeError,
        f"""
        the sample does not fit the first layer
          where:    {net}: layer/0 (dense)
          got:      [3, 2]
          expected: [12] (inFeatures)
          do:       give samples [T, N, 12]
        """,
    ):
        from_netx(net, 6, sample=x[:, :, :6].reshape(6, 2, 3, 2))


def test_a_convolution_first_needs_a_sample(net: Path) -> None:
    rng = np.random.default_rng(1)
    layer = conv(rng.integers(-20, 60, (2, 1, 2, 2)), (2, 3, 3))
    write_net(net, [layer])
    with refused(
        UnsupportedError,
        f"""
        the file does not say how large its input is
          where:    {net}: layer/0 (conv)
          got:      no input layer
          expected: an input layer, or a dense layer first, whose inFeatures say it
          do:       give sample=x (--sample x.npy), of shape [T, N, C, H, W], or begin the network with block.cuba.Input
        """,
    ):
        from_netx(net, 6)
    x = rng.integers(0, 2, (6, 2, 1, 4, 4))
    got = interpret(from_netx(net, 6, sample=x), x)
    write_net(net, [events_input((1, 4, 4)), layer])
    assert (got.readout == interpret(from_netx(net, 6), x).readout).all()
    assert got.readout.any()


def test_a_last_layer_that_never_fires_is_read_from_its_membrane(net: Path) -> None:
    weight, x = np.array([[60, 40, -20], [10, 90, 30]]), np.random.default_rng(2).integers(0, 2, (6, 3, 3))
    for last in (without_neuron(weight), dense(weight, iDecay=0, vDecay=4096, vThMant=2**18 - 1)):
        write_net(net, [last])
        assert (interpret(from_netx(net, 6), x).readout == 64 * np.einsum("tnf,cf->nc", x, weight)).all()
        with refused(
            UsageError,
            f"""
            the last layer can never fire
              where:    {net}: layer/0 (dense)
              got:      readout='spikes'
              expected: 'membrane' or 'auto'
              do:       leave readout out
            """,
        ):
            from_netx(net, 6, readout="spikes")


def test_a_membrane_is_not_read_where_the_layer_would_reach_itself(net: Path) -> None:
    write_net(net, [recurrent(np.eye(2) * 40, np.eye(2) * 20)])
    with refused(
        UsageError,
        f"""
        a recurrent layer whose membrane is read would no longer fire, nor reach itself
          where:    {net}: layer/0 (dense_rec)
          got:      readout='membrane', vThMant = 20
          expected: 'spikes' or 'auto'
          do:       leave readout out
        """,
    ):
        from_netx(net, 6, readout="membrane")


@pytest.mark.parametrize("seed", range(4))
def test_a_recurrent_layer_against_plain_loops(net: Path, seed: int) -> None:
    """What the layer fires reaches it one step later; then every executor, from the same integers."""
    rng, steps = np.random.default_rng(seed), 12
    weight, back, bias = rng.integers(-30, 90, (4, 3)), rng.integers(-90, 60, (4, 4)), rng.integers(-8, 9, 4)
    got = from_netx(write_net(net, [recurrent(weight, back, bias)]), steps)
    x = rng.integers(0, 2, (steps, 2, 3))
    trace = interpret(got, x)
    for sample in range(2):
        sums, spikes = np.zeros((steps, 4), np.int64), np.zeros((steps, 4), np.int64)
        for t in range(steps):
            sums[t] = weight @ x[t, sample] + (back @ spikes[t - 1] if t else 0)
            spikes, u, v = lif_by_hand(sums, CUBA, bias, np.zeros(4, int))
        assert spikes.any()
        for name, values in (("u", u), ("v", v)):
            assert (trace.states[f"layer.0.{name}"][:, sample] == values).all()
        assert (trace.spikes["layer.0"][:, sample] == spikes).all()
    names = [name for name, e in EXECUTORS.items() if not e.unavailable()]
    verdict = snn2hw.verify(snn2hw.compile(got), x, names)
    assert verdict.equal, verdict.differences[0]
