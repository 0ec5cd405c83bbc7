"""A neuron in float64 and in integers, step by step, and how far they are apart."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import snn2hw
from bench.dynamics.cases import Case
from snn2hw import nn
from snn2hw.target import load_target, targets_folder

TARGET = "generic"  # 16-bit coefficients
ACCUMULATOR = 62  # bits, which 24-bit coefficients times 24-bit states need
NUDGE = 1e-6  # share by which the input of a float run is changed, to see how much its own spikes depend on it

Reals = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Width:
    """Bits of a state and of a coefficient; 24-bit coefficients take a target of one's own."""

    state: int
    coefficient: int

    def __str__(self) -> str:
        return f"{self.state} / {self.coefficient}"


WIDTHS = (Width(16, 16), Width(24, 16), Width(24, 24))


@dataclass(frozen=True)
class Run:
    """One way to run all stimuli: the state after each step in units of the equation, and where it fired; both [T, N]."""

    state: Reals
    fired: Bools

    @property
    def counts(self) -> list[int]:
        """Spikes of each stimulus."""
        return [int(n) for n in self.fired.sum(0)]


@dataclass(frozen=True)
class Compared:
    """A neuron in floats and in integers of some width.

    Args:
        lsb: what one integer of the state stands for, in units of the equation.
        nudged: the float runs whose input is larger and smaller by NUDGE.
    """

    case: Case
    width: Width
    lsb: float
    floats: Run
    integers: Run
    nudged: tuple[Run, Run]

    @property
    def count_errors(self) -> list[int]:
        """Integer less float spike count, by stimulus."""
        return [i - f for i, f in zip(self.integers.counts, self.floats.counts, strict=True)]

    @property
    def own_errors(self) -> list[int]:
        """How far a float count moves when the input does by NUDGE; the larger of both."""
        pairs = zip(self.floats.counts, *(n.counts for n in self.nudged), strict=True)
        return [max(abs(up - n), abs(down - n)) for n, up, down in pairs]

    @property
    def error(self) -> Reals:
        """Integer less float state, [T, N], in units of the equation."""
        return self.integers.state - self.floats.state

    @property
    def together(self) -> Bools:
        """[T, N]: the steps before the first at which one of both fires alone."""
        alone = self.integers.fired != self.floats.fired
        return ~np.logical_or.accumulate(alone, axis=0)

    @property
    def shift(self) -> int:
        """Steps between spikes of the same number, the largest; of stimuli with the same number of spikes."""
        most = 0
        for n, error in enumerate(self.count_errors):
            if not error and self.integers.counts[n]:
                a, b = (np.flatnonzero(r.fired[:, n]) for r in (self.integers, self.floats))
                most = max(most, int(np.abs(a - b).max()))
        return most


def median_rms_max(error: Reals) -> tuple[float, float, float]:
    """Of the magnitudes of all entries; 0 of none."""
    size = np.abs(error)
    return (float(np.median(size)), float(np.sqrt((size**2).mean())), float(size.max())) if size.size else (0.0, 0.0, 0.0)


def target(width: Width, folder: Path) -> str:
    """`generic`, or a file in a folder that is `generic` with wider coefficients and accumulator."""
    if width.coefficient == load_target(TARGET).lowering.coefficient_bits:
        return TARGET
    text = (targets_folder() / f"{TARGET}.toml").read_text(encoding="utf-8")
    for name, value in (("coefficient_bits", width.coefficient), ("accumulator_bits", ACCUMULATOR)):
        text, found = re.subn(rf"^{name} = {{ value = \d+", f"{name} = {{ value = {value}", text, flags=re.M)
        assert found == 1, name
    path = folder / f"{TARGET}_{width.coefficient}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def compare(case: Case, width: Width) -> Compared:
    """Both runs of a case."""
    synapse, neuron = nn.Linear(1, 1, bias=False), case.make()
    model = nn.Sequential(synapse, neuron).eval()
    with torch.no_grad():
        synapse.weight.fill_(case.weight)
    options = snn2hw.Options(state_bits=width.state)
    with TemporaryDirectory() as folder:
        artefact = snn2hw.compile(model, case.events, None, target(width, Path(folder)), options=options, layout="TN")
    trace = snn2hw.simulate(artefact, case.events, executor="reference")
    (layer,) = trace.spikes
    frac = artefact.network.neurons[0].program.states[case.state].format.frac
    raw, spikes = trace.states[f"{layer}.{case.state}"][:, :, 0], trace.spikes[layer][:, :, 0]
    floats, more, less = (in_floats(synapse, neuron, case, 1.0 + n) for n in (0.0, NUDGE, -NUDGE))
    integers = Run(raw.astype(np.float64) * 2.0**-frac, spikes != 0)
    return Compared(case, width, 2.0**-frac, floats, integers, (more, less))


@torch.no_grad()
def in_floats(synapse: torch.nn.Module, neuron: nn.CustomNeuron, case: Case, factor: float) -> Run:
    """The float64 forward of both layers, their input times a factor."""
    x = synapse.double()(case.events.double() * factor)
    fired, state = (each.double()(x)[:, :, 0].numpy() for each in (neuron, readout_of(neuron, case.state)))
    return Run(state, fired != 0)


def readout_of(neuron: nn.CustomNeuron, state: str) -> nn.CustomNeuron:
    """The same neuron, whose output is one of its states after each step."""

    def step(self: Any, x: Tensor, **states: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        _, after = type(neuron).step(self, x, **states)
        return after[state], after

    shown = copy.deepcopy(neuron)
    shown.__class__ = type(f"{state}_of_{neuron.kind}", (type(neuron),), {"step": step})
    return shown
