from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.ir.network import Network, Neuron, Reals
from snn2hw.ir.real import run_real
from snn2hw.ir.shapes import Window
from snn2hw.layers import Conv2d
from snn2hw.layers.windows import patches
from snn2hw.passes import calibrate, pipeline
from snn2hw.passes.base import Compilation, Observation, Options
from snn2hw.passes.calibrate import Calibrate, bytes_of_sample, products
from snn2hw.run.job import Job
from snn2hw.target import load_target
from tests.hand_networks import (
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    image,
    lif,
    linear,
    network,
    normal,
    readout,
    samples,
)


def observed(net: Network, x: Reals, step: Calibrate | None = None) -> dict[str, Observation]:
    start = Compilation(net, load_target("generic"), Options(), x)
    return dict((step or Calibrate()).run(start).observed)


def temporal() -> Network:
    return network(
        4,
        counts(5, hi=3),
        linear("fc", "input", normal(1, 6, 5)),
        lif("fire", "fc"),
        linear("head", "fire", normal(2, 2, 6)),
        readout("head"),
    )


def test_every_synapse_and_neuron_is_observed_and_nothing_else() -> None:
    net, x = every_kind(), every_kind_sample()
    seen = observed(net, x)
    assert {k for k, o in seen.items() if o.rows is not None} == {"conv1", "conv2", "fc", "head"}
    assert {k for k, o in seen.items() if o.rate is not None} == {"lnm", "cf", "fire", "lif"}
    assert len(seen) == 8


def test_rates_are_shares_of_nonzero_payloads() -> None:
    net, x = every_kind(), every_kind_sample()
    fired: dict[str, list[float]] = {}
    run_real(
        net,
        x,
        lambda n, i, v: fired.setdefault(n.name, []).append(np.count_nonzero(v) / v.size) if isinstance(n, Neuron) else None,
    )
    for name, rates in fired.items():
        got = observed(net, x)[name].rate
        assert got is not None
        assert abs(got - sum(rates) / len(rates)) < 1e-12
        assert 0 < got < 1


def test_rows_of_a_linear_layer_are_rows_of_the_sample_at_every_step() -> None:
    net = temporal()
    x = np.random.default_rng(0).integers(0, 4, (4, 7, 5)).astype(np.float64)
    rows = observed(net, x, Calibrate(rows=100))["fc"].rows
    assert rows is not None
    assert rows.shape == (1, 100, 5)
    for t in range(4):
        known = {tuple(r) for r in x[t].tolist()}
        assert all(tuple(r) in known for r in rows[0, 25 * t : 25 * (t + 1)].tolist())


def test_rows_of_a_convolution_are_its_fan_ins_per_group() -> None:
    window = Window((2, 2), stride=(2, 1), padding=(1, 0))
    node = conv("conv", "input", normal(1, 4, 2, 2, 2), window=window, groups=2)
    net = network(1, image(4, 3, 3), node, flatten("flat", "conv"), readout("flat"))
    seen = Calibrate(rows=50)
    x = samples(1, 3, 4, 3, 3)
    assert isinstance(net.nodes[1], Conv2d)
    start = Compilation(net, load_target("generic"), Options(), x)
    rows = seen.run(start).observed["conv"].rows
    assert rows is not None
    assert rows.shape == (2, 50, 8)
    every = patches(x, window, 2)
    for group in range(2):
        known = {tuple(r) for r in every[:, group].reshape(-1, 8).tolist()}
        assert all(tuple(r) in known for r in rows[group].tolist())
        assert len({tuple(r) for r in rows[group].tolist()}) > 5


def test_only_so_many_samples_are_run() -> None:
    net, x = every_kind(), every_kind_sample(6)
    other = x.copy()
    other[2:] = 1.0 - other[2:]
    few = Calibrate(samples=2)
    a, b = observed(net, x, few), observed(net, other, few)
    assert all(a[k].rate == b[k].rate and np.array_equal(a[k].rows, b[k].rows) for k in a)
    assert any(observed(net, x)[k].rate != observed(net, other)[k].rate for k in ("lnm", "cf"))


def test_samples_are_limited_along_n_for_temporal_input_too() -> None:
    x = np.zeros((4, 3, 5))
    x[:, 2] = 3.0
    rows = observed(temporal(), x, Calibrate(samples=2))["fc"].rows
    assert rows is not None
    assert not rows.any()


def test_a_large_network_is_shown_fewer_samples_spread_evenly() -> None:
    net, x = every_kind(), every_kind_sample(6)
    work = products(net) * net.steps
    for budget, expected in ((6 * work, 6), (3 * work, 3), (work // 2, 1)):
        step = Calibrate(products=budget)
        assert step.shown(net, 6) == expected
        few, all_of_them = observed(net, x, step), observed(net, x[[6 * k // expected for k in range(expected)]])
        assert all(np.array_equal(few[k].rows, all_of_them[k].rows) and few[k].rate == all_of_them[k].rate for k in few)


def test_products_are_counted_by_hand() -> None:
    node = conv("conv", "input", normal(1, 4, 2, 3, 3), window=Window((3, 3)), groups=2)
    net = network(1, image(4, 5, 6), node, flatten("flat", "conv"), readout("flat"))
    assert products(net) == 4 * 3 * 4 * (2 * 9)


def test_batches_keep_as_many_rows_and_the_same_rates() -> None:
    net, x = every_kind(), every_kind_sample(5)
    whole, parts = observed(net, x), observed(net, x, Calibrate(memory=2 * bytes_of_sample(net)))
    for name, seen in whole.items():
        rows, rate = parts[name].rows, parts[name].rate
        if seen.rows is not None:
            assert rows is not None
            assert seen.rows.shape[1] <= rows.shape[1] <= seen.rows.shape[1] + 3 * net.steps
        if seen.rate is not None:
            assert rate is not None
            assert abs(rate - seen.rate) < 1e-12


def test_the_draw_is_the_same_every_time_and_another_with_another_seed() -> None:
    net, x = every_kind(), every_kind_sample()
    a, b, c = (observed(net, x, Calibrate(seed=s))["conv1"].rows for s in (0, 0, 1))
    assert np.array_equal(a, b)  # type: ignore[arg-type]
    assert not np.array_equal(a, c)  # type: ignore[arg-type]


def test_the_networks_themselves_are_untouched() -> None:
    net, x = every_kind(), every_kind_sample()
    done = compiled(net, x, stop_after="calibrate")
    assert [n.name for n in done.real.nodes] == [n.name for n in net.nodes]
    assert done.integer is None


@pytest.mark.parametrize(("net", "x"), [(every_kind(), every_kind_sample(7)), (temporal(), samples(3, 4, 7, 5))])
def test_batches_in_any_processes_are_drawn_as_in_one(net: Network, x: Reals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process draws what the others draw for the batches before its own, so that nothing depends on who does which."""
    step = Calibrate(memory=2 * bytes_of_sample(net), rows=50)
    whole = observed(net, x, step)
    began: list[tuple[Job, dict[int, Any], dict[int, Any]]] = []

    @contextmanager
    def by_turns(job: Job, parts: Any, workers: int, cluster: None) -> Iterator[Any]:
        """Two processes, each of which does every other batch."""
        hands, given = [job.begin(job.given) for _ in range(2)], dict(parts)
        made = {k: hands[k % 2]((k, part)) for k, part in given.items()}
        began.append((job, given, made))
        yield iter(made.values())

    monkeypatch.setattr(calibrate, "results", by_turns)
    other = observed(net, x, step)
    ((job, given, made),) = began
    assert len(given) == 4
    for name, seen in whole.items():
        assert seen.rate == other[name].rate
        np.testing.assert_array_equal(seen.rows, other[name].rows)
    again = job.begin(job.given)  # one that has the batch of a lost one put before it later
    for k in (3, 1):
        for name, rows in again((k, given[k])).rows.items():
            np.testing.assert_array_equal(np.concatenate(rows, 1), np.concatenate(made[k].rows[name], 1))


@pytest.mark.slow
def test_two_processes_compile_the_same() -> None:
    net, x = every_kind(), every_kind_sample(7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pipeline, "PIPELINE", tuple(Calibrate(memory=1) if isinstance(p, Calibrate) else p for p in pipeline.PIPELINE)
        )
        one, two = (snn2hw.compile(net, x, workers=n) for n in (1, 2))
    assert one.model == two.model
