"""Whatever the values of programs are called, the integers, the claims and what is learned are the same."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from snn2hw.artefact import CERTIFICATE
from snn2hw.backends.reference import interpret
from snn2hw.certificate.certify import certify
from snn2hw.checker.check import check_claims
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.formats.nir.write import to_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.passes import lower
from snn2hw.store import make_artefact
from snn2hw.verification.verdict import compare_executors
from tests.random_networks import RECURRENT, STEPPED, compiled, payloads_of, random_case
from tests.renaming import Renaming
from tests.test_random_networks import available

COUNT, SLOW_CHUNKS, SLOW_COUNT = 6, 8, 200
SEEN = ("tau", "r", "v_leak", "v_threshold", "v_reset", "weight", "bias", "tau_syn", "tau_mem", "w_in")
SLOW_LEARNED_CHUNKS, SLOW_LEARNED = 8, 200


def seeds(first: int, count: int) -> list[int]:
    """Networks of every kind in turn."""
    return [n + (0, 0, STEPPED, RECURRENT)[n % 4] for n in range(first, first + count)]


def nir_of(net: IntegerNetwork) -> Any:
    """What others see of the exported network; the programs themselves stand in its metadata."""
    nir = pytest.importorskip("nir")
    try:
        file = to_nir(net)
    except UnsupportedError as error:
        return error.what
    graph = nir.read(io.BytesIO(file.data))
    fields = {name: {k: np.asarray(v).tolist() for k, v in vars(n).items() if k in SEEN} for name, n in graph.nodes.items()}
    return [fields, graph.edges, dict(file.approximations)]


def assert_names_do_not_matter(seed: int, monkeypatch: pytest.MonkeyPatch, widest: int | None = None) -> bool:
    """Whether the network could be compiled. Claims are compared for states up to `widest` bits."""
    case, renaming = random_case(seed), Renaming(seed)
    try:
        own = compiled(case).network
    except (WidthError, UnsupportedError):
        return False
    with monkeypatch.context() as patched:
        patched.setattr(lower, "lowered", renaming)
        other = compiled(case).network
    for node in own.neurons:  # one that was put in place of a lowered one, as recurrent networks have, keeps its names
        if any(n.name == node.name and n.program == node.program for n in other.neurons):
            renaming.names.pop(node.name, None)
    payloads = payloads_of(case, own)
    expected, got = interpret(own, payloads), interpret(other, payloads)
    assert got.readout.tolist() == expected.readout.tolist()
    for name, spikes in expected.spikes.items():
        assert np.array_equal(got.spikes[name], spikes), name
    for node in own.neurons:
        names = renaming.names.get(node.name, {})
        for state in node.program.states:
            new = f"{node.name}.{names.get(state, state)}"
            assert np.array_equal(got.states[new], expected.states[f"{node.name}.{state}"]), new
    artefact = make_artefact(other)
    verdict = compare_executors(artefact, payloads, [e for e in available() if e != "fast" or seed % 4 == 0])
    assert not verdict.differences, verdict.differences[0]
    assert nir_of(other) == nir_of(own)
    if widest is not None and case.options.state_bits > widest:  # every state is tried: seconds for 24 bits
        return True
    before, after = (certify(net, make_artefact(net).model) for net in (own, other))
    for claimed, now in zip(before["layers"], after["layers"], strict=True):
        assert renaming.undone(now) == claimed, claimed["layer"]
    found = check_claims(artefact.model, json.loads(json.dumps(after)), CERTIFICATE)
    assert not found.failures, found.failures[:3]
    return True


def test_names_of_values_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(assert_names_do_not_matter(seed, monkeypatch, 12) for seed in seeds(0, COUNT)) >= COUNT // 2


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_names_of_values_change_nothing_in_many_networks(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    each = SLOW_COUNT // SLOW_CHUNKS
    done = [assert_names_do_not_matter(seed, monkeypatch, 16) for seed in seeds(1000 + chunk * each, 2 * each)]
    assert sum(done) >= each


@pytest.mark.torch
def test_names_of_the_values_of_users_neurons_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what is certified of them: which value stands for which term is data."""
    from tests.checker.of_users import compiled as of_user

    for seed in range(6):
        own, renaming = of_user(seed).network, Renaming(seed)
        with monkeypatch.context() as patched:
            patched.setattr(lower, "lowered", renaming)
            other = of_user.__wrapped__(seed).network
        artefact = make_artefact(other)
        before, after = certify(own, make_artefact(own).model), certify(other, artefact.model)
        for claimed, now in zip(before["layers"], after["layers"], strict=True):
            assert renaming.undone(now) == claimed, f"neuron_source({seed})"
        found = check_claims(artefact.model, json.loads(json.dumps(after)), CERTIFICATE)
        assert not found.failures, f"neuron_source({seed}): {found.failures[0]}"


def learned(seed: int) -> list[Any]:
    """A random model as it is after three steps of training on integers: its logits, losses, weights and integers."""
    torch = pytest.importorskip("torch")
    from snn2hw import quantize
    from tests.quantize.random_models import drawn

    case = drawn(seed)
    model = quantize.prepare(case.model, case.sample, steps=case.steps, target=case.target, options=case.options)
    optimiser, seen = torch.optim.SGD(model.parameters(), lr=0.05), list[Any]()
    for _ in range(3):
        logits = model(case.x)
        loss = logits.sum(0).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seen += [logits.detach().tolist(), loss.item()]
    net = model.integers()
    constants = [sorted(map(list, n.program.params.values())) for n in net.neurons]
    return [*seen, [p.tolist() for p in model.parameters()], constants, model(case.x).detach().tolist()]


def assert_learns_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = learned(seed)
    with monkeypatch.context() as patched:
        patched.setattr(lower, "lowered", Renaming(seed))
        assert learned(seed) == expected


@pytest.mark.torch
def test_names_of_values_change_nothing_that_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.quantize.random_models import STEPPED as STEPPED_MODELS

    for seed in (0, 1, STEPPED_MODELS):
        assert_learns_alike(seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("chunk", range(SLOW_LEARNED_CHUNKS))
def test_names_of_values_change_nothing_that_is_learned_by_many(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.quantize.random_models import STEPPED as STEPPED_MODELS

    each = SLOW_LEARNED // SLOW_LEARNED_CHUNKS
    for seed in range(1000 + chunk * each, 1000 + (chunk + 1) * each):
        assert_learns_alike(seed + (STEPPED_MODELS if seed % 4 == 3 else 0), monkeypatch)
