"""The parts a design is laid out from, each against its definition by brute force."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2hw.backends.rtl.beats import beats, trace
from snn2hw.backends.rtl.blocks import MOST_PIECES, blocks, piece
from snn2hw.backends.rtl.build import build, lanes_of
from snn2hw.backends.rtl.design import Memory
from snn2hw.backends.rtl.expressions import digits, literal, signed_bits
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.products import starts
from snn2hw.backends.rtl.streams import WORDS, Grid, Stream, counting, numbered
from snn2hw.backends.rtl.taps import slid, windowed
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import IntMatMul
from snn2hw.num import Format, Interval
from snn2hw.trace import Ints
from tests.hand_networks import artefact_of, compiled, every_kind, every_kind_sample, recurrent
from tests.small_networks import two_layer_network


@given(st.data())
def test_a_memory_reads_back_as_its_values(data: st.DataObject) -> None:
    bits = tuple(data.draw(st.lists(st.integers(1, 64), min_size=1, max_size=5)))
    rows = data.draw(st.integers(1, 4))
    values = np.array([[data.draw(st.integers(-(1 << b - 1), (1 << b - 1) - 1)) for b in bits] for _ in range(rows)], np.int64)
    lines = Memory(values, bits).text().splitlines()
    assert [len(line) for line in lines] == [-(-sum(bits) // 4)] * rows
    for line, row in zip(lines, values.tolist(), strict=True):
        word = int(line, 16)
        for b, value in zip(bits, row, strict=True):
            assert word & (1 << b) - 1 == value & (1 << b) - 1
            word >>= b
        assert word == 0


@given(st.integers(1, 40_000), st.integers(1, 80))
def test_a_memory_in_pieces_is_the_memory_and_takes_no_more_blocks(depth: int, width: int) -> None:
    bits = piece(depth, width)
    pieces = Memory(np.arange(depth)[:, None], (width,)).pieces(bits)
    assert np.array_equal(np.concatenate([p.values for p in pieces])[:, 0], np.arange(depth))
    assert all(len(p.values) == 1 << bits for p in pieces[:-1])
    if depth <= 512 * MOST_PIECES:
        assert sum(blocks(len(p.values), width) for p in pieces) <= blocks(depth, width)


@given(st.integers(-(2**40), 2**40))
def test_signed_digits_add_up_and_no_two_stand_beside_each_other(value: int) -> None:
    found = digits(value)
    assert sum(sign << shift for sign, shift in found) == value
    assert all(b - a > 1 for (_, a), (_, b) in pairwise(found))


@given(st.integers(-(2**20), 2**20), st.integers(1, 30))
def test_a_literal_is_the_value_modulo_its_bits(value: int, bits: int) -> None:
    size, number = literal(value, bits).split("'sh")
    assert (int(size), int(number, 16)) == (bits, value % 2**bits)


def test_bits_that_number_and_count_and_hold() -> None:
    for n in range(1, 70):
        assert 2 ** counting(n) >= n > (2 ** (counting(n) - 1) if n > 2 else 0)
        assert 2 ** numbered(n) > n >= 2 ** (numbered(n) - 1)
        assert signed_bits(Interval(0, n)) == signed_bits(Interval(-n - 1, n)) == n.bit_length() + 1


def test_what_a_place_reaches_under_a_window() -> None:
    cases = product((3, 6), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2))
    for size, kernel, stride, padding, dilation in cases:
        out = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        if out < 1:
            continue
        pairs = [(o, k) for o in range(out) for k in range(kernel)]
        for place, found in enumerate(slid(size, out, kernel, stride, padding, dilation)):
            reached = [(o, k) for o, k in pairs if o * stride + k * dilation - padding == place]
            assert sorted(found) == reached


def test_a_window_slides_along_rows_and_columns() -> None:
    window = Window((3, 2), (2, 1), (1, 0), (1, 2))
    h, w = window.output((7, 6))
    rows, columns = windowed(window, Grid(7, 6, 2), Grid(h, w, 4))
    assert rows == slid(7, h, 3, 2, 1, 1)
    assert columns == slid(6, w, 2, 1, 0, 2)


@pytest.mark.parametrize(("shape", "lanes"), [((5,), 2), ((3, 4), 4), ((6, 2, 3), 4), ((1, 3, 3), 1)])
def test_every_value_has_one_place_in_the_words(shape: tuple[int, ...], lanes: int) -> None:
    grid = Grid.of(shape)
    stream = Stream("s", WORDS, Interval(-3, 4), grid, grid.order(), lanes)
    places = stream.places()
    assert places.shape == (stream.words, lanes)
    values = np.arange(int(np.prod(shape))).reshape(shape)
    there = [int(values[(c, *at)]) for at in np.ndindex(*shape[1:]) for c in range(shape[0])]  # channels fastest
    assert places[places >= 0].tolist() == there
    spare = grid.places * (-shape[0] % lanes)
    assert (places < 0).sum() == spare


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize(
    ("transposed", "a", "b", "size"),
    [
        ("none", (4, 2, 3), (12, 1, 5), (1, 5)),  # two heads: [2, 6] [6, 5]
        ("first", (6, 2, 2), (6, 5, 1), (5, 1)),  # [3, 4]^T [3, 5]
        ("second", (4, 2, 3), (6, 3, 2), (3, 1)),  # [2, 6] [3, 6]^T
    ],
)
def test_what_the_events_of_a_product_reach(transposed: str, a: Shape, b: Shape, size: tuple[int, int], lanes: int) -> None:
    """All words that a value of B reaches, and the values of A in them, put together give the product."""
    out = 2 * (a[1] * a[2] if transposed == "first" else a[0] // 2)
    node = IntMatMul("y", ("a", "b"), (out, *size), Format(32, 0), Interval(-99, 99), heads=2, transposed=transposed, size=size)
    rng = np.random.default_rng(0)
    x, y = rng.integers(-3, 4, (1, *a)), rng.integers(-3, 4, (1, *b))
    ga, gb, grid = Grid.of(a), Grid.of(b), Grid.of(node.shape)
    made = Stream("y", WORDS, node.interval, grid, grid.order(), lanes)
    rows, columns, channels = starts(node, ga, gb, made)
    laid = (x if transposed == "first" else x.transpose(0, 2, 3, 1)).reshape(-1, lanes)  # the matrix
    sums = np.zeros((made.words, lanes), np.int64)
    for c, r, q in np.ndindex(*b):
        place, word = rows[r] + columns[q] + channels[c]
        for n in range(out // 2 // lanes):
            sums[word + n] += laid[place + n] * y[0, c, r, q]
    assert np.array_equal(sums.ravel(), node.value([x, y])[0].ravel()[made.places().ravel()])


def test_layers_that_share_words_share_lanes_and_none_has_more_than_channels() -> None:
    net = compiled(every_kind(), every_kind_sample()).network
    lanes = lanes_of(net, Folding(lanes=8))
    assert (lanes["conv1"], lanes["lnm"], lanes["fc"], lanes["lif"]) == (4, 4, 8, 8)  # 3 channels, and 8
    assert lanes["head"] == lanes["readout"] == 4
    narrow = lanes_of(net, Folding(lanes=8, of={"lnm": 2}))
    assert narrow["conv1"] == narrow["lnm"] == 2
    assert narrow["fc"] == 8


def test_images_are_sent_channels_fastest() -> None:
    net = compiled(every_kind(), every_kind_sample()).network
    design = build(net)
    payloads = np.broadcast_to(np.arange(36).reshape(1, 1, 1, 6, 6), (3, 2, 1, 6, 6)).astype(np.int64)
    data, last = beats(design, payloads)
    assert data.tolist() == [*range(36), *range(36)]
    assert np.flatnonzero(last).tolist() == [35, 71]


def test_events_are_those_that_are_not_zero_and_an_end_of_every_step() -> None:
    net = compiled(recurrent(steps=3)).network
    design = build(net)
    payloads = np.zeros((3, 2, 3), np.int64)
    payloads[0, 0, 2] = payloads[2, 0, 1] = payloads[2, 0, 2] = payloads[1, 1, 0] = 1
    data, last = beats(design, payloads)
    channels = design.entry.grid.address[2]
    end = 1 << (design.entry.bits + sum(design.entry.grid.address))
    event = 1 << sum(design.entry.grid.address)
    assert channels == 2
    assert data.tolist() == [event | 2, end, end, event | 1, event | 2, end, end, event, end, end]
    assert np.flatnonzero(last).tolist() == [5, 9]


def test_what_was_recorded_is_laid_out_as_the_layers_are() -> None:
    net = artefact_of(every_kind(), every_kind_sample()).network
    design = build(net, Folding(lanes=4))
    samples = 2
    rng = np.random.default_rng(0)
    expected: dict[str, Ints] = {}
    recorded = []
    for series in design.series:
        name = f"states/{series.neuron}.{series.state}" if series.state else f"spikes/{series.neuron}"
        shape = next(n.shape for n in net.neurons if n.name == series.neuron)
        values = rng.integers(-9, 9, (net.steps, samples, *shape))
        expected[name] = values
        flat = values.reshape(net.steps, samples, -1)
        words = np.full((samples, net.steps, *series.stream.places().shape), 77, np.int64)  # lanes to spare hold anything
        for word, lane in np.argwhere(series.stream.places() >= 0):
            words[:, :, word, lane] = flat[:, :, series.stream.places()[word, lane]].T
        recorded.append(words.ravel())
    readout = rng.integers(-9, 9, (samples, *net.readout.shape))
    got = trace(design, net, readout[:, design.readout.order], recorded).arrays()
    assert (got.pop("readout") == readout).all()
    assert got.keys() == expected.keys()
    assert all((got[name] == value).all() for name, value in expected.items())


def test_an_image_that_is_shown_at_every_step_is_sent_once() -> None:
    net, _ = two_layer_network()
    made = compiled(net).network
    payloads = np.ones((made.steps, 1, *made.input.shape), np.int64)
    data, last = beats(build(made), payloads)
    assert len(data) == payloads[0, 0].size
    assert last.sum() == 1
