"""Attention from torch: what is traced is what the model computes, in whatever axes it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn, trace_model  # noqa: E402
from snn2hw.errors import ShapeError, Snn2hwError, UnsupportedError  # noqa: E402
from snn2hw.ir.network import Network  # noqa: E402
from snn2hw.ir.real import run_real  # noqa: E402
from snn2hw.ir.shapes import Window  # noqa: E402
from snn2hw.layers import AvgPool2d, Conv2d, MatMul  # noqa: E402
from tests.attention_models import (  # noqa: E402
    MODELS,
    SIZE,
    Block,
    MapAttention,
    Maps,
    PublishedAttention,
    Spikformer,
    Tokens1d,
    fire,
    randomised,
)
from tests.formats.torch.torch_models import STEPS, Model, Written, sequential, trace  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("which", MODELS)
def test_the_network_computes_what_the_model_computes(which: str) -> None:
    model = randomised(MODELS[which](), seed=1)
    x = np.random.default_rng(2).random((5, 2, SIZE, SIZE))
    net = trace_model(model, x, STEPS)
    seen: dict[str, float] = {}
    got = run_real(net, x, lambda n, i, v: seen.update({n.name: seen.get(n.name, 0.0) + float((v != 0).mean())}))
    with torch.no_grad():
        out = model(nn.repeat(torch.as_tensor(x), STEPS))
    expected = (out * STEPS if out.ndim == 2 else out.sum(0)).numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    assert np.abs(expected).max() > 0.01
    assert all(seen[n.name] > 0 for n in net.neurons), "a silent layer proves nothing"
    assert sum(isinstance(n, MatMul) for n in net.nodes) == 2


@pytest.mark.parametrize("output", [1, (2, 1), (None, 2)])
def test_an_adaptive_pool_is_an_average_of_windows_that_divide(output: Any) -> None:
    net = trace(sequential(nn.AdaptiveAvgPool2d(output), nn.Flatten()), 2, 4, 4)
    kernel = {1: (4, 4), (2, 1): (2, 4), (None, 2): (1, 2)}[output]
    assert next(n for n in net.nodes if isinstance(n, AvgPool2d)).window == Window(kernel, kernel)


@pytest.mark.parametrize("how", [lambda x: x.mean((3, 4)), lambda x: x.flatten(3).mean(-1), lambda x: x.mean(dim=[-1, -2])])
@pytest.mark.parametrize("keep", [False, True])
def test_a_mean_over_all_places_is_an_average(how: Callable[..., Any], keep: bool) -> None:
    def forward(m: Any, x: Any) -> Any:
        return m.fc(x.mean((3, 4), keepdim=True).flatten(2) if keep else how(x))

    model = Written(forward, fc=nn.Linear(2, 3))
    x = np.random.default_rng(0).random((4, 2, 3, 2))
    net = trace_model(model, x, STEPS)
    assert [type(n).__name__ for n in net.nodes] == ["Input", "AvgPool2d", "Flatten", "Linear", "Readout"]
    expected = model.double()(nn.repeat(torch.as_tensor(x), STEPS)).sum(0).detach().numpy()
    np.testing.assert_allclose(run_real(net, x), expected, rtol=0, atol=1e-12)


def test_the_nodes_of_a_block() -> None:
    """Views cost no node; a Linear over tokens is a convolution by one place; a factor is the product's."""
    net = trace_model(Spikformer(), np.zeros((1, 2, SIZE, SIZE)), STEPS)
    kinds = [type(n).__name__ for n in net.nodes]
    assert kinds.count("MatMul") == 2
    assert kinds.count("Flatten") == 1
    scores, mixed = (n for n in net.nodes if isinstance(n, MatMul))
    q, k, v = (f"blocks.0.attn.{name}_lif" for name in "qkv")
    assert (scores.name, scores.inputs, scores.transposed, scores.heads) == ("blocks.0.attn.matmul", (k, q), "first", 2)
    assert (mixed.inputs, mixed.transposed, mixed.shape, mixed.factor) == ((v, scores.name), "none", (8, 2, 2), 0.125)
    fc = next(n for n in net.nodes if n.name == "blocks.0.fc1")
    assert isinstance(fc, Conv2d)
    assert (fc.weight.shape, fc.source) == ((16, 8, 1, 1), "blocks.0.fc1 (Linear)")


def test_a_product_that_is_read_twice_is_one_node() -> None:
    def forward(m: Any, q: Any, k: Any, v: Any) -> Any:
        product = v @ (k.mT @ q)
        return m.inner(product) + m.inner(product)

    net: Network = trace_model(Maps(MapAttention(forward)), np.zeros((1, 2, SIZE, SIZE)), STEPS)
    assert sum(isinstance(n, MatMul) for n in net.nodes) == 2


def attention(how: Callable[..., Any]) -> Model:
    return Maps(MapAttention(how))


def heads(n: int) -> Model:
    """Eight channels in so many heads, as the published modules split them."""
    return Spikformer(Block(PublishedAttention(heads=n)))


def on_maps(forward: Callable[..., Any], **layers: Model) -> Model:
    return Written(forward, conv=nn.Conv2d(2, 4, 1), fire=fire(), fc=nn.Linear(4, 3), **layers)


REFUSED: dict[str, tuple[Callable[[], Model], type[Snn2hwError], list[str]]] = {
    "heads that do not divide": (
        lambda: heads(3),
        ShapeError,
        ["the values do not fit the new shape", "got:      [T, N, 4, 8] as [3, N, 4, 3, 2]", "a number of heads"],
    ),
    "another contraction": (
        lambda: attention(lambda m, q, k, v: (q @ k) @ v),
        ShapeError,
        ["the two sides of a product do not fit", "where:    attn.matmul", "got:      [T, N, 2, 4, 16] @ [T, N, 2, 4, 16]"],
    ),
    "heads that are no part of the channels": (
        lambda: attention(lambda m, q, k, v: v.transpose(2, 3) @ (k.mT @ q).transpose(2, 3)),
        ShapeError,
        ["the two sides of a product do not fit"],
    ),
    "channels mixed with places": (
        lambda: attention(lambda m, q, k, v: v.reshape(3, q.shape[1], 2, 16, 4).mT @ (k.mT @ q)),
        UnsupportedError,
        [
            "a product must sum over the channels of a head or over all places",
            "got:      [T, N, 2, 4, 16] @ [T, N, 2, 16, 16]",
            "make the heads the slow part of the channels",
        ],
    ),
    "a product of sums": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x).flatten(3).mT @ m.conv(x).flatten(3)).mean(2))),
        UnsupportedError,
        ["a product of what no neuron fired", "where:    matmul", "got:      conv (Conv2d)", "do:       put a neuron behind it"],
    ),
    "a product with the input": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.fire(m.conv(x)).flatten(3) @ x.flatten(3).mT).mean(2))),
        UnsupportedError,
        ["a product of what no neuron fired", "got:      input", "spikes, or pools, sums and products of spikes"],
    ),
    "a negative factor": (
        lambda: attention(lambda m, q, k, v: v @ (k.mT @ q) * -0.5),
        UnsupportedError,
        ["a factor must be positive", "where:    attn.mul"],
    ),
    "a factor of N": (
        lambda: attention(lambda m, q, k, v: v @ (k.mT @ q) / q.shape[1]),
        UnsupportedError,
        ["a factor was reckoned with N, the number of samples", "where:    attn.truediv"],
    ),
    "steps merged with channels": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x)).transpose(0, 2))),
        UnsupportedError,
        ["a transpose must keep the T and N axes in front"],
    ),
    "samples merged with channels": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x)).reshape(3, -1))),
        UnsupportedError,
        ["reshape must keep the T and N axes"],
    ),
    "an axis that may be N": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x)).squeeze())),
        UnsupportedError,
        ["squeeze must say which axes, for N may be 1"],
    ),
    "an axis that is not there": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x)).transpose(2, 5))),
        UnsupportedError,
        ["'transpose' does not fit the axes [T, N, 4, 4, 4]"],
    ),
    "a convolution of tokens": (
        lambda: on_maps(lambda m, x: m.fc(m.again(m.fire(m.conv(x)).flatten(3)).flatten(2)), again=nn.Conv2d(4, 4, 1)),
        UnsupportedError,
        ["the axes of this value are not those that the layer reads", "where:    again (Conv2d)", "got:      [T, N, 4, 16]"],
    ),
    "a norm over the tokens": (
        lambda: on_maps(lambda m, x: m.fc(m.norm(m.fire(m.conv(x)).flatten(3).mT).mean(2)), norm=nn.BatchNorm1d(16)),
        UnsupportedError,
        ["the axes of this value are not those that the layer reads", "where:    norm (BatchNorm1d)", "expected: [T, N, C, L]"],
    ),
    "tokens in one row": (
        lambda: on_maps(lambda m, x: m.wide(m.fire(m.conv(x)).flatten(3).mT.flatten(2)), wide=nn.Linear(64, 3)),
        UnsupportedError,
        ["the axes of this value are not those that the layer reads", "where:    wide (Linear)", "got:      [T, N, 64]"],
    ),
    "a neuron without its steps": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x).flatten(0, 1)))),
        UnsupportedError,
        ["got:      [T*N, 4, 4, 4]", "expected: [T, N, ...], the steps as an axis of their own"],
    ),
    "a neuron of channels on tokens": (
        lambda: on_maps(lambda m, x: m.fc(m.own(m.conv(x).flatten(3).mT)), own=nn.LIF(channels=4)),
        UnsupportedError,
        ["where:    own (LIF)", "expected: [T, N, C, ...], for coefficients of each channel"],
    ),
    "branches that lie differently": (
        lambda: on_maps(lambda m, x: m.fc((m.fire(m.conv(x)).flatten(3) + m.fire(m.conv(x)).mT.flatten(3)).mean(3))),
        UnsupportedError,
        ["two branches whose axes do not mean the same are added", "got:      [T, N, 4, 16] and [T, N, 4, 16]"],
    ),
    "a size that does not divide": (
        lambda: sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten()),
        UnsupportedError,
        ["this setting of the layer has no integer meaning here", "got:      output_size=3 of 4x4", "a size that divides"],
    ),
    "a mean over some places": (
        lambda: on_maps(lambda m, x: m.fc(m.fire(m.conv(x)).mean(4))),
        UnsupportedError,
        ["the operation 'mean' has no integer meaning here"],
    ),
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_has_no_meaning_is_refused(which: str) -> None:
    build, kind, parts = REFUSED[which]
    with pytest.raises(Snn2hwError) as caught:
        trace_model(build(), np.zeros((2, 2, SIZE, SIZE)), STEPS)
    assert type(caught.value) is kind, caught.value
    missing = [part for part in parts if part not in str(caught.value)]
    assert not missing, str(caught.value)


def test_the_whole_text_of_heads_that_do_not_divide() -> None:
    with refused(
        ShapeError,
        """
        the values do not fit the new shape
          where:    blocks.0.attn.reshape_1
          got:      [T, N, 4, 8] as [3, N, 4, 3, 2]
          expected: as many values as there are
          do:       choose sizes, a number of heads for example, that divide the channels
        """,
    ):
        trace(heads(3), 2, SIZE, SIZE)


def test_one_head_without_an_axis() -> None:
    net = trace_model(Tokens1d(), np.zeros((1, 2, SIZE, SIZE)), STEPS)
    assert [(n.heads, n.factor) for n in net.nodes if isinstance(n, MatMul)] == [(1, 1.0), (1, 0.5 * 8**-0.5)]
