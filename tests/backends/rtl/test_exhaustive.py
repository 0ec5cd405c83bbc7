"""Datapaths of neurons against the reference over all values of their states."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.rtl.datapath import Datapath, datapath
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Instruction, Op, initial_value, values_of
from snn2hw.trace import Ints
from snn2hw.user_models import find_model
from tests.backends.rtl.lanes import Lanes, entering, leaving
from tests.backends.rtl.running import TOOLS
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.tools import needs

RANDOM_INPUTS, JOINT, AT_ONCE = 4, 1 << 24, 1 << 20


def inputs_of(path: Datapath, rng: np.random.Generator) -> Ints:
    """Both ends of what can enter, their neighbours, what is around 0, and some in between."""
    lo, hi = path.operands[path.program.input.name].interval.lo, path.operands[path.program.input.name].interval.hi
    ends = [v for v in (lo, lo + 1, -1, 0, 1, hi - 1, hi) if lo <= v <= hi]
    return np.unique(np.concatenate([ends, rng.integers(lo, hi, RANDOM_INPUTS, endpoint=True)]))


def agrees(neuron: IntNeuron, path: Datapath, lanes: Lanes, states: Mapping[str, Ints], x: Ints, channel: int) -> int:
    """Integers compared of one step from these states with these sums, all of one channel."""
    program = neuron.program
    constants = {f.name: np.int64(_of_channel(program.by_name[f.name], channel)) for f in path.constants}
    rows = entering(path, x, states, constants, np.zeros(1, np.int64))

    def sources(i: Instruction) -> Ints:
        if i.op is Op.PARAM:
            return np.asarray(_of_channel(i, channel))
        if i.op is Op.STATE:
            return states[i.name] if i.name in states else np.asarray(initial_value(i))
        return x

    wanted = leaving(path, evaluate(program, sources))  # type: ignore[arg-type]
    wanted = np.broadcast_to(wanted, (len(rows), wanted.shape[1]))
    got = lanes.run(rows)
    wrong = np.argwhere((got != wanted).any(axis=1))
    assert not len(wrong), (
        f"{neuron.name}, channel {channel}: {len(wrong)} rows differ; {rows[wrong[0, 0]].tolist()} gives "
        f"{got[wrong[0, 0]].tolist()} instead of {wanted[wrong[0, 0]].tolist()}"
    )
    return wanted.size


def _of_channel(i: Instruction, channel: int) -> int:
    values = values_of(i)
    return values[channel if len(values) > 1 else 0]


def all_states(neuron: IntNeuron, entering_sums: snn2hw.num.Interval, folder: Path, channels: int) -> int:
    """Every value of every state (all combinations of all of them where these are few enough; else of each one with corners
    and random values of the others), with corner and random sums; integers compared."""
    path = datapath(neuron, entering_sums, 100.0)
    lanes = Lanes([path], folder)
    rng = np.random.default_rng(0)
    ranges = {f.name: path.operands[f.name].interval for f in path.states}
    each = {name: np.arange(i.lo, i.hi + 1) for name, i in ranges.items()}
    total = 0
    several = neuron.program.channels if path.constants else 1
    for channel in np.unique(np.linspace(0, several - 1, channels).round().astype(int)).tolist():
        inputs = inputs_of(path, rng)
        if np.prod([float(len(v)) for v in each.values()]) <= JOINT:
            first, *others = each
            for rest in product(*(each[o] for o in others), inputs):
                held = {o: np.asarray(v) for o, v in zip(others, rest[:-1], strict=True)}
                total += agrees(neuron, path, lanes, {first: each[first], **held}, np.asarray(rest[-1]), channel)
            continue
        for name, values in each.items():
            for x, corner in product(inputs, range(4)):
                held = {
                    o: np.asarray((i.lo, i.hi)[corner]) if corner < 2 else rng.integers(i.lo, i.hi, len(values), endpoint=True)
                    for o, i in ranges.items()
                }
                total += agrees(neuron, path, lanes, {**held, name: values}, np.asarray(x), channel)
    covered = ", ".join(f"{name}: {len(values):,} states" for name, values in each.items())
    print(f"{neuron.source or neuron.name}: {path.cut.latency} stages, {covered}; {total:,} integers compared, 0 differ")
    return total


def layers_of(made: snn2hw.Artefact) -> list[tuple[IntNeuron, snn2hw.num.Interval]]:
    intervals = {n.name: n.interval for n in made.network.nodes}
    return [(n, intervals[n.inputs[0]]) for n in made.network.neurons]


def custom(kind: str, bits: int) -> snn2hw.Artefact:
    """A small network of one kind of neuron, with states of so many bits."""
    import torch

    from snn2hw import nn

    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 3), getattr(nn, kind)(), nn.Linear(3, 2))
    sample = torch.rand(16, 4)
    return snn2hw.compile(module, sample, 4, options=snn2hw.Options(state_bits=bits))


def test_neurons_of_every_kind(tmp_path: Path) -> None:
    """LNM and circulate firing of 16 bits, by hand."""
    needs(*TOOLS)
    net = compiled(every_kind(), every_kind_sample()).network
    intervals = {n.name: n.interval for n in net.nodes}
    for neuron in net.neurons[:2]:
        folder = tmp_path / neuron.name
        folder.mkdir()
        assert all_states(neuron, intervals[neuron.inputs[0]], folder, 1) >= 2 * 5 * 2**14


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits_lnm", "digits_cf"])
def test_every_layer_of_the_digits(name: str, tmp_path: Path) -> None:
    needs(*TOOLS)
    found = find_model(name, sampled=True)
    made = snn2hw.compile(found.module, found.sample, found.steps)
    for neuron, interval in layers_of(made):
        folder = tmp_path / neuron.name
        folder.mkdir()
        assert all_states(neuron, interval, folder, 4) > 2**18


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LIF", "ALIF", "CubaLIF", "Izhikevich"])
@pytest.mark.parametrize("bits", [8, 16])
def test_library_neurons(kind: str, bits: int, tmp_path: Path) -> None:
    """All combinations of their states of 8 bits; of 16 bits each state with corners and random values of the other one."""
    needs(*TOOLS)
    made = custom(kind, bits)
    for neuron, interval in layers_of(made):
        assert all_states(neuron, interval, tmp_path, 3) > 256
