"""What a budget says is what the mixtures do; its ends are the float network and the compiled one."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.diagnosis.mixed import Mixed
from snn2hw.diagnosis.parts import STATE, WEIGHTS, Quantiser
from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.exploration import measured
from snn2hw.exploration.budget_result import Budget, Effect, Row
from snn2hw.exploration.widths import Widths, assigned, widths_within
from snn2hw.ir.network import Current, Network, Reals
from snn2hw.passes.base import Options
from snn2hw.trace import Ints
from tests.hand_networks import add, artefact_of, counts, lif, linear, network, readout, recurrent, sample_of
from tests.refused import refused

WIDTHS = (3, 8)


def small() -> tuple[Network, Any, Any]:
    rng = np.random.default_rng(0)
    net = network(
        4, counts(7), linear("a", "input", rng.normal(0.2, 0.6, (9, 7))), lif("n", "a"),
        linear("b", "n", rng.normal(0.2, 0.6, (8, 9))), lif("m", "b"), linear("c", "m", rng.normal(0, 1, (4, 8))), readout("c"),
    )  # fmt: skip
    x = (rng.random((4, 30, 7)) < 0.5).astype(np.float64)
    return net, x, np.arange(30) % 4


def budget_of(net: Network, x: Any, y: Any, **more: Any) -> Budget:
    return snn2hw.budget(net, x, y, weight_bits=WIDTHS, sample=x, layout="TN", executor="reference", **more)


@pytest.fixture(scope="module")
def made() -> tuple[Network, Any, Any, Budget]:
    net, x, y = small()
    return net, x, y, budget_of(net, x, y)


def test_its_ends_are_the_float_network_and_the_compiled_one(made: tuple[Network, Any, Any, Budget]) -> None:
    net, x, y, found = made
    artefact = artefact_of(net, x)
    measured = snn2hw.evaluate(artefact, x, y, net, "reference", layout="TN")
    assert (found.samples, found.accuracy, found.whole.accuracy) == (30, measured.float_accuracy, measured.accuracy)
    layers = measured.layers.values()
    values = sum(round(each.mismatches / each.spike_mismatch) for each in layers if each.spike_mismatch)
    assert sum(each.mismatches for each in layers) > 0
    assert found.whole.flips == pytest.approx(sum(each.mismatches for each in layers) / values)
    assert found.whole.same_prediction == measured.same_prediction
    assert found.proposal.uniform == measured.accuracy
    mixed = artefact_of(net, x, layer_bits=found.proposal.layer_bits)
    assert found.proposal.accuracy == snn2hw.evaluate(mixed, x, y, executor="reference", layout="TN").accuracy


def test_every_row_is_what_the_mixture_does_from_the_beginning(made: tuple[Network, Any, Any, Budget]) -> None:
    net, x, _, found = made
    floats = fired(Mixed.of(artefact_of(net, x), net), x, {})
    total = sum(v.size for v in floats.values())
    rows = [row for row in found.rows if row.quantiser.part == WEIGHTS and row.quantiser.layer != "readout"]
    assert [(row.quantiser.layer, row.bits) for row in rows] == list(product("nm", WIDTHS))
    for row in rows:
        mixed = Mixed.of(artefact_of(net, x, weight_bits=row.bits), net)
        own = fired(mixed, x, {row.quantiser.layer: frozenset({WEIGHTS})})
        assert row.alone.flips == sum(int((own[n] != floats[n]).sum()) for n in floats) / total
    assert [row.alone.flips for row in rows] != [0.0] * len(rows)


def fired(mixed: Mixed, x: Any, on: Any) -> dict[str, Reals]:
    found: dict[str, list[Reals]] = {}

    def seen(name: str, t: int, given: Reals, raw: Ints, out: Reals) -> None:
        found.setdefault(name, []).append(out)

    mixed.run(x, on, False, seen)
    return {name: np.stack(each) for name, each in found.items()}


@pytest.mark.slow
def test_with_an_edge_back_every_mixture_runs_from_the_beginning() -> None:
    net = recurrent()
    x = sample_of(net)
    found = budget_of(net, x, np.zeros(x.shape[1], np.int64))
    measured = snn2hw.evaluate(artefact_of(net, x), x, np.zeros(x.shape[1], np.int64), net, "reference", layout="TN")
    assert found.whole.accuracy == measured.accuracy
    assert found.whole.same_prediction == measured.same_prediction


def test_widths_are_given_where_they_lose_least() -> None:
    """Layer a loses 9 at 2 bits and 1 at 4, b next to nothing at 2: half of the bits are 6 for the one and 2 for the other."""
    errors = {"a": [9.0, 1.0, 0.5, 0.0], "b": [0.1, 0.1, 0.1, 0.0]}
    of_each = dict.fromkeys("ab", (2, 4, 6, 8))
    assert assigned(errors, {"a": 10, "b": 10}, of_each, 0.5) == {"a": 2, "b": 0}
    assert assigned(errors, {"a": 10, "b": 10}, of_each, 1.0) == {"a": 3, "b": 3}
    assert assigned(errors, {"a": 10, "b": 10}, of_each, 0.01) == {"a": 0, "b": 0}
    # That 4 bits lose less than 6 is chance: they count as 0.5, and b is asked first.
    lucky = {"a": [9.0, 0.0, 0.5, 0.0], "b": [9.0, 0.2, 0.2, 0.0]}
    assert assigned(lucky, {"a": 1, "b": 1}, of_each, 0.75) == {"a": 3, "b": 1}


def test_what_is_left_is_within_the_share_and_seldom_far_from_the_best() -> None:
    rng, widths = np.random.default_rng(0), (2, 3, 4, 6, 8)
    worst = []
    for _ in range(40):
        names, numbers = "abcd", dict(zip("abcd", rng.integers(1, 100, 4).tolist(), strict=True))
        errors = {n: (rng.random() * 4.0 ** -np.array(widths)).tolist() for n in names}
        chosen = assigned(errors, numbers, dict.fromkeys(names, widths), 0.6)
        limit = 0.6 * 8 * sum(numbers.values())
        every = [
            c for c in product(range(5), repeat=4) if sum(numbers[n] * widths[k] for n, k in zip(names, c, strict=True)) <= limit
        ]
        assert sum(numbers[n] * widths[k] for n, k in chosen.items()) <= limit
        best = min(sum(errors[n][k] for n, k in zip(names, c, strict=True)) for c in every)
        worst.append(sum(errors[n][k] for n, k in chosen.items()) / best)
        kept = sum(numbers[n] * widths[k] for n, k in chosen.items())
        room = [(n, to) for n, at in chosen.items() for to in range(at + 1, 5) if errors[n][to] < errors[n][at]]
        assert not [(n, to) for n, to in room if kept + numbers[n] * (widths[to] - widths[chosen[n]]) <= limit]
    assert float(np.median(worst)) < 1.1
    assert max(worst) < 4


def test_a_synapse_that_two_layers_read_is_counted_once() -> None:
    """n and m read conv a, so that they have one width: a, 12 weights, and b, 8, are kept at 3 bits for 40 % of 8."""
    net = network(
        2, counts(4), linear("a", "input", np.ones((3, 4))), lif("n", "a"), lif("m", "a"), linear("b", "n", np.ones((2, 3))),
        linear("c", "m", np.ones((2, 3))), add("both", "b", "c"), readout("both"),
    )  # fmt: skip
    none = Effect(0.0, 0.0, 0.0, 0.0)
    rows = [
        Row(Quantiser(layer, WEIGHTS), bits, replace(none, error=error), None)
        for layer, errors in (("n", (0.5, 0.0)), ("m", (0.5, 0.0)), ("readout", (0.1, 0.0)))
        for bits, error in zip(WIDTHS, errors, strict=True)
    ]
    assert widths_within(net, rows, 0.9) == Widths({"a": 8, "b": 3, "c": 3}, {}, 12 * 8 + 12 * 3, 24 * 8)
    assert widths_within(net, rows, 0.6).layer_bits == {"a": 3, "b": 3, "c": 3}


def test_states_have_widths_of_their_own_beside_weights() -> None:
    """n has 3 states, m 3 with a current besides, 6: the states of n lose least for each bit, then the weights of a.

    With those of a the share has room again for the states of n, of which a part of the bits would do no good.
    """
    net = network(
        2, counts(4), linear("a", "input", np.ones((3, 4))), lif("n", "a"), linear("b", "n", np.ones((3, 3))),
        lif("m", "b", current=Current(np.array([0.5]), (-2.0, 2.0))), readout("m"),
    )  # fmt: skip
    none = Effect(0.0, 0.0, 0.0, 0.0)
    lost = {("n", WEIGHTS): (3, 0.5), ("m", WEIGHTS): (3, 0.9), ("n", STATE): (8, 0.01), ("m", STATE): (8, 0.8)}
    rows = [
        Row(Quantiser(*key), bits, replace(none, error=error), None)
        for key, (narrow, loss) in lost.items()
        for bits, error in ((narrow, loss), (8 if key[1] == WEIGHTS else 16, 0.0))
    ]
    whole, parts = (12 + 9) * 8 + (3 + 6) * 16, (WEIGHTS, STATE)
    found = widths_within(net, rows, 0.99, parts)
    assert found == Widths({"a": 8, "b": 8}, {"n": 8, "m": 16}, whole - 3 * 8, whole)
    found = widths_within(net, rows, 0.9, parts)
    assert found == Widths({"a": 3, "b": 8}, {"n": 16, "m": 16}, whole - 12 * 5, whole)
    assert widths_within(net, rows, 0.5, (STATE,)) == Widths({}, {"n": 8, "m": 8}, 9 * 8, 9 * 16)


def test_a_budget_of_several_widths_of_states(made: tuple[Network, Any, Any, Budget]) -> None:
    net, x, y, single = made
    found = budget_of(net, x, y, state_bits=(8, 16), memory=0.7)
    assert [(r.quantiser.layer, r.bits) for r in found.rows if r.quantiser.part == STATE] == list(product("nm", (8, 16)))
    known = {(r.quantiser, r.bits): r for r in single.rows}
    assert all(known[r.quantiser, r.bits] == r for r in found.rows if (r.quantiser, r.bits) in known)
    for row in (r for r in found.rows if (r.quantiser, r.bits) not in known):
        assert (row.quantiser.part, row.bits, row.without) == (STATE, 8, None)
        mixed = Mixed.of(artefact_of(net, x, state_bits=8), net)
        own, floats = fired(mixed, x, {row.quantiser.layer: frozenset({STATE})}), fired(mixed, x, {})
        assert row.alone.flips == sum(int((own[n] != floats[n]).sum()) for n in own) / sum(v.size for v in own.values())
    p = found.proposal
    assert set(p.layer_bits) == {"a", "b", "c"}
    assert set(p.layer_state_bits) == {"n", "m"}
    assert p.widest == (7 * 9 + 9 * 8 + 8 * 4) * 8 + (9 + 8) * 16
    assert p.within
    artefact = artefact_of(net, x, layer_bits=p.layer_bits, layer_state_bits=p.layer_state_bits)
    assert p.accuracy == snn2hw.evaluate(artefact, x, y, executor="reference", layout="TN").accuracy
    assert budget_of(net, x, y, state_bits=(16,)).to_document() == single.to_document()


def test_a_proposal_beyond_what_was_asked_for_says_so(made: tuple[Network, Any, Any, Budget]) -> None:
    net, x, y, within = made
    assert within.proposal.within
    with pytest.warns(Snn2hwWarning) as told:
        found = budget_of(net, x, y, memory=0.2)
    assert (found.proposal.share, found.proposal.asked, found.proposal.within) == (3 / 8, 0.2, False)
    assert str(told[0].message) == (
        "no choice of these widths keeps as few bits as were asked for\n"
        "  where:    memory\n"
        "  got:      37.5 % of the bits, with every layer at its smallest width\n"
        "  expected: at most 20 %\n"
        "  do:       give narrower widths (weight_bits, state_bits), or allow more of the bits (memory, --memory)"
    )
    assert found.to_document()["proposal"]["within"] is False


@pytest.mark.parametrize("states", [16, (8, 16)])
def test_a_network_without_weights(states: Any, recwarn: pytest.WarningsRecorder) -> None:
    """Nothing is left out of nothing, which is no more than was asked for."""
    net = network(2, counts(4), lif("n", "input"), readout("n"))
    x = (np.random.default_rng(0).random((2, 12, 4)) < 0.5).astype(np.float64)
    p = budget_of(net, x, np.arange(12) % 4, state_bits=states, memory=0.6).proposal
    some = isinstance(states, tuple)
    assert (p.bits, p.widest, p.share, p.within) == ((4 * 8, 4 * 16, 0.5, True) if some else (0, 0, 1.0, True))
    assert (p.layer_bits, p.layer_state_bits) == ({}, {"n": 8} if some else {})
    assert not recwarn.list


def test_each_choice_of_widths_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The widest, each narrower one, and the proposal."""
    net, x, y = small()
    passes, ran = measured.api.run_passes, list[Options]()

    def counted(network: Network, sample: Any, target: str, options: Options, **more: Any) -> Any:
        ran.append(options)
        return passes(network, sample, target, options, **more)

    monkeypatch.setattr(measured.api, "run_passes", counted)
    found = budget_of(net, x, y)
    assert [o.weight_bits for o in ran if not o.layer_bits] == [8, 3]
    assert [dict(o.layer_bits) for o in ran if o.layer_bits] == [found.proposal.layer_bits]


def test_a_table_and_a_document(made: tuple[Network, Any, Any, Budget]) -> None:
    found = made[3]
    lines = found.to_csv().splitlines()
    assert len(lines) == 1 + len(found.rows)
    assert lines[1].startswith(f"n,weights,3,{found.rows[0].alone.flips}")
    said = found.to_document()
    assert said["proposal"]["share"] == found.proposal.bits / found.proposal.widest <= 0.6
    assert said["rows"][0]["quantiser"] == {"layer": "n", "part": "weights"}


@pytest.mark.slow
def test_a_chart_has_a_bar_for_each_quantiser_that_does_something(made: tuple[Network, Any, Any, Budget]) -> None:
    pytest.importorskip("matplotlib")
    from snn2hw import plot

    found = made[3]
    axes = plot.budget(found)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [
        f"{r.quantiser}" + (f", {r.bits} bits" if r.bits else "") for r in found.rows if r.alone.error or r.alone.flips
    ]
    widths = [patch.get_width() for patch in axes.patches]
    assert widths[0] == pytest.approx(100 * found.rows[0].alone.error)


@pytest.mark.slow
def test_two_processes_find_the_same(made: tuple[Network, Any, Any, Budget]) -> None:
    net, x, y, found = made
    assert budget_of(net, x, y, workers=2).to_document() == found.to_document()


def test_what_is_refused() -> None:
    net, x, y = small()
    with refused(
        UsageError,
        """
        this is no share of memory
          where:    memory
          got:      1.5
          expected: above 0, up to 1
          do:       give 0.6 for 60 %
        """,
    ):
        budget_of(net, x, y, memory=1.5)
    with refused(
        UsageError,
        """
        an error budget needs classes
          where:    labels
          got:      real values
          expected: whole numbers [N]
          do:       give the classes of the samples
        """,
    ):
        budget_of(net, x, np.random.default_rng(0).random((30, 4)))
    with pytest.raises(UsageError, match="there is no width to try"):
        snn2hw.budget(net, x, y, weight_bits=())
    with pytest.raises(UsageError, match="weight_bits is out of range"):
        snn2hw.budget(net, x, y, weight_bits=(1, 8))
    assert Options(16, 8).layer_bits == ()
