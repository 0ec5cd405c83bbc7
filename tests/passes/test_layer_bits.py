"""Widths of single layers: what they change, what they leave, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import snn2hw
import snn2hw.api
from snn2hw import Options
from snn2hw.errors import UsageError
from snn2hw.ir.network import Network
from snn2hw.ir.program import Program
from snn2hw.layers import IntSynapse
from tests.hand_networks import counts, lif, linear, network, readout
from tests.refused import refused

NET = network(
    3, counts(6), linear("a", "input", np.random.default_rng(0).normal(0, 1, (5, 6))), lif("n", "a"),
    linear("b", "n", np.random.default_rng(1).normal(0, 1, (4, 5))), readout("b"),
)  # fmt: skip
X = (np.random.default_rng(2).random((3, 20, 6)) < 0.4).astype(np.float64)


def weights(options: Options) -> dict[str, np.ndarray]:
    net = snn2hw.api.run_passes(NET, X, "generic", options).network
    return {n.name: n.weight for n in net.nodes if isinstance(n, IntSynapse)}


def test_a_layer_has_its_own_width_and_the_others_theirs() -> None:
    mixed, wide, narrow = (weights(o) for o in (Options(layer_bits={"a": 3}), Options(), Options(weight_bits=3)))
    np.testing.assert_array_equal(mixed["a"], narrow["a"])
    np.testing.assert_array_equal(mixed["b"], wide["b"])
    assert np.abs(mixed["a"]).max() <= 3
    assert np.abs(mixed["b"]).max() > 3


def test_the_manifest_says_it_and_only_then() -> None:
    said = Options(layer_bits={"b": 5, "a": 3}).facts()
    assert said == {"state_bits": 16, "weight_bits": 8, "scales": "auto", "layer_bits": {"a": 3, "b": 5}}
    assert "layer_bits" not in snn2hw.compile(NET, X, layout="TN").manifest["options"]
    assert Options(layer_bits={"b": 5, "a": 3}) == Options(layer_bits=(("a", 3), ("b", 5)))


def test_a_layer_that_there_is_not() -> None:
    with refused(
        UsageError,
        """
        there is no such synaptic layer
          where:    layer_bits
          got:      'c', 'n'
          expected: of a, b
          do:       name layers as `snn2hw inspect` does
        """,
    ):
        snn2hw.compile(NET, X, options=Options(layer_bits={"a": 3, "n": 4, "c": 4}), layout="TN")


@pytest.mark.parametrize("bits", [1, 9, True, 4.0])
def test_a_width_out_of_range(bits: int) -> None:
    with pytest.raises(UsageError, match="layer_bits of 'a' is out of range"):
        Options(layer_bits={"a": bits})


def test_training_on_integers_keeps_within_the_width_of_each_layer() -> None:
    torch = pytest.importorskip("torch")
    from snn2hw import nn
    from snn2hw.quantize import prepare

    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 4)).eval()
    prepared = prepare(model, X, options=Options(layer_bits={"0": 2, "2": 4}), layout="TN")
    with torch.no_grad():
        for p in prepared.parameters():
            p.mul_(50)
    largest = {n.name: int(np.abs(n.weight).max()) for n in prepared.integers().nodes if isinstance(n, IntSynapse)}
    assert largest == {"0": 1, "2": 7}
    artefact = snn2hw.compile(prepared, X, layout="TN")
    assert artefact.manifest["options"]["layer_bits"] == {"0": 2, "2": 4}


def test_the_command_line_takes_them() -> None:
    from snn2hw.cli.options import layer_widths

    assert layer_widths("0=4, fc=1=3,") == {"0": 4, "fc=1": 3}
    assert layer_widths(None) == {}
    for wrong in ("0", "0=", "=4", "0=4,0=5", "0=x", "0=-4"):
        with pytest.raises(UsageError, match="this is no width of a layer"):
            layer_widths(wrong)


TWO = network(
    3, counts(6), linear("a", "input", np.random.default_rng(0).normal(0, 1, (5, 6))), lif("n", "a"),
    linear("b", "n", np.random.default_rng(1).normal(0, 1, (4, 5))), lif("m", "b", state_range=(-2.0, 2.0)), readout("m"),
)  # fmt: skip


def programs(net: Network, options: Options) -> dict[str, Program]:
    return {n.name: n.program for n in snn2hw.api.run_passes(net, X, "generic", options).network.neurons}


def test_states_of_a_layer_have_their_own_width_and_the_others_theirs() -> None:
    mixed, wide, narrow = (programs(TWO, o) for o in (Options(layer_state_bits={"m": 9}), Options(), Options(9)))
    assert {s.format.width for s in mixed["m"].states.values()} == {9}
    assert (mixed["m"], mixed["n"]) == (narrow["m"], wide["n"])
    assert mixed["n"] != narrow["n"]
    artefact = snn2hw.compile(TWO, X, options=Options(layer_state_bits={"m": 9}), layout="TN")
    assert artefact.manifest["options"]["layer_state_bits"] == {"m": 9}
    assert "layer_bits" not in artefact.manifest["options"]
    x = (np.random.default_rng(3).random((3, 50, 6)) < 0.5).astype(np.float64)
    assert snn2hw.verify(artefact, x, executors=("reference", "onnx-reference"), layout="TN").equal


def test_every_kind_of_neuron_takes_a_width_of_its_own() -> None:
    """Of the family, and of a user's own form: only its own layer changes."""
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    torch.manual_seed(0)
    for made in (nn.LNM, nn.ALIF):
        model = torch.nn.Sequential(nn.Linear(6, 5), made(), nn.Linear(5, 4), made(), nn.Linear(4, 3)).eval()
        net = snn2hw.trace_model(model, X, layout="TN")
        assert isinstance(net, Network)
        mixed, wide, narrow = (programs(net, o) for o in (Options(layer_state_bits={"3": 10}), Options(), Options(10)))
        assert {s.format.width for s in mixed["3"].states.values()} == {s.format.width for s in narrow["3"].states.values()}
        assert mixed["1"] == wide["1"]
        assert mixed["1"] != narrow["1"]


def test_training_on_integers_keeps_the_width_of_states() -> None:
    torch = pytest.importorskip("torch")
    from snn2hw import nn
    from snn2hw.quantize import prepare

    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 4), nn.ALIF(0.5), nn.Linear(4, 3)).eval()
    prepared = prepare(model, X, options=Options(layer_state_bits={"1": 9, "3": 11}), layout="TN")
    widths = {n.name: {s.format.width for s in n.program.states.values()} for n in prepared.integers().neurons}
    assert {name: max(each) for name, each in widths.items()} == {"1": 9, "3": 11}  # a bounded state needs fewer


def test_a_neuron_layer_that_there_is_not() -> None:
    with refused(
        UsageError,
        """
        there is no such neuron layer
          where:    layer_state_bits
          got:      'a'
          expected: of n
          do:       name layers as `snn2hw inspect` does
        """,
    ):
        snn2hw.compile(NET, X, options=Options(layer_state_bits={"a": 9}), layout="TN")
    for bits in (7, 25, True):
        with pytest.raises(UsageError, match="layer_state_bits of 'n' is out of range"):
            Options(layer_state_bits={"n": bits})
    from snn2hw.cli.options import layer_widths

    with pytest.raises(UsageError, match="where:    --layer-state-bits"):
        layer_widths("n", "--layer-state-bits")
