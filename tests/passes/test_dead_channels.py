"""A channel without weights, or with next to none, takes nothing from the others of its layer."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from snn2hw.ir.network import Network
from snn2hw.layers import IntConv2d, IntLinear
from tests.hand_networks import compiled, conv, counts, flatten, image, integrate, lif, linear, network, readout

CHANNELS, DEAD = 6, 2
KINDS, TARGETS = ("layer", "channel", "auto"), ("generic", "loihi2")
WIDTHS = [(3, 8), (8, 8), (8, 16), (4, 16)]


def beside(layer: str, rng: Any, weight: Any, bias: Any, neuron: str) -> tuple[Network, Any]:
    """One layer with these channels, a neuron behind it, and images of 8 bits or events in front."""
    events = bool(rng.integers(2))
    shape = weight.shape[1:] if layer == "linear" else (weight.shape[1], 4, 4)
    x = rng.random((3, 4, *shape)) < 0.4 if events else rng.integers(0, 256, (4, *shape)) / 255
    entering = counts(*shape) if events else image(*shape)
    made = linear("it", "input", weight, bias) if layer == "linear" else conv("it", "input", weight, bias)
    fire = lif("n", "it") if neuron == "lif" else integrate("n", "it")
    behind = [fire] if layer == "linear" else [fire, flatten("flat", "n")]
    net = network(3, entering, made, *behind)
    head = linear("head", behind[-1].name, rng.normal(0, 1, (3, int(np.prod(net.nodes[-1].shape)))))
    return network(3, entering, made, *behind, head, readout("head")), x.astype(float)


def sums(net: Network, x: Any, **options: Any) -> IntLinear | IntConv2d:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is lost: the integers are looked at
        node = compiled(net, x, **options).network.nodes[1]
    assert isinstance(node, IntLinear | IntConv2d)
    return node


def integers(node: IntLinear | IntConv2d, but: int | None = None) -> tuple[Any, Any]:
    kept = [c for c in range(len(node.weight)) if c != but]
    return node.weight[kept].tolist(), node.bias[kept].tolist()


def drawn(layer: str, seed: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    shape = (CHANNELS, 24) if layer == "linear" else (CHANNELS, 2, 3, 3)
    size = 10.0 ** rng.uniform(-2, 1)
    return rng, rng.uniform(-size, size, shape), rng.normal(0, size, CHANNELS)


@pytest.mark.parametrize("layer", ["linear", "conv"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_channel_without_weights_changes_no_integer_of_the_others(layer: str, kind: str, target: str) -> None:
    """Where a bias needs a scale of its own, 'auto' gives one to every channel: then they have those of 'channel'."""
    for seed, (weight_bits, state_bits) in enumerate(WIDTHS):
        rng, weight, bias = drawn(layer, seed)
        options: dict[str, Any] = {"target": target, "weight_bits": weight_bits, "state_bits": state_bits}
        neuron, again = ("lif", "if")[seed % 2], int(rng.integers(1 << 30))
        for own in (0.0, 0.01, -0.9):
            with_dead = np.insert(weight, DEAD, 0.0, axis=0), np.insert(bias, DEAD, own)
            without = beside(layer, np.random.default_rng(again), weight, bias, neuron)
            dead = sums(*beside(layer, np.random.default_rng(again), *with_dead, neuron), scales=kind, **options)
            kinds = ("auto", "channel") if kind == "auto" and own else (kind,)
            assert integers(dead, DEAD) in [integers(sums(*without, scales=k, **options)) for k in kinds], f"seed {seed}, {own}"
            assert not dead.weight[DEAD].any()
            assert np.count_nonzero(dead.weight) > 0.3 * (dead.weight.size - dead.weight[DEAD].size)


@pytest.mark.parametrize("layer", ["linear", "conv"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_channel_of_any_size_zeroes_no_other(layer: str, kind: str, target: str) -> None:
    for seed, (weight_bits, state_bits) in enumerate(WIDTHS):
        _, weight, bias = drawn(layer, seed)
        for k in (1, 3, 10, 20, 40, 200):
            small = np.ones(CHANNELS)
            small[DEAD] = 2.0**-k
            net, x = beside(layer, np.random.default_rng(seed), (weight.T * small).T, bias, "lif")
            made = sums(net, x, scales=kind, target=target, weight_bits=weight_bits, state_bits=state_bits)
            kept = np.abs(np.delete(made.weight, DEAD, axis=0)).reshape(CHANNELS - 1, -1)
            assert (kept.max(1) > 2.0 ** (weight_bits - 1) / 4).all(), f"seed {seed}, 2**-{k}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_images_before_a_neuron_without_weights(target: str, kind: str) -> None:
    """Of 1,024 weights of 3 bits none was left: the layer had the scale that a state of 8 bits tells of one bias."""
    rng = np.random.default_rng(0)
    weight, bias = rng.uniform(-3 / 32, 3 / 32, (16, 64)), rng.uniform(-0.1, 0.1, 16)
    weight[3], bias[3] = 0.0, 0.01
    net, x = (
        network(
            4, image(64), linear("fc", "input", weight, bias), lif("n", "fc"), linear("head", "n", np.eye(4, 16)), readout("head")
        ),
        rng.integers(0, 256, (8, 64)) / 255,
    )
    made = sums(net, x, scales=kind, target=target, weight_bits=3, state_bits=8)
    assert np.count_nonzero(made.weight) > 700


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", [0.0, 0.01, 0.9, -300.0, 1e5])
def test_a_layer_without_weights_and_biases_of_any_size_are_compiled(kind: str, own: float) -> None:
    """A bias that the target holds at a coarse scale only is the one thing that a channel without weights asks of others."""
    _, weight, bias = drawn("linear", 1)
    for others in (weight, np.zeros_like(weight)):
        net, x = beside(
            "linear", np.random.default_rng(0), np.insert(others, DEAD, 0.0, axis=0), np.insert(bias, DEAD, own), "lif"
        )
        for target in TARGETS:
            made = sums(net, x, scales=kind, target=target)
            limit = 2.0**31 if target == "generic" else 2.0**23
            assert np.abs(made.bias).max() < limit
            assert (made.bias[DEAD] != 0) == (own != 0.0)
