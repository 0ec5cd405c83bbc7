"""lava-dl files: what is read means what the chip's law says, and what cannot be read is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.backends import EXECUTORS
from snn2hw.backends.reference import interpret
from snn2hw.errors import FileFormatError, MissingExtraError, Snn2hwError, UnsupportedError, UsageError
from snn2hw.formats.netx.read import from_netx, transformed
from snn2hw.ir.integer import IntNeuron
from snn2hw.layers import IntLinear
from tests.netx_files import (
    LIF,
    conv,
    dense,
    events_input,
    image_input,
    lif_by_hand,
    write_net,
)
from tests.refused import refused

pytest.importorskip("h5py", reason="reading .net files needs the netx extra")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return tmp_path / "x.net"


GOOD = dense(np.ones((2, 3)) * 4)


def two_layers(net: Path, **changed: Any) -> Path:
    return write_net(net, [events_input((3, 1, 1)), {**dense(np.ones((2, 3)) * 4), **changed}])


@pytest.mark.parametrize("seed", range(12))
def test_a_dense_network_against_plain_loops(net: Path, seed: int) -> None:
    """Decays, biases, weights beyond int8, refractory steps and axonal delays, drawn at random."""
    rng, steps = np.random.default_rng(seed), 12
    n, m, k = (int(x) for x in rng.integers(2, 7, 3))
    wide = bool(rng.random() < 0.5)
    weights = [rng.integers(-128, 127 if wide else 63, s) * 2 // (1 if wide else 2) for s in ((m, n), (k, m))]
    biases = [rng.integers(-8, 9, len(w)) * 2 for w in weights]
    delays = [rng.integers(0, 4, len(w)) if rng.random() < 0.6 else np.zeros(len(w), int) for w in weights]
    chosen = {"iDecay": (0, 1, 1024, 4096), "vDecay": (0, 512, 4096), "vThMant": (1, 20, 300), "refDelay": (1, 1, 2, 4)}
    neurons = [{**LIF, **{name: int(rng.choice(v)) for name, v in chosen.items()}} for _ in weights]
    parts = zip(weights, biases, delays, neurons, strict=True)
    path = write_net(net, [events_input((n, 1, 1)), *(dense(w, b, delay=d, **p) for w, b, d, p in parts)])
    got = from_netx(path, steps)
    x = rng.integers(0, 2, (steps, 3, n, 1, 1))
    trace = interpret(got, x)
    for sample in range(3):
        entering = x[:, sample, :, 0, 0]
        for i, (w, b, d, p) in enumerate(zip(weights, biases, delays, neurons, strict=True), 1):
            entering, u, v = lif_by_hand(entering @ w.T, p, b, d)
            name = f"layer.{i}.delay" if d.any() else f"layer.{i}"
            assert (trace.spikes[name][:, sample] == entering).all()
            assert (trace.states[f"layer.{i}.u"][:, sample] == u).all()
            assert (trace.states[f"layer.{i}.v"][:, sample] == v).all()
    names = [name for name, e in EXECUTORS.items() if not e.unavailable()]
    verdict = snn2hw.verify(snn2hw.compile(got), x, names)
    assert verdict.equal, verdict.differences[0]
    assert {"reference", *verdict.compared} == set(names)


def test_a_convolution_with_padding_flattened_into_a_dense_layer(net: Path) -> None:
    rng, steps = np.random.default_rng(0), 8
    kernel, weight = rng.integers(-20, 40, (4, 2, 3, 3)), rng.integers(-30, 60, (3, 4 * 3 * 3))
    layers = [image_input((2, 5, 5)), conv(kernel, (4, 3, 3), 2, 1), {"type": "flatten", "shape": np.array([1, 1, 36])}]
    got = from_netx(write_net(net, [*layers, dense(weight)]), steps)
    image = rng.integers(-4, 77, (2, 5, 5))
    trace = interpret(got, np.broadcast_to(image, (steps, 1, *image.shape)))
    entering, _, v = lif_by_hand(np.zeros((steps, 50), np.int64), LIF, image.ravel(), np.zeros(50, int))
    assert (trace.states["layer.0.v"][:, 0].reshape(steps, -1) == v).all()
    padded = np.pad(entering.reshape(steps, 2, 5, 5), ((0, 0), (0, 0), (1, 1), (1, 1)))
    sums = np.array(
        [[[[(f[:, y : y + 3, x : x + 3] * k).sum() for x in (0, 2, 4)] for y in (0, 2, 4)] for k in kernel] for f in padded]
    )
    entering, _, v = lif_by_hand(sums.reshape(steps, -1), LIF, np.zeros(36, int), np.zeros(36, int))
    assert (trace.states["layer.1.v"][:, 0].reshape(steps, -1) == v).all()
    _, _, v = lif_by_hand(entering @ weight.T, LIF, np.zeros(3, int), np.zeros(3, int))
    assert (trace.states["layer.3.v"][:, 0] == v).all()


def test_pooling_layers_and_averages(net: Path) -> None:
    pool = {"type": "pool", "shape": np.array([2, 2, 2]), "kernelSize": 2, "stride": 2, "weight": 30.0, "neuron": LIF}
    average = {"type": "average", "shape": np.array([2])}
    got = from_netx(write_net(net, [events_input((2, 4, 4)), pool, average]))
    x = np.random.default_rng(0).integers(0, 2, (6, 1, 2, 4, 4))
    trace = interpret(got, x)
    sums = 30 * x[:, 0].reshape(6, 2, 2, 2, 2, 2).sum((3, 5))
    spikes, _, v = lif_by_hand(sums.reshape(6, -1), LIF, np.zeros(8, int), np.zeros(8, int))
    assert spikes.any()
    assert (trace.states["layer.1.v"][:, 0].reshape(6, -1) == v).all()
    assert (trace.readout[0] == spikes.reshape(6, 2, 4).sum((0, 2))).all()


def test_weights_beyond_int8_are_halved_and_shifted_once_more(net: Path) -> None:
    weight = np.array([[254, -256, 2]])
    got = from_netx(write_net(net, [events_input((3, 1, 1)), dense(weight)]))
    (layer,) = [n for n in got.nodes if isinstance(n, IntLinear)]
    assert layer.weight.tolist() == [[127, -128, 1]]
    assert layer.format.frac == -7


def test_steps_and_names(net: Path) -> None:
    got = from_netx(two_layers(net))
    assert got.steps == 6
    assert from_netx(net, 3).steps == 3
    assert [n.name for n in got.nodes if isinstance(n, IntNeuron)] == ["layer.1"]
    assert got.nodes[-2].source == f"{net}: layer/1 (dense)"


def test_layers_are_sorted_as_numbers(net: Path) -> None:
    got = from_netx(write_net(net, [events_input((2, 1, 1)), *(dense(np.eye(2) * 100) for _ in range(11))]))
    assert [n.name for n in got.neurons] == [f"layer.{n}" for n in range(1, 12)]


def test_the_transform_of_an_image(net: Path) -> None:
    write_net(net, [image_input((1, 1, 3)), dense(np.ones((1, 3)))])
    assert transformed(net, [0, 0.5, 1]).tolist() == [-4, 36, 76]


def test_files_that_are_none(net: Path, tmp_path: Path) -> None:
    with refused(
        FileFormatError,
        f"""
        there is no such file
          where:    {net}
          got:      nothing
          expected: a .net file that lava-dl exported (net.export_hdf5)
          do:       check the path
        """,
    ):
        from_netx(net)
    net.write_bytes(b"x" * 100)
    with pytest.raises(FileFormatError, match=r"^this is not an HDF5 file, or it is damaged\n  where:    .*x.net\n  got:      "):
        from_netx(net)
    whole = two_layers(tmp_path / "y.net").read_bytes()
    for size in (9, len(whole) // 2, len(whole) - 1):
        net.write_bytes(whole[:size])
        with pytest.raises(Snn2hwError):
            from_netx(net)


def test_a_foreign_hdf5_file(net: Path) -> None:
    import h5py

    with h5py.File(net, "w") as file:
        file.create_dataset("model_weights", data=[1.0])
    with refused(
        FileFormatError,
        f"""
        this HDF5 file holds no lava-dl network
          where:    {net}
          got:      model_weights
          expected: a group 'layer' with the layers by number
          do:       export the network with net.export_hdf5
        """,
    ):
        from_netx(net)


def test_the_texts_of_some(net: Path) -> None:
    with refused(
        UnsupportedError,
        f"""
        a neuron of this type is not supported
          where:    {net}: layer/1 (dense)
          got:      'SDNN', a sigma-delta neuron
          expected: LOIHI, CUBA
          do:       replace it in training, or open an issue with the file
        """,
    ):
        from_netx(two_layers(net, neuron={"type": "SDNN"}))
    with refused(
        UnsupportedError,
        f"""
        the weights do not fit 8 bits
          where:    {net}: layer/1 (dense)
          got:      [3, 201], 3 of them odd
          expected: [-128, 127], or even ones in [-256, 254] (mixed sign mode)
          do:       export the network with 8-bit weights
        """,
    ):
        from_netx(two_layers(net, weight=np.array([[201, 4, 3], [3, 4, 4]])))


def test_sizes_are_refused_before_anything_is_allocated(net: Path) -> None:
    import h5py

    two_layers(net)
    with h5py.File(net, "a") as file:
        del file["layer/1/weight"]
        file["layer/1"].create_dataset("weight", (1 << 20, 1 << 20), "f4")  # a declaration; nothing is stored
    with pytest.raises(
        FileFormatError, match=r"^'weight' is too large for this file\n.*\n  got:      \[1048576, 1048576\] of float32"
    ):
        from_netx(net)
    write_net(net, [events_input((100_000, 100_000, 100_000)), dense(np.ones((2, 3)))])
    with pytest.raises(FileFormatError, match="the layer's shape is absurd"):
        from_netx(net)


@pytest.mark.parametrize("groups", [2, 3])
def test_a_convolution_in_groups(net: Path, groups: int) -> None:
    """Each group of channels is a network of its own."""
    rng, steps = np.random.default_rng(groups), 6
    kernel = rng.integers(-20, 60, (2 * groups, 2, 2, 2))
    layer = {**conv(kernel, (2 * groups, 2, 2)), "inChannels": 2 * groups, "groups": groups}
    got = from_netx(write_net(net, [events_input((2 * groups, 3, 3)), layer]), steps)
    x = rng.integers(0, 2, (steps, 1, 2 * groups, 3, 3))
    v = interpret(got, x).states["layer.1.v"][:, 0]
    for g in range(groups):
        at = slice(2 * g, 2 * g + 2)
        alone = from_netx(write_net(net, [events_input((2, 3, 3)), conv(kernel[at], (2, 2, 2))]), steps)
        assert (interpret(alone, x[:, :, at]).states["layer.1.v"][:, 0] == v[:, at]).all()
    assert v.any()


def test_the_transform_cuts_toward_zero(net: Path) -> None:
    """2 * 40 * x - 40 + 36 is -3.2 at x = 0.01: -3, where a floor would give -4."""
    write_net(net, [image_input((1, 1, 2)), dense(np.ones((1, 2)))])
    assert transformed(net, [0.01, 0.0201]).tolist() == [-3, -2]


def test_no_number_of_steps(net: Path) -> None:
    write_net(net, [events_input((3, 1, 1)), GOOD], steps=None)
    for steps in (None, 0):
        with pytest.raises(UsageError, match="the file does not say how many steps a sample has"):
            from_netx(net, steps)
    assert from_netx(net, 2).steps == 2


def test_without_h5py(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2hw.formats.netx import file as netx_file

    monkeypatch.setattr(netx_file.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"reading a .net file needs the package 'h5py'"):
        from_netx(net)


def test_other_files_and_other_targets(net: Path, tmp_path: Path) -> None:
    with refused(
        UsageError,
        f"""
        this is no network file
          got:      {tmp_path / "x.txt"}
          expected: *.net or *.nir
          do:       give a file with one of these endings, or compile the torch model itself: snn2hw compile MODULE:FACTORY
        """,
    ):
        snn2hw.read_network(tmp_path / "x.txt")
    network = snn2hw.read_network(two_layers(net))
    with refused(
        UsageError,
        """
        the integers of this network are for another target
          got:      loihi1
          expected: loihi2
          do:       leave the target out; only models with real parameters are lowered to one
        """,
    ):
        snn2hw.compile(network, target="loihi1")


def test_options_for_integers_that_are_made_already(net: Path) -> None:
    with refused(
        UsageError,
        """
        the integers of this network are made already
          got:      state_bits=12
          expected: no options
          do:       leave them out; only models with real parameters are quantised
        """,
    ):
        snn2hw.compile(snn2hw.read_network(two_layers(net)), options=snn2hw.Options(state_bits=12))


def test_written_read_back_and_certified(net: Path, tmp_path: Path) -> None:
    weight = np.array([[60, 40, -20], [10, 90, 30]])
    network = snn2hw.read_network(write_net(net, [events_input((3, 1, 1)), dense(weight, [2, -4], delay=[0, 2], refDelay=3)]))
    snn2hw.compile(network, out=tmp_path / "out")
    again = snn2hw.load(tmp_path / "out")
    assert snn2hw.verify(again, executors=["reference", "onnxruntime"]).equal


def test_the_readout_that_is_asked_for(net: Path) -> None:
    x = np.ones((6, 1, 3, 1, 1), np.int64)
    two_layers(net)
    fired, membrane = (interpret(from_netx(net, readout=r), x) for r in ("spikes", "membrane"))
    assert (fired.readout == fired.spikes["layer.1"].sum(0)).all()
    assert fired.readout.any()
    assert (membrane.readout == membrane.states["layer.1.v"][-1]).all()
    assert (interpret(from_netx(net), x).readout == fired.readout).all()
    never = {**LIF, "vThMant": 131071}
    assert (interpret(from_netx(two_layers(net, neuron=never)), x).readout == membrane.readout).all()
    with refused(
        UsageError,
        """
        there is no such readout
          got:      'u'
          expected: auto, spikes, membrane
          do:       name one of these
        """,
    ):
        from_netx(net, readout="u")
