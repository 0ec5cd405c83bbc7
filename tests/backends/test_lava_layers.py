"""Random networks of layers that join, gate and enlarge on Lava's processes: every spike and state equal to the reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from snn2hw.backends import SIDE_EXECUTORS
from snn2hw.errors import Snn2hwError
from snn2hw.layers.concat import IntConcat
from snn2hw.passes.base import Options
from snn2hw.store import make_artefact
from snn2hw.verification.verdict import compare_executors
from tests.random_networks import LAYERED, compiled, payloads_of, random_case

LAVA = SIDE_EXECUTORS["lava"]
NETWORKS, MOST, SAMPLES = 20, 200, 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("lava_runs"),
]


def test_random_layers_are_equal_on_lava() -> None:
    kinds, ran = Counter[type](), 0
    for seed in range(LAYERED, LAYERED + MOST):
        case = replace(random_case(seed), target="loihi2", options=Options(16, 8, "auto"))
        try:
            net = compiled(case).network
        except Snn2hwError:
            continue  # wider than this target's integers
        if LAVA.supports(net):
            continue  # wider than Lava's ports, or an operation without a process
        verdict = compare_executors(make_artefact(net), payloads_of(case, net)[:, :SAMPLES], ["lava"])
        assert not verdict.not_run
        assert verdict.equal, f"random_case({seed}) on loihi2: {verdict.differences}"
        assert verdict.different == {"lava": 0}
        kinds.update(type(node) for node in net.nodes)
        ran += 1
        if ran == NETWORKS:
            break
    assert ran == NETWORKS, "hardly any of these networks fits Lava"
    print({kind.__name__: count for kind, count in kinds.items()})
    assert kinds[IntConcat], "no network of these joins two values"
