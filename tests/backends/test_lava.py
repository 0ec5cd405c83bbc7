"""Networks on Lava's own processes, in the side environment: every spike and state equal to the reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from snn2hw.api import stimulus
from snn2hw.backends import SIDE_EXECUTORS
from snn2hw.backends.lava.environment import side_python
from snn2hw.backends.lava.executor import LavaExecutor, run_side
from snn2hw.backends.lava.fits import check_network
from snn2hw.backends.reference import interpret, step
from snn2hw.errors import UnsupportedError, ValueRangeError, WidthError
from snn2hw.ir.encode import encode
from snn2hw.store import make_artefact
from snn2hw.user_models import find_model
from snn2hw.verification.stimuli import corner_payloads
from snn2hw.verification.verdict import compare_executors
from tests.backends.test_recurrent import NETWORKS as NETWORKS_BY_HAND
from tests.backends.test_recurrent import given
from tests.clean_environment import ROOT
from tests.random_networks import LATE, RECURRENT, STEPPED, compiled, payloads_of, random_case
from tests.roles import counter
from tests.small_networks import two_layer_network

LAVA = SIDE_EXECUTORS["lava"]
NETWORKS = 52
RECURRENT_NETWORKS = 24
CHUNKS = 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("lava_runs"),
]


def test_a_stream_of_samples_is_the_same_as_one_at_a_time() -> None:
    import snn2hw

    network, images = two_layer_network(steps=3)
    artefact = snn2hw.compile(network, images, steps=3, target="loihi2")
    payloads = encode(artefact.network, images[:5])
    assert compare_executors(artefact, payloads, ["lava"]).equal
    for n in range(2):
        assert compare_executors(artefact, payloads[:, n : n + 1], ["lava"]).equal


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_networks_are_equal_on_lava(chunk: int) -> None:
    ran, seed = 0, 1000 * chunk
    while ran < NETWORKS // CHUNKS:
        seed += 1
        case = random_case(seed)
        try:
            net = compiled(case).network
        except (WidthError, UnsupportedError):
            continue
        if any(n.interval.bits[0] + (n.interval.lo >= 0) > 24 for n in net.nodes):
            continue  # wider than Lava's ports, which the mapping refuses; tested below
        artefact = make_artefact(net)
        verdict = compare_executors(artefact, payloads_of(case, net)[:, :6], ["lava"])
        assert verdict.equal, f"python -m tests.random_networks {seed}: {[str(d) for d in verdict.differences]}"
        ran += 1


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_recurrent_networks_are_equal_on_lava(chunk: int) -> None:
    """Recurrent edges over samples that follow one another; Loihi's neurons with three states; delays with more."""
    ran, step = 0, 1000 * chunk
    while ran < RECURRENT_NETWORKS // CHUNKS:
        step += 1
        seed = (RECURRENT, LATE)[step % 2] + step
        case = random_case(seed)
        try:
            net = compiled(case).network
            check_network(net)
        except (WidthError, UnsupportedError):
            continue
        verdict = compare_executors(make_artefact(net), payloads_of(case, net)[:, :6], ["lava"])
        assert verdict.equal, f"python -m tests.random_networks {seed}: {[str(d) for d in verdict.differences]}"
        ran += 1


def test_thresholds_that_depend_on_the_step_are_those_of_the_step_on_lava() -> None:
    """A stream of samples: the counter starts again with each."""
    ran, seed = 0, STEPPED
    while ran < 2:
        seed += 1
        case = random_case(seed)
        try:
            net = compiled(case).network
            check_network(net)
        except (WidthError, UnsupportedError):
            continue
        ran += 1
        assert any(counter(n.program) for n in net.neurons)
        verdict = compare_executors(make_artefact(net), payloads_of(case, net)[:, :6], ["lava"])
        assert verdict.equal, f"python -m tests.random_networks {seed}: {[str(d) for d in verdict.differences]}"


@pytest.mark.parametrize("name", sorted(NETWORKS_BY_HAND.keys() - {"two"}))  # which has a loop of two synapses
def test_recurrent_edges_are_one_step_late_on_lava(name: str) -> None:
    artefact, payloads = given(name)
    assert compare_executors(artefact, payloads, ["lava"]).differences == []


def test_a_sum_too_wide_for_a_port_names_its_layer() -> None:
    seed = next(s for s in range(24, 2000, 25) if _wide(s))
    net = compiled(random_case(seed)).network
    with pytest.raises(WidthError, match="a value is too wide for a Lava port"):
        LAVA.run(make_artefact(net), corner_payloads(net)[:, :1])


def _wide(seed: int) -> bool:
    try:
        net = compiled(random_case(seed)).network
    except (WidthError, UnsupportedError):
        return False
    return any(n.interval.bits[0] + (n.interval.lo >= 0) > 24 for n in net.nodes)


def test_loihis_lif_is_that_of_lava(tmp_path: Path) -> None:
    """The peer: 10,000 random parameter sets, 16 neurons each, 50 steps, the registers' ends among the states."""
    python = side_python(print)
    script = Path(__file__).parent / "lava_peer.py"
    run_side([str(python), str(script), "10000", "50"], tmp_path, limit=900)
    report = json.loads((tmp_path / "peer.json").read_text())
    assert report["populations"] == 10_000
    assert report["different"] == 0
    assert min(report["at_the_ends"], report["wrapped"], report["spikes"]) > 1000, report


def test_linear_layers_are_the_laws_on_dense_and_on_sparse(tmp_path: Path) -> None:
    """240 random matrices; and the mapping maps what `fits` lets through, no more and no less."""
    run_side([str(side_python(print)), str(Path(__file__).parent / "lava_synapses.py"), "240"], tmp_path, limit=600)
    report = json.loads((tmp_path / "synapses.json").read_text())
    assert report["different"] == 0
    assert report["compared"] > 10_000
    assert report["dense"] + report["sparse"] == 240
    assert min(report["dense"], report["sparse"]) >= 40
    assert report["mapped"] == report["known"]


def test_neurons_from_real_parameters_are_the_law(tmp_path: Path) -> None:
    """LNM and CirculateFiring, every payload; u by Lava's Monitor at every step, and by `.get()` between and after runs."""
    run_side([str(side_python(print)), str(Path(__file__).parent / "lava_neurons.py")], tmp_path, limit=300)
    report = json.loads((tmp_path / "neurons.json").read_text())
    assert report["different"] == 0
    assert report["cases"] == 8
    assert report["spikes"] > 1000


def test_an_error_inside_a_lava_process_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Payloads past the declared ones: a sum leaves its program's range. Lava only says that there was an exception, and
    would wait for its other processes for ever."""
    import snn2hw

    monkeypatch.setenv("SNN2HW_LAVA_SECONDS", "60")
    network, images = two_layer_network(steps=3)
    artefact = snn2hw.compile(network, images, steps=3, target="loihi2")
    payloads = np.full((3, 1, *artefact.network.input.shape), 1000)
    with pytest.raises(ValueRangeError) as caught:
        LAVA.run(artefact, payloads)
    assert caught.value.what == "the synaptic sum leaves the range that the program was made for"
    assert caught.value.where == "LNM, step 2"


@pytest.mark.torch
@pytest.mark.parametrize("samples_per_run", [0, 1], ids=["streamed", "one at a time"])
@pytest.mark.parametrize("name", ["digits_lnm", "digits_cf"])
def test_the_digits_models_are_equal(name: str, samples_per_run: int) -> None:
    """64 real samples: every spike, every state, every readout."""
    import snn2hw

    found = find_model(name)
    assert found.source is not None
    assert found.sample is not None
    artefact = snn2hw.compile(found.module, found.sample, found.steps, target="loihi2")
    images, _ = found.source.test_data()
    payloads = stimulus(artefact, images[:64])
    executor = LavaExecutor(samples_per_run=samples_per_run)
    got, law = executor.run(artefact, payloads).arrays(), interpret(artefact.network, payloads).arrays()
    assert {k: int((got[k] != v).sum()) for k, v in law.items()} == dict.fromkeys(law, 0)
    assert executor.report["runs"] == (1 if samples_per_run == 0 else 64)
    print(f"{name}: {sum(v.size for v in law.values()):,} integers compared; {executor.measured()}; {executor.report}")


def test_the_example_runs_and_gives_the_laws_integers(tmp_path: Path) -> None:
    """docs/how-to/lava_example.py: an LNM layer of an artefact between Lava's own source, Dense and sink."""
    import snn2hw

    network, images = two_layer_network()
    artefact = snn2hw.compile(network, images, steps=3, target="loihi2", out=tmp_path / "net")
    run_side(
        [str(side_python(print)), str(ROOT / "docs" / "how-to" / "lava_example.py"), str(tmp_path / "net"), "lnm"],
        tmp_path,
        limit=120,
    )
    with np.load(tmp_path / "example.npz") as data:
        spikes, weights, payloads, state = (data[k] for k in ("spikes", "weights", "payloads", "state"))
    (neuron,) = [n for n in artefact.network.neurons if n.name == "lnm"]
    u = {"u": np.zeros((1, *neuron.shape), np.int64)}
    arriving = np.zeros(len(weights), np.int64)  # Dense delivers one step later
    for t in range(spikes.shape[1]):
        fired, u = step(neuron.program, arriving.reshape(1, *neuron.shape), u)
        assert (fired.ravel() == payloads[:, t]).all()
        arriving = weights @ spikes[:, t]
    assert (u["u"][0] == state).all()
    assert payloads.any()
