"""What a budget says is what the mixtures do; its ends are the float network and the compiled one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.diagnosis.mixed import Mixed
from snn2hw.diagnosis.parts import WEIGHTS
from snn2hw.errors import UsageError
from snn2hw.exploration.budget import Budget, assigned
from snn2hw.ir.network import Network, Reals
from snn2hw.passes.base import Options
from snn2hw.trace import Ints
from tests.hand_networks import artefact_of, counts, lif, linear, network, readout, recurrent, sample_of
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
    widths = (2, 4, 6, 8)
    assert assigned(errors, {"a": 10, "b": 10}, widths, 0.5) == {"a": 2, "b": 0}
    assert assigned(errors, {"a": 10, "b": 10}, widths, 1.0) == {"a": 3, "b": 3}
    assert assigned(errors, {"a": 10, "b": 10}, widths, 0.01) == {"a": 0, "b": 0}
    # That 4 bits lose less than 6 is chance: they count as 0.5, and b is asked first.
    lucky = {"a": [9.0, 0.0, 0.5, 0.0], "b": [9.0, 0.2, 0.2, 0.0]}
    assert assigned(lucky, {"a": 1, "b": 1}, widths, 0.75) == {"a": 3, "b": 1}


def test_what_is_left_is_within_the_share_and_seldom_far_from_the_best() -> None:
    rng, widths = np.random.default_rng(0), (2, 3, 4, 6, 8)
    worst = []
    for _ in range(40):
        names, numbers = "abcd", dict(zip("abcd", rng.integers(1, 100, 4).tolist(), strict=True))
        errors = {n: (rng.random() * 4.0 ** -np.array(widths)).tolist() for n in names}
        chosen = assigned(errors, numbers, widths, 0.6)
        limit = 0.6 * 8 * sum(numbers.values())
        every = [
            c for c in product(range(5), repeat=4) if sum(numbers[n] * widths[k] for n, k in zip(names, c, strict=True)) <= limit
        ]
        assert sum(numbers[n] * widths[k] for n, k in chosen.items()) <= limit
        best = min(sum(errors[n][k] for n, k in zip(names, c, strict=True)) for c in every)
        worst.append(sum(errors[n][k] for n, k in chosen.items()) / best)
    assert float(np.median(worst)) < 1.3


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
