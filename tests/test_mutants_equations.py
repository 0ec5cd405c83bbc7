"""Every mutant of random neurons of a user's own is caught by the checker or by verify, or is the same on all that is reached."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("torch", reason="users' neurons are torch modules")

import torch

import snn2hw
from snn2hw import nn
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Program, one_channel
from snn2hw.trace import Ints
from tests.mutants import Mutant, mutants
from tests.random_equations import make_neuron, neuron_source
from tests.reachable import always_equal, outputs, pack, reachable, unpack
from tests.test_mutants import Tally

CHANNELS, STEPS, SAMPLES = 2, 40, 200
EVERY_INPUT = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


class Exact(Tally):
    """The checker is asked of what verify misses, and what it accepts is compared on every state that is ever reached."""

    def _one(self, layer: IntNeuron, mutant: Mutant) -> None:
        if self._verify(layer, mutant.program):
            self.found["verify"] += 1
        elif self._checker(layer, mutant.program):
            self.found["checker"] += 1
        elif self._equal(layer, mutant.program):
            self.found["equal"] += 1
        else:
            self.found["SURVIVES"] += 1
            self.survivors.append(f"layer {layer.name}, {mutant.says}: NOT EQUAL")

    def _equal(self, layer: IntNeuron, program: Program) -> bool:
        synapse = next(n for n in self.artefact.network.nodes if n.name == layer.inputs[0])
        return always_equal(layer, program, synapse.value([EVERY_INPUT]))


def made(seed: int) -> tuple[Artefact, Ints]:
    """A layer of random neurons with states of 8 bits, behind two inputs of 0 or 1; and inputs drawn at random."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, CHANNELS), make_neuron(neuron_source(seed), CHANNELS), nn.Linear(CHANNELS, 3)).eval()
    with torch.no_grad():
        model[0].weight *= 2.0
    rng = np.random.default_rng(seed)
    density = rng.choice([0.1, 0.3, 0.5, 0.9], (1, SAMPLES, 1))
    payloads = (rng.random((STEPS, SAMPLES, 2)) < density).astype(np.int64)
    with warnings.catch_warnings():  # of neurons that never fire, and of an input that is coarser than the state
        warnings.simplefilter("ignore", snn2hw.errors.Snn2hwWarning)
        artefact = snn2hw.compile(model, payloads, None, "generic", options=snn2hw.Options(state_bits=8))
    return artefact, payloads


def assert_mutants_are_found(seed: int) -> None:
    tally = Exact(*made(seed))
    tally.run()
    print(f"neuron_source({seed}): {tally}")
    assert tally.found["SURVIVES"] == 0, f"neuron_source({seed}):\n{neuron_source(seed)}\n{tally}"
    assert tally.found["verify"] + tally.found["checker"] > 10


def test_what_is_reached_is_what_any_inputs_lead_to_and_nothing_else() -> None:
    artefact, payloads = made(1)
    (layer,) = artefact.network.neurons
    sums = artefact.network.nodes[1].value([EVERY_INPUT])
    trace = interpret(artefact.network, payloads)
    states = [trace.states[f"{layer.name}.{s}"] for s in layer.program.states]
    for c in range(CHANNELS):
        reached = reachable(one_channel(layer.program, c), sums[:, c])
        seen = np.stack([s[..., c].ravel() for s in states], axis=1)
        assert np.isin(pack(seen), pack(reached)).all()
        assert np.array_equal(unpack(pack(reached), len(states)), reached)
        after = [np.stack(outputs(one_channel(layer.program, c), reached, int(x))[1:], axis=1) for x in sums[:, c]]
        assert np.isin(pack(np.concatenate(after)), pack(reached)).all()
    assert always_equal(layer, layer.program, sums)
    wrong = [m for m in mutants(layer.program) if m.kind in ("sign", "select")]
    assert any(not always_equal(layer, m.program, sums) for m in wrong)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(5))
def test_every_mutant_of_20_random_neurons_is_found_or_proved_equal(chunk: int) -> None:
    for seed in range(3000 + 4 * chunk, 3004 + 4 * chunk):
        assert_mutants_are_found(seed)
