"""Blocks of deep networks: equations, shapes, exact products by gates, and every neuron in every block."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import snn2hw
from snn2hw import nn
from snn2hw.errors import ShapeError, UnsupportedError, UsageError, ValueRangeError
from snn2hw.nn import blocks
from snn2hw.quantize import prepare
from tests.refused import refused

pytestmark = pytest.mark.torch

NEURONS: dict[str, blocks.Make] = {
    "LIF": lambda c: nn.LIF(0.5),
    "PLIF": lambda c: nn.PLIF(channels=c),
    "LNM": lambda c: nn.LNM(degree=3, channels=c),
    "CF": lambda c: nn.CirculateFiring(levels=2),
}


def single(make: blocks.Make) -> blocks.Kinds:
    return blocks.Kinds(make, make, make, make)


@given(levels=st.integers(1, 16), data=st.data())
def test_a_gate_is_the_product_of_a_mask_and_a_payload(levels: int, data: st.DataObject) -> None:
    values = st.lists(st.integers(0, levels), min_size=6, max_size=6)
    v = torch.tensor(data.draw(values), dtype=torch.float32)
    mask = torch.tensor(data.draw(st.lists(st.integers(0, 1), min_size=6, max_size=6)), dtype=torch.float32)
    x = (v + levels * mask).reshape(3, 1, 2)  # three steps: nothing may be remembered
    assert torch.equal(blocks.Gate(levels)(x), (v * mask).reshape(3, 1, 2))


def test_a_gate_passes_gradients_where_one_of_two_spikes_is_there() -> None:
    q = torch.tensor([0.0, 0.0, 1.0, 1.0], requires_grad=True)
    k = torch.tensor([0.0, 1.0, 0.0, 1.0])
    blocks.Gate()((q + k).reshape(1, 1, 4)).sum().backward()
    assert q.grad is not None
    assert [g > 0 for g in q.grad.tolist()] == [False, True, True, True]


@pytest.mark.parametrize(("levels", "error"), [(0, ValueRangeError), (17, ValueRangeError), (1.5, UsageError)])
def test_a_gate_of_no_levels_is_refused(levels: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="levels"):
        blocks.Gate(levels)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_the_sum_over_places_is_the_same_everywhere(size: int) -> None:
    x = torch.randint(0, 2, (2, 3, 4, size, size)).double()
    got = blocks.sum_over_places(size)(x) * (2 * size - 1) ** 2
    expected = x.sum((3, 4), keepdim=True).expand_as(x)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-9)


def test_a_membrane_block_is_its_equation() -> None:
    torch.manual_seed(0)
    block, x = blocks.MembraneBlock(3, 3, 1, NEURONS["LIF"]).eval(), torch.randn(2, 2, 3, 4, 4)
    s = block.fire1(x)
    assert set(s.unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(block(x), x + block.conv2(block.fire2(block.conv1(s))))
    wider = blocks.MembraneBlock(3, 5, 2, NEURONS["LIF"]).eval()
    assert wider.short is not None
    torch.testing.assert_close(wider(x), wider.conv2(wider.fire2(wider.conv1(s))) + wider.short(s))


def test_a_spike_block_adds_payloads() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 2, (3, 2, 4, 6, 6)).float()
    net = blocks.stages("spike", (4, 8), (2, 2), NEURONS["LIF"])
    blocks.settle(net, x)
    y = net(x)
    assert y.shape == (3, 2, 8, 3, 3)
    assert set(y.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}
    assert y.max() > 1


def test_stages_halve_the_image_and_begin_at_the_first_width() -> None:
    x = torch.zeros(1, 1, 4, 16, 16)
    assert blocks.stages("membrane", (4, 6, 8), (1, 2, 1), NEURONS["LIF"])(x).shape == (1, 1, 8, 4, 4)


@pytest.mark.parametrize(
    ("stem", "shape"),
    [
        (lambda: blocks.cifar_stem(5, NEURONS["LIF"]), (5, 32, 32)),
        (lambda: blocks.cifar_stem(5, None), (5, 32, 32)),
        (lambda: blocks.imagenet_stem(5, NEURONS["LIF"]), (5, 8, 8)),
        (lambda: blocks.event_stem(5, NEURONS["LIF"], polarities=3), (5, 32, 32)),
        (lambda: blocks.vgg_block(3, (4, 6), NEURONS["LIF"]), (6, 16, 16)),
        (lambda: blocks.PatchSplitting(16, NEURONS["LIF"]), (16, 8, 8)),
        (lambda: blocks.PatchSplitting(16, NEURONS["LIF"], spikes=True), (16, 8, 8)),
        (lambda: blocks.PatchSplitting(16, NEURONS["LIF"], pools=(True, True, True, True)), (16, 2, 2)),
    ],
)
def test_shapes_of_what_begins_a_network(stem: Callable[[], torch.nn.Module], shape: tuple[int, ...]) -> None:
    assert stem()(torch.rand(2, 1, 3, 32, 32)).shape == (2, 1, *shape)


def test_attention_is_its_equation() -> None:
    """As the products and the sum that it stands for, with the module's own convolutions and neurons."""
    torch.manual_seed(0)
    kinds = blocks.circulating(3)
    block, x = blocks.SpikeDrivenAttention(8, 3, kinds), torch.randn(4, 2, 8, 3, 3)
    blocks.settle(block, x)
    s = block.fire(x)
    q, k, v = block.q(s), block.k(s), block.v(s)
    assert set(q.unique().tolist()) == set(k.unique().tolist()) == {0.0, 1.0}
    assert set(v.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}
    summed = (q * k).sum((3, 4), keepdim=True).expand_as(q) / 25
    mask = block.mask[2](block.mask[1](summed))
    assert set(mask.unique().tolist()) == {0.0, 3.0}
    torch.testing.assert_close(block(x), x + block.out(mask / 3 * v))


@pytest.mark.parametrize(("size", "channels_first"), [(2, False), (3, True)])
def test_spiking_self_attention_is_its_equation(size: int, channels_first: bool) -> None:
    """With the products in the order of the paper, token by token; the other order gives the same to the last bit."""
    torch.manual_seed(0)
    attention, x = blocks.SpikingSelfAttention(8, size, 2, blocks.circulating(3)), torch.randn(4, 2, 8, size, size)
    assert attention.channels_first is channels_first
    blocks.settle(attention, x)
    q, k, v = (m(x).reshape(4, 2, 2, 4, size * size).transpose(-1, -2) for m in (attention.q, attention.k, attention.v))
    assert set(q.unique().tolist()) == set(k.unique().tolist()) == {0.0, 1.0}
    assert {-1.0, 1.0} < set(v.unique().tolist()) <= {-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0}
    y = (q @ k.transpose(-1, -2)) @ v * (4 / (4 * 3))
    joined = y.transpose(-1, -2).reshape(4, 2, 8, size, size)
    assert joined.count_nonzero()
    assert torch.equal(attention(x), attention.out(attention.fire(joined)))


def test_a_spikformer_block_adds_payloads_twice() -> None:
    torch.manual_seed(0)
    block, x = blocks.SpikformerBlock(8, 3, 2, blocks.circulating(2)), torch.randint(-2, 3, (3, 2, 8, 3, 3)).float()
    blocks.settle(block, x)
    between = x + block.attention(x)
    assert torch.equal(block(x), between + block.perceptron(between))
    assert block(x).abs().max() > 2


@pytest.mark.parametrize("spikes", [False, True])
def test_the_relative_position_is_added_as_spikes_or_as_synaptic_input(spikes: bool) -> None:
    torch.manual_seed(0)
    split, x = blocks.PatchSplitting(16, NEURONS["CF"], spikes=spikes), torch.rand(3, 2, 3, 16, 16)
    blocks.settle(split, x)
    between = split.split(x)
    conv, fire = sorted(split.position, key=lambda m: isinstance(m, nn.CirculateFiring))
    y = split(x) - between
    torch.testing.assert_close(y, fire(conv(between)) if spikes else conv(fire(between)))
    assert bool((between == between.round()).all()) == bool((y == y.round()).all()) == spikes
    assert y.count_nonzero()


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: blocks.stages("foo", (4,), (1,), NEURONS["LIF"]), UsageError, "unknown residual"),
        (lambda: blocks.stages("spike", (4, 8), (1,), NEURONS["LIF"]), UsageError, "widths and depths do not fit together"),
        (lambda: blocks.PatchSplitting(16, NEURONS["LIF"], pools=(True,)), UsageError, "one entry per convolution"),
        (lambda: blocks.PatchSplitting(4, NEURONS["LIF"]), ValueRangeError, "width is out of range"),
    ],
)
def test_blocks_that_cannot_be_made_are_refused(make: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


def test_attention_over_another_number_of_places_is_refused() -> None:
    text = """
        attention is for another number of places
          where:    SpikeDrivenAttention
          got:      6 x 6 places
          expected: 2 x 2: its window sees all of them from everywhere, and no others
          do:       construct it with size=6, or give it square images of 2 places a side
        """
    with refused(ShapeError, text):
        blocks.SpikeDrivenAttention(8, 2, blocks.circulating(1))(torch.zeros(2, 1, 8, 6, 6))


def test_attention_by_masks_fits_loihi_2_and_no_fixed_function() -> None:
    torch.manual_seed(1)
    block = torch.nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1), blocks.SpikeDrivenBlock(8, 2, blocks.circulating(2)), nn.LIF(0.5), nn.Flatten(),
        nn.Linear(32, 3),
    )  # fmt: skip
    x = torch.rand(4, 2, 2, 2)
    blocks.settle(block, nn.repeat(x, 3))
    artefact = snn2hw.compile(block, x, 3, target="loihi2")
    assert snn2hw.verify(artefact, x, ("onnxruntime",)).equal
    with pytest.raises(UnsupportedError, match=r"masked \(Gate\): reset='none', the target can do value"):
        snn2hw.compile(block, x, 3, target="loihi1")


def test_attention_by_masks_learns_on_integers() -> None:
    torch.manual_seed(1)
    attention = blocks.SpikeDrivenAttention(2, 2, blocks.circulating(2))
    block = torch.nn.Sequential(nn.Conv2d(2, 2, 1), attention, nn.LIF(0.5), nn.Flatten(), nn.Linear(8, 3))
    x = torch.rand(4, 2, 2, 2)
    blocks.settle(block, nn.repeat(x, 2))
    prepared = prepare(block, x, "loihi2", steps=2)
    prepared(nn.repeat(x, 2)).square().sum().backward()
    assert all(p.grad is not None for p in prepared.parameters())
    assert snn2hw.verify(snn2hw.compile(prepared), x, ("reference", "torch")).equal


def test_channels_that_the_heads_do_not_divide_are_refused() -> None:
    text = """
        the channels cannot be divided among the heads
          where:    SpikingSelfAttention
          got:      10 channels, 4 heads
          expected: a number of channels that is a multiple of the heads
          do:       use 8 channels, or another number of heads
        """
    with refused(ShapeError, text):
        blocks.SpikformerBlock(10, 4, 4, blocks.circulating())


@pytest.mark.parametrize(
    "neuron", [blocks.circulating(4).neuron, blocks.circulating(4).value, lambda c: nn.CirculateFiring(levels=4)]
)
def test_all_levels_fire_in_integers_where_the_state_range_holds_them(neuron: blocks.Make) -> None:
    """The default range ends where K = 4 thresholds do: that unit is not cut off."""
    linear = nn.Linear(1, 1)
    with torch.no_grad():
        linear.weight.fill_(20.0)
        linear.bias.zero_()
    net, x = nn.Sequential(linear, neuron(1), nn.Linear(1, 2)), torch.ones(1, 1)
    assert float(net[:2](nn.repeat(x, 1)).detach().max()) == 4
    trace = snn2hw.simulate(snn2hw.compile(net, x, 1), x)
    assert int(trace.spikes["1"].max()) == 4


@pytest.mark.parametrize("scale", [0.0, float("nan")])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(ValueRangeError, match="scale"):
        blocks.SpikingSelfAttention(8, 4, 2, blocks.circulating(), scale)


def head(width: int, size: int, neuron: blocks.Make) -> list[torch.nn.Module]:
    return [neuron(width), nn.AvgPool2d(size), nn.Flatten(), nn.Linear(width, 3)]


@pytest.mark.parametrize("kind", ["LIF", "LNM", "CF"])
def test_every_block_with_every_neuron_is_the_same_in_integers_everywhere(kind: str) -> None:
    make = NEURONS[kind]
    kinds = blocks.circulating(2) if kind == "CF" else single(make)
    torch.manual_seed(0)
    net = nn.Sequential(
        blocks.cifar_stem(8, None),
        blocks.MembraneBlock(8, 8, 2, make),
        blocks.SpikeDrivenBlock(8, 3, kinds, ratio=2),
        make(8),
        blocks.SpikformerBlock(8, 3, 2, kinds, ratio=2),
        blocks.SpikeBlock(8, 8, 1, make),
        *head(8, 3, make),
    )
    x: Tensor = torch.rand(3, 3, 6, 6)
    rates = blocks.settle(net, nn.repeat(x, 3))
    assert min(rates.values()) > 0
    artefact = snn2hw.compile(net, x, 3)
    names = ("torch", "onnxruntime", "fast") if kind == "CF" else ("torch", "onnxruntime")
    assert snn2hw.verify(artefact, x[:2], names).equal
    assert {n.name for n in artefact.network.neurons} == set(rates)


def test_settling_gives_statistics_of_the_samples_and_leaves_the_weights() -> None:
    torch.manual_seed(0)
    net = blocks.cifar_stem(6, NEURONS["LIF"])
    before = [p.clone() for p in net.parameters()]
    momentum = net[0][1].momentum
    x = 5 + 3 * torch.randn(2, 9, 3, 8, 8)
    rates = blocks.settle(net, x)
    normed = net[0](x)
    torch.testing.assert_close(normed.mean((0, 1, 3, 4)), torch.zeros(6), atol=1e-4, rtol=0)
    assert all(map(torch.equal, before, net.parameters()))
    assert (net.training, net[0][1].momentum, list(rates)) == (False, momentum, ["1"])
    assert rates["1"] == pytest.approx(float((net(x) != 0).float().mean()))


def test_branches_of_incommensurable_scales_are_named_with_what_helps() -> None:
    class Joined(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fire, self.pool, self.conv = nn.LIF(), nn.AvgPool2d(3, stride=1, padding=1), nn.Conv2d(2, 2, 1)
            self.flat, self.fc = nn.Flatten(), nn.Linear(32, 3)

        def forward(self, x: Tensor) -> Tensor:
            s = self.fire(x)
            return self.fc(self.flat(s + self.pool(s)))  # type: ignore[no-any-return]

    with refused(
        snn2hw.errors.UnsupportedError,
        """
        this addition joins branches whose scales differ by a factor that is no power of two
          where:    add (+)
          got:      'fire' in units of 1, 'pool' in units of 1/9
          expected: equal units, up to a power of two
          do:       put a Conv2d or Linear on the branch with the image or the average, or average over 2x2 or 4x4
        """,
    ):
        snn2hw.compile(Joined(), torch.rand(2, 2, 4, 4), 2)


def test_branches_of_other_binary_points_are_brought_to_one() -> None:
    """Weights a thousand times smaller have another scale; the sum is exact all the same."""
    torch.manual_seed(0)
    net = nn.Sequential(blocks.cifar_stem(4, None), blocks.MembraneBlock(4, 4, 1, NEURONS["LIF"]), *head(4, 4, NEURONS["LIF"]))
    with torch.no_grad():
        net[1].conv2[0].weight /= 1000
    x = torch.rand(3, 3, 4, 4)
    blocks.settle(net, nn.repeat(x, 2))
    with torch.no_grad():
        net[1].conv2[1].weight /= 1000
    artefact = snn2hw.compile(net, x, 2)
    (join,) = (n for n in artefact.network.nodes if hasattr(n, "shifts"))
    assert sorted(join.shifts)[0] == 0
    assert sorted(join.shifts)[1] > 4
    assert snn2hw.verify(artefact, x, ("torch", "onnxruntime")).equal
