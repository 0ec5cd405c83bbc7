"""Every spike and every state of whole networks equals the reference's, whatever the lanes and the clock."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl.build import build, lanes_of
from snn2hw.backends.rtl.executor import Rtl
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.simulation import VERILATOR, environment, sources
from snn2hw.backends.rtl.text import TOP
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import Concat, IntLinear, MaxPool2d, Multiply
from snn2hw.num import Format, Interval
from snn2hw.user_models import find_model
from snn2hw.verification.verdict import compare_executors
from tests.backends.rtl.running import TOOLS, compared, differing, simulated, spread
from tests.hand_networks import (
    circulate,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    lif,
    linear,
    network,
    normal,
    readout,
    recurrent,
)
from tests.hand_networks import compiled as compiled_by_hand
from tests.random_networks import (
    ATTENTION,
    LATE,
    LAYERED,
    RECURRENT,
    STEPPED,
    compiled,
    payloads_of,
    random_case,
    reproducer,
)
from tests.refused import refused
from tests.shared_data import shared_data
from tests.test_odd_names import all_called
from tests.tools import needs

FAMILIES = (0, RECURRENT, ATTENTION, LATE, STEPPED, LAYERED)
LANES, CLOCKS = (1, 2, 4, 8), (25.0, 60.0, 100.0, 250.0)
QUICK = ((0, 3), (RECURRENT, 1), (ATTENTION, 0), (LAYERED, 2))  # family, which of its seeds
SLOW_PARTS, EACH = 5, 8
BENCH = ("two states", "adaptive threshold", "recurrent", "residual", "token mixing", "spike-driven", "attention")
ODD = ["always", 'a"b', "漢", "a\nb", "//x", "@NAME@", "endmodule", "\\", ""]


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    needs(*TOOLS)


def lint(net: IntegerNetwork, folding: Folding, folder: Path) -> None:
    """Verilator has nothing to say with all its warnings on."""
    texts = sources(build(net, folding))
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [*VERILATOR.command(), "--lint-only", "-Wall", "--top-module", TOP, *sorted(texts)]
    ran = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert not ran.stderr, ran.stderr
    assert ran.returncode == 0


@pytest.mark.parametrize("lanes", [1, 4])
def test_nothing_to_warn_of(lanes: int, tmp_path: Path) -> None:
    for n, net in enumerate((every_kind(), recurrent())):
        lint(compiled_by_hand(net).network, Folding(lanes=lanes), tmp_path / str(n))


def random_equal(seed: int, lanes: int, clock: float, folder: Path | None = None) -> int:
    """Integers compared of a random network; -1 where it was refused."""
    case = random_case(seed)
    try:
        net = compiled(case).network
        folding = Folding(lanes=lanes, megahertz=clock)
        if folder is not None:
            lint(net, folding, folder)
        return compared(net, payloads_of(case, net), folding)
    except (WidthError, UnsupportedError):
        return -1
    except Exception as error:
        raise AssertionError(f"{lanes} lanes, {clock} MHz, {reproducer(seed)}\n{error}") from error


@pytest.mark.parametrize(("family", "number"), QUICK)
def test_random_networks(family: int, number: int, tmp_path: Path) -> None:
    n = FAMILIES.index(family) + number
    assert random_equal(family + number, LANES[n % 4], CLOCKS[n // 2 % 4], tmp_path) > 0


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLOW_PARTS))
def test_many_random_networks(part: int, tmp_path: Path) -> None:
    """Of every family, until so many have been compared; a part has lanes and clocks of each kind."""
    ran = total = 0
    number = 100 * part
    while ran < EACH:
        family = FAMILIES[number % len(FAMILIES)]
        found = random_equal(family + number, LANES[number // 2 % 4], CLOCKS[number // 3 % 4], tmp_path / str(number))
        ran, total, number = ran + (found >= 0), total + max(found, 0), number + 1
    print(f"part {part}: {ran} random networks, {total:,} integers compared, 0 differ")


def test_names_that_mean_something_in_systemverilog(tmp_path: Path) -> None:
    net = compiled_by_hand(all_called(recurrent(), ODD)).network
    assert ODD[0] in {n.name for n in net.nodes}
    lint(net, Folding(lanes=2), tmp_path)
    rng = np.random.default_rng(0)
    assert compared(net, rng.integers(0, 2, (net.steps, 5, *net.input.shape)), Folding(lanes=2)) > 0


def test_a_maximum_of_values_that_can_be_negative(tmp_path: Path) -> None:
    """All of a window negative, some of them 0, a padded rim, more channels than lanes."""
    pool = MaxPool2d("pool", ("cf",), (), window=Window((2, 2), (2, 2), (1, 1)), source="pool")
    net = network(
        3, counts(2, 5, 5, lo=-3, hi=3), conv("c", "input", normal(0, 3, 2, 1, 1)), circulate("cf", "c"), pool,
        flatten("f", "pool"), linear("head", "f", normal(1, 2, 27)), readout("head"),
    )  # fmt: skip
    made = compiled_by_hand(net).network
    payloads = np.random.default_rng(0).integers(-3, 3, (3, 9, 2, 5, 5), endpoint=True)
    payloads[:, 0], payloads[:, 1] = -3, 3
    largest = next(n for n in made.nodes if n.name == "pool").value([interpret(made, payloads).spikes["cf"].reshape(-1, 3, 5, 5)])
    assert largest.min() < 0 < largest.max()
    lint(made, Folding(lanes=2), tmp_path)
    assert compared(made, payloads, Folding(lanes=2)) > 0


def test_the_executor_is_what_verify_runs() -> None:
    made = snn2hw.compile(every_kind(), every_kind_sample())
    rtl = Rtl(Folding(lanes=2))
    payloads = encode(made.network, every_kind_sample())
    verdict = compare_executors(made, payloads, [rtl])
    assert (verdict.equal, verdict.different) == (True, {"rtl": 0})
    every = interpret(made.network, payloads).arrays().values()
    assert verdict.compared["rtl"] == sum(v.size for v in every)
    least, most = (int(word.replace(",", "")) for word in verdict.notes["rtl"].split(" cycles")[0].split(" to "))
    assert 36 < least <= most  # a cycle for each pixel, and then some


# --- trained and recorded networks --------------------------------------------------------------------------------------


def model(name: str) -> tuple[Artefact, object]:
    found = find_model(name, sampled=True)
    assert found.source is not None
    return snn2hw.compile(found.module, found.sample, found.steps), found.source.test_data()[0]


def verified(made: Artefact, samples: object, lanes: int) -> int:
    """Integers compared on float samples; none differs."""
    verdict = snn2hw.verify(made, samples, executors=("reference", Rtl(Folding(lanes=lanes))))
    assert verdict.different == {"rtl": 0}, str(verdict)
    print(f"{verdict.samples} samples, {lanes} lanes: {verdict.compared['rtl']:,} integers, 0 differ; {verdict.notes['rtl']}")
    return verdict.compared["rtl"]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("digits_lnm", 2),
        pytest.param("digits_lnm", 1, marks=pytest.mark.slow),
        pytest.param("digits_lnm", 8, marks=pytest.mark.slow),
        pytest.param("digits_lnm", 64, marks=pytest.mark.slow),
        pytest.param("digits_cf", 4, marks=pytest.mark.slow),
        pytest.param("digits_cf", 16, marks=pytest.mark.slow),
    ],
)
def test_the_digits(name: str, lanes: int) -> None:
    made, images = model(name)
    samples = 64 if lanes != 2 else 4
    assert verified(made, images[:samples], lanes) >= samples * made.network.steps  # type: ignore[index]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "samples"), [("two states", 4), *(pytest.param(name, 64, marks=pytest.mark.slow) for name in BENCH)]
)
def test_one_network_of_each_kind(name: str, samples: int) -> None:
    from bench.rtl_networks import NETWORKS
    from bench.rtl_networks import compiled as bench_network

    assert set(BENCH) == set(NETWORKS)
    made, images = bench_network(name, samples)
    verified(made, images, 8)


@pytest.mark.slow
def test_pilotnet() -> None:
    folder = shared_data("pilotnet_lif")
    (path,) = sorted(folder.glob("*.net"))
    net = snn2hw.read_network(path, steps=3)
    assert isinstance(net, IntegerNetwork)
    lo, hi = net.input.interval.lo, net.input.interval.hi
    rng = np.random.default_rng(0)
    payloads = np.where(
        rng.random((3, 2, *net.input.shape)) < 0.1, rng.integers(lo, hi, (3, 2, *net.input.shape), endpoint=True), 0
    )
    sim = simulated(net, Folding(lanes=4), still=False)
    expected = interpret(net, payloads)
    assert differing(net, sim, sim.run(payloads), expected) == {}
    assert any(v.any() for v in expected.spikes.values())
    print(f"PilotNet, 3 steps, 2 samples: {sum(v.size for v in expected.arrays().values()):,} integers, 0 differ")


def test_sums_of_more_than_32_bits_keep_their_sign() -> None:
    """Biases of about -2**30, four times: the readout needs 33 bits."""
    needs(*TOOLS)
    shape = Interval(0, 3)
    source = IntInput("input", (), (2,), Format(2, 0, False), shape, unit=1.0, static=True, counts=True)
    bias = np.array([-(2**30), 2**30 - 7], np.int32)
    fc = IntLinear("fc", ("input",), (2,), Format(32, 0), Interval(0, 0), np.array([[1, -2], [3, 1]], np.int8), bias)
    fc = replace(fc, interval=fc.sum_interval(shape))
    net = IntegerNetwork(4, "generic", (source, fc, IntReadout("readout", ("fc",), (2,), fc.format, fc.interval)))
    assert net.sum_interval.lo < -(2**31)
    assert compared(net, spread(net, 3, 0)) == 6


def test_flattened_images_beside_each_other_joined_with_a_vector_and_read_out(tmp_path: Path) -> None:
    """Six channels of a place: one word and a half of four lanes."""
    window = Window((2, 2))
    net = network(
        2, counts(2, 3, 3, hi=2),
        conv("left", "input", normal(1, 6, 2, 2, 2), window=window), lif("a", "left"), flatten("fa", "a"),
        conv("right", "input", normal(2, 3, 2, 2, 2), window=window), lif("b", "right"), flatten("fb", "b"),
        Concat("both", ("fa", "fb"), (), source="both"), linear("fc", "both", normal(3, 24, 36), normal(4, 24)), lif("v", "fc"),
        Multiply("product", ("fa", "v"), (), source="product"), readout("product"),
    )  # fmt: skip
    made = compiled_by_hand(net).network
    assert interpret(made, spread(made, 6, 0)).readout.any(axis=0).sum() > 12
    assert lanes_of(made, Folding(lanes=4))["readout"] == 2
    lint(made, Folding(lanes=4), tmp_path)
    assert compared(made, spread(made, 6, 0), Folding(lanes=4)) > 0


def test_a_flattened_image_and_a_vector_in_one_row_are_refused() -> None:
    """Their values have places of different kinds."""
    net = network(
        2, counts(2, 2, 2), conv("c", "input", normal(1, 3, 2, 1, 1)), lif("a", "c"), flatten("fa", "a"),
        linear("fc", "fa", normal(2, 5, 12)), lif("v", "fc"), Concat("row", ("fa", "v"), (), source="row"),
        linear("head", "row", normal(3, 2, 17)), readout("head"),
    )  # fmt: skip
    with refused(
        UnsupportedError,
        "branches whose values come in different orders are joined\n  where:    row\n  got:      values at 4 and at 1 places\n"
        "  expected: both images of one size, or both vectors\n"
        "  do:       join them before they are flattened, or put a Linear layer behind the flattened one",
    ):
        build(compiled_by_hand(net).network)
