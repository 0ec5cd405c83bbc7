"""lava-dl files that are refused: numbers, registers, shapes and layers that mean nothing, each by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import FileFormatError, ShapeError, Snn2hwError, UnsupportedError
from snn2hw.formats.netx.layers import MOST_VALUES
from snn2hw.formats.netx.read import from_netx
from tests.netx_files import LIF, conv, dense, events_input, recurrent, without_neuron, write_net
from tests.refused import refused

pytest.importorskip("h5py", reason="reading .net files needs the netx extra")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return tmp_path / "x.net"


def without(fields: Any, name: str) -> Any:
    return {k: v for k, v in fields.items() if k != name}


GOOD = dense(np.ones((2, 3)) * 4)
ONE_PLACE = conv(np.ones((2, 3, 1, 1)), (2, 1, 1))
BAD: list[tuple[Any, type[Snn2hwError], str]] = [
    (without(GOOD, "weight"), FileFormatError, "a field is missing"),
    (without(GOOD, "type"), FileFormatError, "a layer has no type"),
    (
        without(conv(np.ones((2, 3, 1, 1)), (2, 1, 1)), "neuron"),
        UnsupportedError,
        "a layer without a neuron is not supported here",
    ),
    ({**GOOD, "neuron": without(LIF, "vDecay")}, FileFormatError, "a field is missing"),
    ({**GOOD, "type": "dense_rec"}, FileFormatError, "a field is missing"),
    ({**recurrent(np.ones((2, 3)), np.ones((2, 3))), "bias": 0}, ShapeError, "the weights do not fit the layer"),
    (recurrent(np.ones((2, 3)), np.full((2, 2), 300)), UnsupportedError, "the weights do not fit 8 bits"),
    (
        {**recurrent(np.ones((2, 3)), np.ones((2, 2))), "delay": np.array([0, 1])},
        UnsupportedError,
        "delays of a recurrent layer are not supported",
    ),
    ({**GOOD, "neuron": {**LIF, "gradedSpike": True}}, UnsupportedError, "'gradedSpike' is not supported"),
    ({**GOOD, "neuron": {**LIF, "vDecay": True}}, FileFormatError, "'vDecay' is not in numbers of a type that lava-dl writes"),
    ({**GOOD, "type": "warp"}, UnsupportedError, "a layer of this type is not supported"),
    ({**GOOD, "type": "concat"}, UnsupportedError, "a layer of this type is not supported"),
    ({**GOOD, "neuron": {**LIF, "type": "SDNN"}}, UnsupportedError, "a neuron of this type is not supported"),
    ({**GOOD, "neuron": {**LIF, "type": "ALIF"}}, UnsupportedError, "a neuron of this type is not supported"),
    ({**GOOD, "neuron": {**LIF, "vDecay": np.array([1, 2])}}, UnsupportedError, "'vDecay' differs within the layer"),
    ({**GOOD, "neuron": {**LIF, "wgtExp": 2}}, UnsupportedError, "'wgtExp' is not supported"),
    ({**GOOD, "weight": np.full((2, 3), 129.0)}, UnsupportedError, "the weights do not fit 8 bits"),
    ({**GOOD, "weight": np.full((2, 3), 256.0)}, UnsupportedError, "the weights do not fit 8 bits"),
    ({**GOOD, "weight": np.full((2, 3), 0.5)}, FileFormatError, "'weight' is not in whole numbers"),
    ({**GOOD, "weight": np.full((2, 3), np.nan)}, FileFormatError, "'weight' is not in whole numbers"),
    ({**GOOD, "weight": np.full((2, 3), 2.0**40)}, FileFormatError, "'weight' is beyond 32 bits"),
    ({**GOOD, "weight": np.ones((2, 4))}, ShapeError, "the weights do not fit the layer"),
    ({**GOOD, "inFeatures": 4, "weight": np.ones((2, 4))}, ShapeError, "the number of features does not fit the weights"),
    ({**GOOD, "shape": np.array([3, 1, 1])}, ShapeError, "the layer's output is not what the file states"),
    ({**GOOD, "bias": np.ones(3)}, ShapeError, "the number of biases is not the number of outputs"),
    ({**GOOD, "delay": np.ones(3)}, ShapeError, "the number of delays is not the number of channels"),
    ({**GOOD, "delay": np.array([1, 63])}, Snn2hwError, "'delay' is out of range"),
    ({**GOOD, "outFeatures": MOST_VALUES, "inFeatures": 3}, FileFormatError, "the layer's shape is absurd"),
    (conv(np.ones((1, 2, 3, 3)), (1, 1, 1)), ShapeError, "the number of channels does not fit the weights"),
    (conv(np.ones((1, 3, 3, 3)), (1, 1, 1)), ShapeError, "the kernel does not fit into the image"),
    ({"type": "average", "shape": np.array([2])}, ShapeError, "the groups of an average are not equal"),
]


BAD += [
    ({**GOOD, "weight": value}, FileFormatError, what)
    for value, what in (
        (np.ones((2, 3), bool), "'weight' is not in numbers of a type that lava-dl writes"),
        (np.ones((2, 3), np.float16), "'weight' is not in numbers of a type that lava-dl writes"),
        (np.zeros((0, 3)), "'weight' is empty"),
        ("heavy", "'weight' is not in numbers of a type that lava-dl writes"),
        ({"real": 1}, "'weight' is not in numbers of a type that lava-dl writes"),
        (np.full((2, 3), np.inf), "'weight' is not in whole numbers"),
        (np.full((2, 3), -(2.0**31)), "'weight' is beyond 32 bits"),
    )
]
BAD += [
    ({**GOOD, "weight": np.ones((3, 2))}, ShapeError, "the weights do not fit the layer"),  # as many, in other places
    ({**GOOD, "neuron": {}}, UnsupportedError, "a neuron of this type is not supported"),
    ({**GOOD, "neuron": 3}, FileFormatError, "'neuron' is no group"),
    ({**GOOD, "outFeatures": 1.5}, FileFormatError, "'outFeatures' is not in whole numbers"),
    ({**GOOD, "outFeatures": -0.0}, FileFormatError, "'outFeatures' is out of range"),
    ({**GOOD, "bias": np.array([4096, 0])}, FileFormatError, "'bias' is out of range"),
    ({**GOOD, "shape": np.ones(9)}, ShapeError, "the shape has too many axes"),
    (
        {"type": "flatten", "shape": np.array([1, 1, 3]), "neuron": LIF},
        UnsupportedError,
        "a neuron in a layer of type 'flatten' is not supported",
    ),
    ({**conv(np.ones((2, 3, 1, 1)), (2, 1, 1)), "groups": 0}, FileFormatError, "'groups' is out of range"),
    ({**conv(np.ones((2, 3, 1, 1)), (2, 1, 1)), "groups": 2}, ShapeError, "the channels do not divide into the groups"),
    ({**conv(np.ones((2, 3, 1, 1)), (2, 1, 1)), "stride": 0}, FileFormatError, "'stride' is out of range"),
    ({**conv(np.ones((2, 3, 1, 1)), (2, 1, 1)), "padding": -1}, FileFormatError, "'padding' is out of range"),
    ({**conv(np.ones((2, 3, 1, 1)), (2, 1, 1)), "kernelSize": np.ones(3)}, FileFormatError, "'kernelSize' is no pair"),
]  # fmt: skip
BAD += [
    ({**GOOD, "neuron": {**LIF, name: value}}, FileFormatError, f"'{name}' is out of range")
    for name, value in (
        ("iDecay", 4097),
        ("vDecay", -1),
        ("vThMant", 2**18),
        ("vThMant", -1),
        ("refDelay", -1),
        ("refDelay", 65),
    )
]


@pytest.mark.parametrize(("layer", "kind", "what"), BAD, ids=[f"{n}-{what[:40]}" for n, (_, _, what) in enumerate(BAD)])
def test_what_cannot_be_read_is_refused_with_its_place(net: Path, layer: Any, kind: type[Snn2hwError], what: str) -> None:
    write_net(net, [events_input((3, 1, 1)), layer])
    with pytest.raises(kind) as caught:
        from_netx(net)
    assert caught.value.what == what
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.do
    assert f"{net}: layer/1" in caught.value.where


def test_layers_that_never_fire_before_the_end(net: Path) -> None:
    write_net(net, [dense(np.ones((2, 3)), vThMant=2**18 - 1), dense(np.ones((1, 2)))])
    with refused(
        UnsupportedError,
        f"""
        this layer can never fire, so that nothing would reach the layers behind it
          where:    {net}: layer/0 (dense) neuron
          got:      vThMant = 262143
          expected: 0 to 131071 in every layer but the last
          do:       end the network with this layer, or export it with the threshold that it was trained with (block.cuba.Dense)
        """,
    ):
        from_netx(net, 3)
    write_net(net, [without_neuron(np.ones((2, 3))), dense(np.ones((1, 2)))])
    with refused(
        UnsupportedError,
        f"""
        a layer without a neuron is not supported here
          where:    {net}: layer/0 (dense)
          got:      no group 'neuron', and layers behind it
          expected: a LOIHI or CUBA neuron; only the last dense layer may be without one, and is read from its membrane
          do:       export the layer with its neuron (block.cuba.Dense, not block.cuba.Affine)
        """,
    ):
        from_netx(net, 3)


def test_a_number_of_steps_that_is_none(net: Path) -> None:
    write_net(net, [events_input((3, 1, 1)), GOOD], steps=1.5)  # type: ignore[arg-type]
    with refused(
        FileFormatError,
        f"""
        'tSample' is not in whole numbers
          where:    {net}: simulation
          got:      float64, 1.5 among them
          expected: the integers of a network exported for the chip
          do:       export it after training with quantisation
        """,
    ):
        from_netx(net, 3)
    for steps in (0, -1, 2**20 + 1):
        with pytest.raises(FileFormatError, match="'tSample' is out of range"):
            from_netx(write_net(net, [events_input((3, 1, 1)), GOOD], steps=steps))


@pytest.mark.parametrize("names", [("0", "²"), ("0", "00"), ("0", "2"), ("0", "-1"), ("0", "١")])  # noqa: RUF001
def test_layers_without_their_numbers(net: Path, names: tuple[str, str]) -> None:
    import h5py

    write_net(net, [events_input((3, 1, 1)), GOOD])
    with h5py.File(net, "r+") as file:
        file.move("layer/1", f"layer/{names[1]}")
    with refused(
        FileFormatError,
        f"""
        the layers are not numbered one after the other
          where:    {net}: layer
          got:      {", ".join(sorted(names))}
          expected: 0 to 1; there is no 1
          do:       export the network with net.export_hdf5
        """,
    ):
        from_netx(net)
