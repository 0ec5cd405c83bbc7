"""What a target cannot do is said before calibration, all of it in one table; `legalise` says nothing else of such networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from snn2hw.errors import Snn2hwError, UnsupportedError, WidthError
from snn2hw.ir.network import EquationNeuron, Network, Single
from snn2hw.neurons.equation import Builder, Op, State
from snn2hw.passes import capacity, pipeline
from snn2hw.passes.base import Compilation, Options, Pass
from snn2hw.passes.fits import target_lacks
from snn2hw.passes.fold import Fold
from snn2hw.passes.legalise import Legalise
from snn2hw.passes.pipeline import PIPELINE, run_pipeline
from snn2hw.target import Target, load_target
from tests.hand_networks import (
    add,
    attending,
    average,
    circulate,
    conv,
    counts,
    flatten,
    image,
    lif,
    linear,
    network,
    neuron,
    normal,
    one_neuron,
    readout,
    recurrent,
    sample_of,
)
from tests.random_networks import random_case
from tests.refused import refused

FITS = {"reset": "value", "strict": True}
TAIL = """
  expected: Intel Loihi: LIF in fixed function, 24-bit states, binary spikes
  do:       change these layers, or choose another target (`snn2hw targets` lists them)"""
ONE_SPIKE = "let it fire one spike of one amplitude a step (LIF, LNM)"


def start(net: Network, target: str = "loihi1", **options: Any) -> Compilation:
    return Compilation(net, load_target(target), Options(**options), sample_of(net))


class Spent(Pass):
    """Stands for a calibration that takes hours."""

    name: ClassVar[str] = "calibrate"
    says: ClassVar[str] = "hours"

    def run(self, c: Compilation) -> Compilation:
        raise AssertionError("calibration was begun")


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calibration that must not be reached."""
    monkeypatch.setattr(pipeline, "PIPELINE", tuple(Spent() if p.name == "calibrate" else p for p in PIPELINE))


def wrong_everywhere() -> Network:
    return network(
        2, image(1, 6, 6), conv("c1", "input", normal(0, 2, 1, 3, 3)), neuron("lnm", "c1", coefficients=((0.0, 0.5, 0.0, 0.1),)),
        average("mean", "lnm", 2), conv("c2", "mean", normal(1, 2, 2, 1, 1)), circulate("cf", "c2", **FITS),
        lif("fine", "c2", **FITS), add("both", "cf", "fine"), flatten("flat", "both"), linear("head", "flat", normal(2, 2, 8)),
        readout("head"),
    )  # fmt: skip


def test_everything_is_said_in_one_table_before_calibration(dear: None) -> None:
    text = (
        """the network does not fit the target 'loihi1'
  got:      input: synapses read 8 bits of it, a spike of the target carries 1; """
        "show events: samples [T, N, ...] of 0 and 1 in place of images or counts\n"
        """            lnm (LNM): P(u) has degree 3, so it multiplies its state by itself, which a neuron of the target cannot do
            lnm (LNM): reset='subtract', the target can do value
            lnm (LNM): strict=False, the target compares strict
            mean (AvgPool2d): synapses read 3 bits of it, a spike of the target carries 1; """
        "use a MaxPool2d, or a convolution with a stride, in place of the average\n"
        """            flat (Flatten): synapses read 3 bits of it, a spike of the target carries 1; """
        "put a neuron behind it, or give each branch a synapse of its own" + TAIL
    )
    with refused(UnsupportedError, text):
        run_pipeline(start(wrong_everywhere()))


def test_what_is_larger_than_the_chip_stands_in_the_same_table(monkeypatch: pytest.MonkeyPatch, dear: None) -> None:
    net = one_neuron(lif("fire", "fc", strict=True))
    small = replace(start(net), target=replace(load_target("loihi1"), facts={}))
    monkeypatch.setattr("snn2hw.passes.too_large.neurons_of", lambda target: (1, "here"))
    with pytest.raises(UnsupportedError) as caught:
        run_pipeline(small)
    reset, neurons = caught.value.got.splitlines()
    assert reset == "fire (LIF): reset='subtract', the target can do value"
    assert neurons.startswith(
        "fire (LIF) (2): the network has more neurons than a chip of the target 'loihi1': 2 neurons (use fewer"
    )
    fits = replace(small, real=one_neuron(lif("fire", "fc", **FITS)))
    monkeypatch.setattr(pipeline, "PIPELINE", PIPELINE)
    assert len(run_pipeline(fits, "capacity").findings) == 1  # alone it is no reason not to compile


def test_products_of_spikes_are_named_before_calibration(dear: None) -> None:
    with pytest.raises(UnsupportedError) as caught:
        run_pipeline(start(attending(), "loihi2"))
    assert [line.split(":")[0] for line in caught.value.got.splitlines()] == ["scores", "mixed"]


def test_a_recurrent_edge_carries_what_its_neuron_fires(dear: None) -> None:
    net = recurrent((linear("rec", "back", np.eye(2)),))
    cf = next(n for n in net.neurons)
    two = replace(cf, firing=circulate("cf", "fc").firing, **FITS)
    with pytest.raises(UnsupportedError) as caught:
        run_pipeline(start(replace(net, nodes=tuple(two if n is cf else n for n in net.nodes))))
    assert f"back (recurrent edge): synapses read 3 bits of it, a spike of the target carries 1; {ONE_SPIKE}" in caught.value.got


@pytest.mark.parametrize("degree", [2, 3])
def test_a_coefficient_of_zero_is_no_product(degree: int) -> None:
    zeros = (0.0, 0.5, *[0.0] * (degree - 1))
    net = one_neuron(neuron("fire", "fc", "LNM", (zeros,), **FITS))
    assert run_pipeline(start(net)).network.target == "loihi1"


def equation_neuron(square: bool, by_flag: bool) -> EquationNeuron:
    b = Builder("Mine", (State("v", (-2.0, 2.0), 0.0),))
    v = b.emit(Op.STATE, attrs=("v",))
    x = b.emit(Op.INPUT)
    half = b.emit(Op.MUL, v, b.constant(0.5))
    inside = b.emit(Op.MUL, v, v) if square else b.emit(Op.MUL, v, x)
    grown = b.emit(Op.ADD, half, x) if by_flag else b.emit(Op.ADD, half, inside)
    fired = b.emit(Op.FIRE, grown, b.constant(1.0), attrs=(False,))
    after = b.emit(Op.SUB, grown, b.emit(Op.MUL, fired, grown) if by_flag else fired)
    return EquationNeuron("mine", ("fc",), (2,), equation=b.equation(fired, [after]), parameters=(), source="mine (Mine)")


@pytest.mark.parametrize(
    ("square", "product"),
    [(True, "it multiplies a value that changes by itself"), (False, "it multiplies two values that change")],
)
def test_products_in_a_neuron_that_a_user_wrote_are_named_before_calibration(dear: None, square: bool, product: str) -> None:
    made = equation_neuron(square, by_flag=False)
    layers = linear("fc", "input", normal(0, 2, 3)), made, linear("head", "mine", np.eye(2))
    net = network(2, counts(3, hi=1), *layers, readout("head"))
    with refused(
        UnsupportedError,
        f"""the network does not fit the target 'loihi1'
  got:      mine (Mine): {product}, which a neuron of the target cannot do: Mine.step{TAIL}""",
    ):
        run_pipeline(start(net))


@pytest.mark.parametrize(("channels", "named"), [((0.0, 0.5), True), ((0.0, 0.0), False)])
def test_a_square_counts_where_any_channel_has_it(
    channels: tuple[float, ...], named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = Builder("Mine", (State("v", (-2.0, 2.0), 0.0),))
    v, x = b.emit(Op.STATE, attrs=("v",)), b.emit(Op.INPUT)
    squared = b.emit(Op.MUL, b.parameter("q"), b.emit(Op.MUL, v, v))
    grown = b.emit(Op.ADD, b.emit(Op.ADD, b.emit(Op.MUL, v, b.constant(0.5)), x), squared)
    fired = b.emit(Op.FIRE, grown, b.constant(1.0), attrs=(False,))
    form = b.equation(fired, [b.emit(Op.SUB, grown, fired)])
    made = EquationNeuron("mine", ("fc",), (2,), equation=form, parameters=(np.array(channels),), source="mine (Mine)")
    layers = linear("fc", "input", normal(0, 2, 3)), made, linear("head", "mine", np.eye(2))
    c = start(network(2, counts(3, hi=1), *layers, readout("head")))
    assert early(c) is named
    assert bool(late(c, monkeypatch)) is named


def test_a_product_with_a_spike_is_a_choice() -> None:
    made = equation_neuron(square=False, by_flag=True)
    layers = linear("fc", "input", normal(0, 2, 3)), made, linear("head", "mine", np.eye(2))
    net = network(2, counts(3, hi=1), *layers, readout("head"))
    assert target_lacks(Fold().run(start(net))) == []
    assert run_pipeline(start(net)).network.target == "loihi1"


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (lif("fire", "fc", firing=Single(1e-6)), "a threshold is finer than the state can tell"),
        (neuron("fire", "fc", coefficients=((0.0, 0.5, 1e15),)), "the polynomial does not fit the target's accumulator"),
        (circulate("fire", "fc", amplitudes=(1.0, 1e-30)), "an amplitude vanishes beside the others in an 8-bit spike value"),
    ],
)
def test_a_layer_that_no_calibration_makes_fit_has_the_error_it_had(dear: None, made: Any, what: str) -> None:
    with pytest.raises(WidthError) as caught:
        run_pipeline(start(one_neuron(made), "generic"))
    assert caught.value.what == what
    assert caught.value.where.startswith("fire (")


def early(c: Compilation) -> bool:
    return bool(target_lacks(Fold().run(c)))


def late(c: Compilation, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said where nobody asks before calibration; empty where the network compiles."""
    with monkeypatch.context() as patch:
        patch.setattr(capacity, "target_lacks", lambda c: [])
        try:
            run_pipeline(c)
        except Snn2hwError as error:
            return error.what
    return ""


def random_target(rng: np.random.Generator) -> Target:
    """Loihi 2 with some of what it can do taken away."""
    loihi2 = load_target("loihi2")
    limits = replace(
        loihi2.lowering,
        payload_bits=int(rng.choice([1, 2, 3, 8, 8, 24])),
        state_multiply=bool(rng.random() < 0.7),
        resets=("subtract", "value", "none") if rng.random() < 0.7 else ("value",),
        comparisons=("strict", "inclusive") if rng.random() < 0.7 else ("inclusive",),
    )
    return replace(loihi2, lowering=limits)


def refused_early_and_late(seeds: range, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
    """How many random networks are refused before calibration, how many behind it only, and how many fit."""
    found = [0, 0, 0]
    for seed in seeds:
        case = random_case(seed)
        c = Compilation(case.network, random_target(np.random.default_rng(seed)), case.options, case.sample)
        before, after = early(c), late(c, monkeypatch)
        assert not before or after, f"random_case({seed}) compiles and is refused"
        found[0 if before else 1 if after else 2] += 1
    print(f"{found[0]} refused before calibration, {found[1]} behind it only, {found[2]} fit")
    return found[0], found[1], found[2]


def test_nothing_is_refused_early_that_would_have_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    before, behind, fit = refused_early_and_late(range(6), monkeypatch)
    assert min(before, fit) > 0
    assert behind <= before


@pytest.mark.slow
def test_nothing_of_many_networks_is_refused_early_that_would_have_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    before, behind, fit = refused_early_and_late(range(6, 200), monkeypatch)
    assert min(before, fit) > 40
    assert behind < before / 4


def test_legalise_stays_the_last_word() -> None:
    done = run_pipeline(start(one_neuron(lif("fire", "fc", **FITS))))
    worse = replace(done, real=one_neuron(lif("fire", "fc")))
    with pytest.raises(UnsupportedError, match="the network does not fit the target 'loihi1'"):
        Legalise().run(worse)
