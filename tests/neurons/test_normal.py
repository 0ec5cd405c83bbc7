"""The normal form of an equation is the same function, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from snn2hw.neurons.normal import normal
from tests.certificate.one_step import terms
from tests.random_equations import make_neuron, neuron_source

pytestmark = pytest.mark.torch


def test_the_normal_form_has_the_same_values_in_exact_rationals() -> None:
    """Of output and next states, so that what is certified of the one is certified of the other."""
    rng = np.random.default_rng(0)
    for seed in range(40):
        found = make_neuron(neuron_source(seed), 3).trace(3)
        parameters = [Fraction(float(p.detach().double().reshape(-1)[-1])) for p in found.parameters]
        equations = (found.equation, normal(found.equation))
        for _ in range(10):
            given = {s.name: Fraction(rng.uniform(*s.range)) for s in equations[0].states}
            x = Fraction(rng.normal())
            first, second = (terms(e, parameters, given, x, {}) for e in equations)
            for places in zip(
                (equations[0].output, *equations[0].updates), (equations[1].output, *equations[1].updates), strict=True
            ):
                assert first[places[0]] == second[places[1]], f"neuron_source({seed})"
