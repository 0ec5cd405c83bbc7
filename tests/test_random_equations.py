"""Random neurons of a user's own through every executor: the integers are one, and near the equation."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.network import EquationNeuron
from snn2hw.ir.program import SPIKES, Op, declared_interval, values_of
from snn2hw.neurons import in_numpy
from snn2hw.num import Interval
from snn2hw.passes.equations import Entry, lower_equation
from snn2hw.target import load_target
from tests.random_equations import make_neuron, neuron_source

pytestmark = pytest.mark.torch

CHANNELS = 4
EXECUTORS = ("reference", "fast", "onnxruntime", "onnx-reference", "torch")


def random_model(source: str, seed: int) -> torch.nn.Module:
    """A layer of the neuron on 5x5 images."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        nn.Conv2d(1, CHANNELS, 3, padding=1), make_neuron(source, CHANNELS), nn.Flatten(), nn.Linear(CHANNELS * 25, 3)
    ).eval()
    with torch.no_grad():
        model[0].weight *= 2.0
    return model


def _differential(seed: int, folder: Path | None) -> None:
    """With a folder, the certificate is made and derived again, too: seconds where states have 24 bits, which are all tried."""
    source = neuron_source(seed)
    model = random_model(source, seed)
    x = torch.rand(3, 1, 5, 5)
    target = ("generic", "loihi2")[seed % 2]
    options = snn2hw.Options(state_bits=(12, 16, 24)[seed % 3])
    try:
        with warnings.catch_warnings():  # of a neuron that can never fire, which some of those drawn are
            warnings.simplefilter("ignore", snn2hw.errors.Snn2hwWarning)
            artefact = snn2hw.compile(model, x, 6, target, folder and folder / f"n{seed}", options=options)
        verdict = snn2hw.verify(artefact, x, executors=EXECUTORS)
        assert verdict.equal, f"{verdict.different}"
        if folder:
            failures = snn2hw.check(folder / f"n{seed}").failures
            assert not failures, [str(f) for f in failures[:3]]
    except Exception as error:
        raise AssertionError(f"neuron_source({seed}) for {target}, {options}:\n{source}\n{error}") from error


@pytest.mark.parametrize("chunk", range(4))
def test_executors_agree_on_random_neurons(chunk: int, tmp_path: Path) -> None:
    for seed in range(chunk * 15, chunk * 15 + 15):
        _differential(seed, tmp_path if seed % 3 == 0 else None)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(20))
def test_executors_agree_on_many_random_neurons(chunk: int, tmp_path: Path) -> None:
    for seed in range(1000 + chunk * 50, 1000 + chunk * 50 + 50):
        _differential(seed, tmp_path)


@pytest.mark.parametrize("chunk", range(2))
def test_one_step_is_the_equation_up_to_rounding(chunk: int) -> None:
    """From the same states and input, on the integers' own grid: next states within a few units, unless a comparison is a tie."""
    limits = load_target("generic").lowering
    for seed in range(chunk * 20, chunk * 20 + 20):
        source = neuron_source(seed)
        traced = make_neuron(source, CHANNELS).trace(CHANNELS)
        parameters = tuple(p.detach().double().numpy() for p in traced.parameters)
        node = EquationNeuron("n", ("x",), (CHANNELS,), equation=traced.equation, parameters=parameters)
        entry = Entry(Interval(-4000, 4000), 11, np.array([2.0**-11]))
        program = lower_equation(node, entry, limits, 12).program
        rng = np.random.default_rng(seed)
        raw = {s: rng.integers(*_ends(i), (500, CHANNELS), endpoint=True) for s, i in program.states.items()}
        x = rng.integers(-4000, 4001, (500, CHANNELS))

        def given(i: object, raw: dict = raw, x: np.ndarray = x) -> np.ndarray:
            return np.array(values_of(i)) if i.op is Op.PARAM else x if i.op is Op.INPUT else raw[i.name]

        values = evaluate(program, given)
        units = {s: 2.0**-i.format.frac for s, i in program.states.items()}
        states = {s: raw[s] * units[s] for s in raw}
        spikes, after, _ = in_numpy.step(traced.equation, parameters, states, x * 2.0**-11)
        out = program.outputs
        same = values[out[SPIKES].name] * 2.0 ** -out[SPIKES].format.frac == spikes
        assert same.mean() > 0.97, f"neuron_source({seed}):\n{source}"
        for s in raw:
            away = np.abs(values[out[s].name] * units[s] - after[s]) / units[s]
            near = (away <= 8)[same]
            assert near.mean() > 0.985, f"neuron_source({seed}): {s} is {away[same].max():.1f} units away\n{source}"


def _ends(state: object) -> tuple[int, int]:
    interval = declared_interval(state)
    return interval.lo, interval.hi
