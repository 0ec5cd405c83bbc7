"""Sums in tiles of a matrix unit: every shape, by the documented meaning of its instructions and on machines that have them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.backends.c import team
from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.synapse_plan import synapse
from snn2hw.backends.c.tile_plan import MOST_ROWS, ROWS, depth, tiling
from snn2hw.backends.c.to_c import to_c
from snn2hw.backends.fast.crossover import NEVER
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntFlatten
from snn2hw.native.compiler import compiler
from snn2hw.num import Format, Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.backends.c.driving import drive
from tests.backends.c.folders import SANITIZERS, sanitizers_run
from tests.backends.test_fast_team import together
from tests.native.compiling import needs_compiler

pytestmark = needs_compiler

BY_HAND = f"-O1 -include {Path(__file__).with_name('tiles.h')}"
HELD = [Interval(0, 1), Interval(0, 5), Interval(-3, 2), Interval(0, 255), Interval(-127, 127)]


def drawn(seed: int) -> tuple[IntegerNetwork, Ints]:
    """One convolution of a random shape, whose sums are the readout, and spike values of its whole range."""
    rng = np.random.default_rng(seed)
    groups, kernel = int(rng.choice([1, 1, 1, 2, 3])), tuple(int(k) for k in rng.choice([1, 2, 3], 2))
    entering, leaving = int(rng.choice([16, 17, 20, 63, 64, 65, 100, 130, 200])), int(rng.choice([1, 3, 16, 17, 40, 64, 90]))
    window = Window(
        (kernel[0], kernel[1]),
        *((int(a), int(b)) for a, b in (rng.choice([1, 1, 2, 3], 2), rng.choice([0, 1, 2], 2), rng.choice([1, 1, 2], 2))),
    )
    size = tuple(int(n) for n in rng.choice([1, 2, 3, 4, 7, 8, 15], 2) + 4)
    steps, held = int(rng.choice([1, 2, 3, 4, 5, 8, 10, 16, 20, 70])), HELD[rng.integers(len(HELD))]
    weight = rng.integers(-127, 128, (leaving * groups, entering, *kernel)).astype(np.int8)
    bias = rng.integers(-1000, 1000, leaving * groups).astype(np.int32)
    source = IntInput("x", (), (entering * groups, *size), Format.holding(held, 0), held, unit=1.0, static=False, counts=True)
    out = (leaving * groups, *window.output((size[0], size[1])))
    rough = IntConv2d("conv", ("x",), out, Format(32, 0, True), Interval(0, 0), weight, bias, window, groups)
    sums = rough.sum_interval(held)
    form = Format.holding(sums, 0)
    conv = IntConv2d("conv", ("x",), out, form, sums, weight, bias, window, groups)
    flat = IntFlatten("flat", ("conv",), (int(np.prod(out)),), form, sums)
    net = IntegerNetwork(steps, "generic", (source, conv, flat, IntReadout("readout", ("flat",), flat.shape, form, sums)))
    return net, rng.integers(held.lo, held.hi, (steps, 2, *source.shape), endpoint=True)


def differing(net: IntegerNetwork, payloads: Ints) -> dict[str, int]:
    wanted, got = interpret(net, payloads).arrays(), Fast(NEVER).run(make_artefact(net), payloads).arrays()
    assert wanted.keys() == got.keys()
    return {name: found for name, value in wanted.items() if (found := int((value != got[name]).sum()))}


def in_tiles(net: IntegerNetwork) -> bool:
    return "static int tiles_" in to_c(net, False).text


@pytest.mark.parametrize("flags", [BY_HAND, "-O1"], ids=["by hand", "of this machine"])
@pytest.mark.parametrize("part", [range(2), pytest.param(range(2, 150), marks=pytest.mark.slow)], ids=["few", "many"])
def test_layers_of_every_shape(flags: str, part: range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", flags)
    for seed in part:
        net, payloads = drawn(seed)
        assert in_tiles(net), f"drawn({seed})"
        assert differing(net, payloads) == {}, f"drawn({seed}) of tests.backends.c.test_tiles"


@pytest.mark.parametrize("flags", [f"{BY_HAND} -DSNN_LAST_FIRST", "-O1"], ids=["by hand", "of this machine"])
@pytest.mark.parametrize("part", [range(1, 2), pytest.param(range(2, 100), marks=pytest.mark.slow)], ids=["one", "many"])
def test_layers_by_all_threads(flags: str, part: range, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every phase in as many parts as there can be."""
    monkeypatch.setenv("SNN2HW_CFLAGS", flags)
    monkeypatch.setattr(team, "PART", 1)
    for seed in part:
        net, payloads = drawn(seed)
        wanted, got = interpret(net, payloads).arrays(), together(make_artefact(net), payloads, NEVER).arrays()
        assert [n for n in wanted if (wanted[n] != got[n]).any()] == [], f"drawn({seed}) of tests.backends.c.test_tiles"


class Body(torch.nn.Module):
    """Neurons behind tiles: a stride, a dilation, groups, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            nn.Conv2d(3, 20, 3, padding=1), nn.LIF(threshold=0.3),
            nn.Conv2d(20, 40, 3, stride=2, padding=1), nn.LNM(degree=3, threshold=0.3),
            nn.Conv2d(40, 34, 3, padding=2, dilation=2, groups=2), nn.CirculateFiring(levels=3, signed=True, threshold=0.2),
            nn.Flatten(), nn.Linear(34 * 16, 10),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.layers(x)
        return made


@pytest.mark.parametrize("flags", [BY_HAND, "-O1"], ids=["by hand", "of this machine"])
@pytest.mark.parametrize("steps", [4, pytest.param(3, marks=pytest.mark.slow)])
def test_neurons_take_the_sums_of_tiles(flags: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", flags)
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)).numpy()
    artefact = snn2hw.compile(Body().eval(), images, steps=steps, target="loihi2")
    assert in_tiles(artefact.network)
    payloads = encode(artefact.network, images)
    trace = interpret(artefact.network, payloads)
    assert all(np.asarray(v).any() for v in trace.spikes.values()), "a layer that is silent tests nothing"
    assert differing(artefact.network, payloads) == {}


def test_a_system_that_grants_no_tiles_sums_in_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"{BY_HAND} -DSNN_DENIED")
    net, payloads = drawn(0)
    assert differing(net, payloads) == {}


def test_no_tile_reads_beyond_the_padded_input() -> None:
    """The last row of the last tile of the last cell, at the last place of the kernel, in the last group."""
    for seed in range(200):
        net = drawn(seed)[0]
        conv = net.nodes[1]
        assert isinstance(conv, IntConv2d)
        s = synapse(conv, Value(net.input, net.steps, "uint8_t", -1), Value(conv, net.steps, "int32_t", 0))
        t = s.tiling
        if t is None:
            continue
        cell = (t.down - 1) * t.below * s.window.stride[0] + (t.across - 1) * t.places * t.steps
        row = cell + (t.tiles - 1) * ROWS + t.rows - 1
        end = row * t.inner + (s.groups - 1) * s.fan_in + max(t.offsets) + s.fan_in
        assert end <= t.bytes, f"drawn({seed}) of tests.backends.c.test_tiles"


@pytest.mark.slow
def test_the_sanitizers_find_nothing(tmp_path: Path) -> None:
    """By hand: a tile is read as bytes of memory are."""
    command = compiler()
    assert command is not None
    if not sanitizers_run(tmp_path / "probe"):
        pytest.skip("the C compiler here has no sanitizers: install libasan and libubsan")
    flags = ["-std=c99", "-march=native", *BY_HAND.split(), *SANITIZERS.split()]
    for seed in range(20):
        net, payloads = drawn(seed)
        said = drive(tmp_path / str(seed), net, payloads, interpret(net, payloads), False, [*command, *flags])
        assert said == "exit code 0: 0 differ", f"drawn({seed}) of tests.backends.c.test_tiles\n{said}"


@pytest.mark.parametrize("entering", [16, 17, 63, 64, 65, 96, 100, 128, 130, 1000])
def test_a_row_of_a_tile_is_a_multiple_of_four_and_at_most_64(entering: int) -> None:
    each = depth(entering)
    assert each % 4 == 0
    assert each <= 64
    assert -(-entering // each) == -(-entering // 64), "not in more tiles than needed"


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 10, 16, 20, 100])
@pytest.mark.parametrize("width", [1, 2, 4, 7, 8, 14, 28, 32, 224])
def test_tiles_cover_every_place_and_are_full_where_they_can_be(steps: int, width: int) -> None:
    t = tiling(steps, 64, (width + 2, width + 2), Window((3, 3), padding=(1, 1)), (width, width))
    assert t.across * t.places >= width
    assert t.tiles * ROWS >= t.places * t.steps
    assert t.places == 1 or t.places * steps <= MOST_ROWS
    used = width * steps / (t.across * t.tiles * ROWS)
    assert used >= min(width * steps, 16) / 16 * 0.5


def test_compilers_make_instructions_of_amx_of_it(tmp_path: Path) -> None:
    command = compiler()
    assert command is not None
    (tmp_path / "x.c").write_text(to_c(drawn(0)[0], False).text, encoding="utf-8")
    call = [*command, "-std=c99", "-O1", "-mavx2", "-mamx-tile", "-mamx-int8", "-S", "-o", "x.s", "x.c"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode and "-mamx" in done.stderr:
        pytest.skip("a compiler that does not know AMX, or another processor")
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "x.s").read_text(encoding="utf-8")
    assert all(word in made for word in ("ldtilecfg", "tileloadd", "tdpbusd", "tilestored", "tilerelease"))
