"""Both ends of the mixture: with no quantiser it is the float network, with all of them the integers, value for value."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.backends.reference import interpret
from snn2hw.diagnosis.mixed import Mixed, all_on
from snn2hw.diagnosis.parts import ALL, COEFFICIENTS, NONE, THRESHOLDS, WEIGHTS, quantisers_of
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Circulate, Current, Network, Reals
from snn2hw.ir.real import run_real
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.hand_networks import artefact_of, circulate, counts, lif, linear, network, readout
from tests.random_equations import make_neuron, neuron_source
from tests.random_networks import ATTENTION, LATE, LAYERED, RECURRENT, STEPPED, random_case, target_of

KINDS = {"plain": 0, "recurrent": RECURRENT, "attention": ATTENTION, "stepped": STEPPED, "layered": LAYERED, "late": LATE}
ROUNDED = 1e-9  # of the largest readout: sums of floats are added in another order


def compiled(seed: int) -> tuple[Mixed, npt.NDArray[np.float64]] | None:
    """A random network with its integers; None where it has none."""
    case = random_case(seed)
    try:
        c = run_pipeline(Compilation(case.network, target_of(case.target), case.options, case.sample))
    except (UnsupportedError, WidthError):
        return None
    return Mixed.of(make_artefact(c.network, {"options": {}}), case.network), np.asarray(case.sample, np.float64)


def check(mixed: Mixed, x: npt.NDArray[np.float64], where: object) -> None:
    found: dict[str, list[Reals]] = {}

    def seen(name: str, t: int, entering: Reals, raw: Ints, out: Reals) -> None:
        found.setdefault(name, []).append(out)

    all_integers = mixed.run(x, all_on(mixed), True, seen)
    ran = interpret(mixed.net, encode(mixed.net, x))
    for name, values in found.items():
        unit = 2.0 ** -mixed.made[name].format.frac
        np.testing.assert_array_equal(np.stack(values), ran.spikes[name] * unit, f"{where}: {name}")
    integers = ran.readout * mixed.readout_scale * mixed.real.readout.share
    np.testing.assert_allclose(all_integers, integers, 0, ROUNDED * max(1.0, float(np.abs(integers).max())), err_msg=str(where))
    found.clear()
    floats: dict[str, list[Reals]] = {}
    given = mixed.run(x, {}, False, seen)
    meant = run_real(mixed.real, x, lambda node, inputs, value: floats.setdefault(node.name, []).append(value))
    np.testing.assert_array_equal(given, meant * mixed.real.readout.share, str(where))
    for name, values in found.items():
        np.testing.assert_array_equal(np.stack(values), np.stack(floats[name]), f"{where}: {name}")


@pytest.mark.parametrize("kind", ["plain", "recurrent"])
def test_both_ends_of_a_random_network(kind: str) -> None:
    made = compiled(KINDS[kind] + 3)
    assert made is not None
    check(*made, kind)


@pytest.mark.parametrize("reach", [2.0, 1000.0])
def test_both_ends_with_a_current_that_is_coarser_than_the_membrane(reach: float) -> None:
    """Of so wide a current a unit is many of the membrane, and what the program rounds of it, too."""
    fires = lif("n", "fc", 0.9, state_range=(-1.25, 1.25), current=Current(np.array([0.83]), (-reach, reach)))
    fc = linear("fc", "input", np.random.default_rng(0).normal(0, 0.3, (6, 5)))
    net = network(20, counts(5), fc, fires, linear("out", "n", np.eye(6)[:2]), readout("out"))
    x = (np.random.default_rng(1).random((20, 30, 5)) < 0.5).astype(np.float64)
    check(Mixed.of(artefact_of(net, x), net), x, reach)


def test_both_ends_with_negative_amplitudes_that_rounding_moves_apart() -> None:
    """Each level's is an integer of its own: no factor of the positive ones gives all of them."""
    amplitudes = (0.85, 0.37)
    fires = lif("n", "fc", firing=Circulate((0.5, 0.5), amplitudes, True, negative=0.61))
    net = network(6, counts(5), linear("fc", "input", np.random.default_rng(0).normal(0, 1, (6, 5))), fires,
                  linear("out", "n", np.eye(6)[:2]), readout("out"))  # fmt: skip
    x = (np.random.default_rng(1).random((6, 20, 5)) < 0.5).astype(np.float64)
    mixed = Mixed.of(artefact_of(net, x), net)
    unit = 2.0 ** -mixed.made["n"].format.frac
    raw = [round(a / unit) for a in amplitudes] + [round(0.61 * a / unit) for a in amplitudes]
    assert raw[0] * raw[3] != raw[1] * raw[2]
    check(mixed, x, "negative")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_both_ends_of_random_networks(kind: str) -> None:
    tried = [(seed, compiled(KINDS[kind] + seed)) for seed in range(60)]
    for seed, made in tried:
        if made is not None:
            check(*made, f"{kind} {seed}")
    assert sum(made is not None for _, made in tried) > 40


def of_user(seed: int) -> tuple[Mixed, npt.NDArray[np.float64]] | None:
    """A network with a neuron of a user's own."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(nn.Linear(5, 3), make_neuron(neuron_source(seed), 3), nn.Linear(3, 2)).eval()
    x = (np.random.default_rng(seed).random((5, 6, 5)) < 0.5).astype(np.float64)
    try:
        real = snn2hw.trace_model(model, x)
        c = run_pipeline(Compilation(real, target_of("generic"), Options(), x))
    except (UnsupportedError, WidthError):
        return None
    assert isinstance(real, Network)
    return Mixed.of(make_artefact(c.network, {"options": {}}), real), x


def test_both_ends_of_a_users_neuron() -> None:
    made = of_user(3)
    assert made is not None
    check(*made, "a user's neuron")


def test_numbers_of_an_equation_cannot_be_float_while_the_state_is_rounded() -> None:
    """With the state rounded the program runs, and its numbers are integers: no budget, no diagnosis says otherwise."""
    made = of_user(3)
    assert made is not None
    mixed, x = made
    (name,) = mixed.neurons
    for part in (COEFFICIENTS, THRESHOLDS):
        without = [mixed.fired_by(name, x, all_on(mixed, {name: off}), True, {}) for off in (frozenset({part}), NONE)]
        np.testing.assert_array_equal(*without)
    artefact, labels = make_artefact(mixed.net, {"options": {}}), np.arange(6) % 2
    given: dict[str, Any] = {"weight_bits": (8,), "memory": 1.0, "sample": x, "layout": "TN", "executor": "reference"}
    rows = snn2hw.budget(mixed.real, x, labels, **given).rows
    parts = {r.quantiser.part: r.without for r in rows if r.quantiser.layer == name}
    assert {part for part, without in parts.items() if without is None} == {COEFFICIENTS, THRESHOLDS}
    ran = interpret(mixed.net, encode(mixed.net, x))
    ran.spikes[name][1, 2, 0] += 2 ** mixed.made[name].format.frac  # a spike that nothing explains
    found = snn2hw.diagnose(artefact, x, mixed.real, trace=ran, layout="TN", executor="reference")
    empty = {e.switch for e in found.evidence if e.back is None}
    assert empty == {f"{COEFFICIENTS} of {name}", f"{THRESHOLDS} of {name}"}


@pytest.mark.slow
def test_both_ends_of_users_neurons() -> None:
    tried = [(seed, of_user(seed)) for seed in range(60)]
    for seed, made in tried:
        if made is not None:
            check(*made, f"a user's neuron {seed}")
    assert sum(made is not None for _, made in tried) > 40


def small() -> Network:
    fc = linear("fc", "input", [[1.0, 0.3]])
    return network(1, counts(2), fc, lif("n", "fc"), linear("out", "n", [[1.0], [-1.0]]), readout("out"))


def test_with_weights_alone_a_neuron_is_given_what_3_bits_hold() -> None:
    """1.0 is two units of 3 bits, so that 0.3 is one of them: a half."""
    net, x = small(), np.array([[[0.0, 1.0], [1.0, 1.0]]])
    mixed = Mixed.of(artefact_of(net, x, weight_bits=3), net)
    given: list[Reals] = []
    threshold = mixed.neurons["n"].step

    def step(states: Any, entering: Reals, *rest: Any) -> Any:
        given.append(entering)
        return threshold(states, entering, *rest)

    mixed.neurons["n"].step = step  # type: ignore[method-assign]
    mixed.run(x, {"n": frozenset({WEIGHTS})}, True)
    mixed.run(x, {}, True)
    np.testing.assert_array_equal(np.ravel(given[0]), [0.5, 1.5])
    np.testing.assert_array_equal(np.ravel(given[1]), [0.3, 1.3])


def test_with_weights_alone_an_amplitude_stays_that_of_the_floats() -> None:
    """Integers hold 0.3 as an eighth of something; the weight behind it, 1.0, they hold exactly: 0.3 enters, and no less."""
    first = circulate("n", "fc", amplitudes=(0.3,), signed=False)
    layers = linear("fc", "input", [[2.0, 2.0]]), first, linear("mid", "n", [[1.0]]), lif("m", "mid")
    net, x = network(1, counts(2), *layers, linear("out", "m", [[1.0], [-1.0]]), readout("out")), np.ones((1, 1, 2))
    mixed = Mixed.of(artefact_of(net, x, target="generic"), net)
    given: list[Reals] = []
    step = mixed.neurons["m"].step

    def seen(states: Any, entering: Reals, *rest: Any) -> Any:
        given.append(entering)
        return step(states, entering, *rest)

    mixed.neurons["m"].step = seen  # type: ignore[method-assign]
    mixed.run(x, {"m": frozenset({WEIGHTS})}, True)
    assert mixed.made["n"].format.frac < 20
    np.testing.assert_allclose(np.ravel(given[0]), [0.3], atol=1e-9)


def test_every_quantiser_is_one_of_a_layer_that_has_it() -> None:
    found = list(quantisers_of(artefact_of(small(), np.ones((1, 4, 2))).network))
    assert str(found[0]) == "weights of n"  # whole numbers enter: there is no rounding of the input
    assert {q.part for q in found if q.layer == "n"} == ALL
    assert str(found[-1]) == "weights of readout"
