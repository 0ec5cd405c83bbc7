"""Several threads on the same samples: the generated C hands out its phases in parts, and gives the reference's integers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends.c import team
from snn2hw.backends.fast import executor
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.ir.shapes import Window
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification.stimuli import corner_payloads
from tests.backends.test_fast import ALWAYS, NEVER, drawn
from tests.hand_networks import compiled, conv, counts, flatten, lif, linear, network, readout
from tests.random_networks import RECURRENT

pytestmark = pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")


@pytest.mark.parametrize(
    ("percent", "flags"), [(NEVER, ""), (ALWAYS, "-DSNN_LAST_FIRST"), (ALWAYS, "-DSNN_PORTABLE -DSNN_LAST_FIRST")]
)
def test_all_threads_on_the_same_samples(percent: int, flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every phase in as many parts as there can be; what is done last first needs nothing of what is done first."""
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {flags}")
    monkeypatch.setattr(team, "PART", 1)
    ran = [found for seed in (2_010, 2_011, RECURRENT + 3) if (found := differing_together(seed, percent)) is not None]
    assert len(ran) == 3
    assert not any(ran), f"python -m tests.random_networks SEED, from 2010 on: {ran}"


@pytest.mark.parametrize("flags", ["", "-DSNN_LAST_FIRST"])
def test_threads_share_the_channels_of_a_layer_that_has_few_places(flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of 3 blocks of channels at 4 places, and of 5 blocks at one: in pieces, each of other blocks."""
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {flags}")
    monkeypatch.setattr(team, "PART", 1)
    rng, window = np.random.default_rng(0), Window((3, 3), padding=(1, 1))
    net = network(
        3, counts(20, 2, 2, hi=1.0), conv("conv", "input", rng.normal(0, 0.3, (130, 20, 3, 3)), window=window), lif("n", "conv"),
        flatten("flat", "n"), linear("fc", "flat", rng.normal(0, 0.2, (260, 520))), lif("m", "fc"), readout("m"),
    )  # fmt: skip
    artefact = make_artefact(compiled(net).network)
    payloads = corner_payloads(artefact.network)
    wanted, got = interpret(artefact.network, payloads).arrays(), together(artefact, payloads, ALWAYS).arrays()
    assert not [name for name in wanted if not np.array_equal(wanted[name], got[name])]


@pytest.mark.slow
@pytest.mark.parametrize("percent", [NEVER, ALWAYS])
def test_many_random_networks_by_all_threads(percent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "PART", 1)
    ran = {seed: found for seed in range(3_300, 3_500) if (found := differing_together(seed, percent)) is not None}
    assert len(ran) >= 130
    assert not any(ran.values()), {seed: found for seed, found in ran.items() if found}


def differing_together(seed: int, percent: int) -> list[str] | None:
    """Names of what differs from the reference in the first three samples; None where the network does not compile."""
    if (found := drawn(seed)) is None:
        return None
    artefact, payloads, trace = found
    wanted, got = trace.part(0, 3).arrays(), together(artefact, payloads[:, :3], percent).arrays()
    return [name for name in wanted if not np.array_equal(wanted[name], got[name])]


def together(artefact: Artefact, payloads: Ints, percent: int) -> Trace:
    """The trace of samples that five threads run together, and that one more, which comes late, leaves as it is."""
    fast, net, samples = Fast(percent), artefact.network, payloads.shape[1]
    still = net.input.static and bool((payloads == payloads[:1]).all())
    built = fast.built(artefact, still)
    by_samples = (payloads[:1] if still else payloads).transpose(1, 0, *range(3, payloads.ndim), 2)
    readout, kept = np.empty((samples, *net.readout.shape), np.int64), executor._kept(net, built.source, samples)
    given = np.ascontiguousarray(by_samples, built.source.input_type[:-2])
    with built.runner(given, readout, kept, percent).together() as join:
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(join, range(5), range(1, 6)))
        trace = executor._trace(built.source, readout.copy(), kept)
        readout[...] = -1
        join(0, 1)
        assert (readout == -1).all()
    return trace
