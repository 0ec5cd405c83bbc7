from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import (
    Circulate,
    Current,
    Delay,
    Feedback,
    Input,
    Network,
    Neuron,
    Node,
    Readout,
    Single,
)
from snn2hw.ir.shapes import Window
from snn2hw.ir.text import to_text
from snn2hw.layers import (
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MatMul,
    MaxPool2d,
)
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import load_target


def every_real_kind() -> Network:
    """Every kind of node and both kinds of firing; numbers that binary fractions hold only nearly."""
    rng = np.random.default_rng(0)
    cubic = rng.normal(0, 0.1, (3, 4))
    common = {"gain": 1.1, "state_range": (-4.0, 4.0), "reset_value": 0.1}
    return Network(
        2,
        (
            Input("input", (), (2, 6, 6), lo=-1.0, hi=0.3, static=True, counts=False, source="the sample"),
            Conv2d(
                "0", ("input",), (3, 6, 6), weight=rng.normal(0, 1, (3, 2, 3, 3)), bias=rng.normal(0, 1, 3),
                window=Window((3, 3), padding=(1, 1)), groups=1, source="0 (Conv2d)",
            ),
            BatchNorm("1", ("0",), (3, 6, 6), scale=rng.normal(1, 0.1, 3), shift=rng.normal(0, 0.1, 3), source="1 (BatchNorm2d)"),
            Neuron(
                "2", ("1",), (3, 6, 6), kind="LNM", coefficients=cubic, order="poly_then_input", firing=Single(0.7),
                reset="value", strict=True, source="2 (LNM), 'quoted' \\ \n  = state", **common,
            ),
            AvgPool2d("3.a", ("2",), (3, 3, 3), window=Window((2, 2), stride=(2, 2))),
            MaxPool2d("3.b", ("2",), (3, 3, 3), window=Window((2, 2), stride=(2, 2))),
            Add("3", ("3.a", "3.b"), (3, 3, 3)),
            Delay("3.late", ("3",), (3, 3, 3), steps=(0, 2, 1)),
            Feedback("4.back", ("4",), (3, 3, 3)),
            Add("3.sum", ("3.late", "4.back"), (3, 3, 3)),
            Neuron(
                "4", ("3.sum",), (3, 3, 3), kind="CirculateFiring", coefficients=np.array([[0.0, 0.6]]), order="input_then_poly",
                firing=Circulate((1.0, 0.5), (1.0, 0.5), signed=True), reset="subtract", strict=False,
                current=Current(np.array([0.5]), (-6.0, 6.0)), **common,
            ),
            MatMul("4.kept", ("4", "4"), (3, 3, 1), heads=1, transposed="second", size=(3, 1), factor=0.1),
            MatMul("4.mixed", ("4.kept", "4"), (3, 3, 3), heads=1, transposed="none", size=(3, 3), factor=0.5),
            Flatten("5", ("4.mixed",), (27,)),
            Linear("6", ("5",), (4,), weight=rng.normal(0, 1, (4, 27)), bias=rng.normal(0, 1, 4)),
            Readout("out", ("6",), (4,)),
        ),
    )  # fmt: skip


def compiled(stop_after: str | None = None) -> IntegerNetwork:
    net = every_real_kind()
    sample = np.random.default_rng(1).uniform(-1.0, 0.3, (8, 2, 6, 6))
    return run_pipeline(Compilation(net, load_target("generic"), Options(state_bits=12), sample), stop_after).network


def test_factors_of_thresholds_stand_where_there_are_some() -> None:
    net = every_real_kind()
    by_step = replace(net, nodes=tuple(_by_step(n) for n in net.nodes))
    assert "by_step" not in to_text(net)[0]
    said = "firing=Circulate(thresholds=(1.0, 0.5), amplitudes=(1.0, 0.5), signed=True, by_step=(1.0, 0.25))"
    assert to_text(by_step)[0].count(said) == 1


def _by_step(node: Node) -> Node:
    if isinstance(node, Neuron) and isinstance(node.firing, Circulate):
        return replace(node, firing=replace(node.firing, by_step=(1.0, 0.25)))
    return node


def test_the_text_of_a_real_network() -> None:
    text, arrays = to_text(every_real_kind())
    lines = text.splitlines()
    assert lines[0] == "network real steps=2"
    assert lines[1] == (
        "Input(name='input', inputs=(), shape=(2, 6, 6), source='the sample', lo=-1.0, hi=0.3, static=True, counts=False)"
    )
    assert lines[2] == (
        "Conv2d(name='0', inputs=('input',), shape=(3, 6, 6), source='0 (Conv2d)', weight=ARRAY, bias=ARRAY, "
        "window=Window(kernel=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(1, 1)), groups=1)"
    )
    assert "firing=Circulate(thresholds=(1.0, 0.5), amplitudes=(1.0, 0.5), signed=True)" in lines[11]
    assert lines[12] == (
        "MatMul(name='4.kept', inputs=('4', '4'), shape=(3, 3, 1), source='', "
        "heads=1, transposed='second', size=(3, 1), factor=0.1)"
    )
    assert len(lines) == 17
    assert sorted(arrays) == [
        "0.bias",
        "0.weight",
        "1.scale",
        "1.shift",
        "2.coefficients",
        "4.coefficients",
        "4.decay",
        "6.bias",
        "6.weight",
    ]


def test_a_target_with_odd_characters_stays_on_its_line() -> None:
    net = replace(compiled(), target="a\nb")
    assert to_text(net)[0].splitlines()[0] == r"network integer steps=2 target='a\nb'"
