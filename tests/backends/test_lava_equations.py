"""Random neurons of a user's own on Lava's processes, in the side environment: every spike and state equal to the reference."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("torch", reason="users' neurons are torch modules")

import torch

import snn2hw
from snn2hw.errors import Snn2hwWarning, UnsupportedError, WidthError
from tests.random_equations import neuron_source
from tests.test_random_equations import random_model

NEURONS, CHUNKS, STEPS = 20, 4, 6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.torch,
    pytest.mark.usefixtures("lava_runs"),
]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_neurons_are_equal_on_lava(chunk: int) -> None:
    ran, seed = 0, 4000 + 100 * chunk
    while ran < NEURONS // CHUNKS:
        seed += 1
        model, x = random_model(neuron_source(seed), seed), torch.rand(3, 1, 5, 5)
        options = snn2hw.Options(state_bits=(12, 16, 20, 24)[seed % 4])
        with warnings.catch_warnings():  # of a neuron that can never fire, which some of those drawn are
            warnings.simplefilter("ignore", Snn2hwWarning)
            artefact = snn2hw.compile(model, x, STEPS, ("generic", "loihi2")[seed % 2], options=options)
        try:
            verdict = snn2hw.verify(artefact, x, executors=("reference", "lava"))
        except (WidthError, UnsupportedError):
            continue  # wider than Lava's ports
        assert verdict.equal, f"neuron_source({seed}), {options}:\n{neuron_source(seed)}\n{verdict.differences}"
        assert verdict.different == {"lava": 0}
        ran += 1
