"""The neurons and what they are shown: numbers that the integer network's inputs and weights hold exactly.

So what is compared is the neuron: the input is a whole number of events, the weight a power of two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from snn2hw import nn

STEPS = 1000
ONSET = 100  # step from which a current flows
DT = 0.5  # ms of a step of Izhikevich's neuron
MILLIVOLTS = 100.0  # of one unit of its membrane


@dataclass(frozen=True)
class Case:
    """A neuron and several stimuli.

    Args:
        make: the neuron. state: the one that is compared, with what it is called in a plot.
        unit: name and size of the unit that errors are given in, for one unit of the state. ms: of a step; 0: steps are counted.
        weight: real value of one event. events: float32 [T, N, 1], whole numbers. stimuli: the N of them by name; shown: which
            one is drawn.
    """

    name: str
    make: Callable[[], nn.CustomNeuron]
    state: str
    label: str
    unit: tuple[str, float]
    ms: float
    weight: float
    events: Tensor
    stimuli: tuple[str, ...]
    shown: int


def cases(steps: int = STEPS) -> tuple[Case, ...]:
    """All of them, shown for so many steps."""
    return (*(_izhikevich(name, c, d, steps) for name, c, d in IZHIKEVICH), _resonate_and_fire(steps))


IZHIKEVICH = (("regular spiking", -0.65, 0.08), ("intrinsically bursting", -0.55, 0.04), ("chattering", -0.5, 0.02))
CURRENTS = (41, 61, 82, 102, 123, 143, 164, 205)  # in 1/1024 of a unit: 4.0 to 20.0 of the source's I
PERIODS = (5, 7, 9, 10, 11, 13, 20)  # steps between the input spikes of a resonate-and-fire neuron


def _izhikevich(name: str, c: float, d: float, steps: int) -> Case:
    events = torch.zeros(steps, len(CURRENTS), 1)
    events[ONSET:] = torch.tensor(CURRENTS).float()[:, None]
    return Case(
        name=f"Izhikevich, {name}",
        make=lambda: nn.Izhikevich(0.02, 0.2, c, d, dt=DT),
        state="v",
        label="membrane v [mV]",
        unit=("mV", MILLIVOLTS),
        ms=DT,
        weight=2.0**-10,
        events=events,
        stimuli=tuple(f"I = {MILLIVOLTS * n / 1024:.2f}" for n in CURRENTS),
        shown=CURRENTS.index(102),
    )


def _resonate_and_fire(steps: int) -> Case:
    """Resonance at a spike every 10.5 steps; the last stimulus is a spike in a tenth of the steps, drawn at random.

    A period that were a whole number of steps would bring the imaginary part back to exactly 0 at
    every input spike: whether it fires there is a tie, which the last bit decides, in floats, too.
    """
    events = torch.zeros(steps, len(PERIODS) + 1, 1)
    for n, period in enumerate(PERIODS):
        events[::period, n] = 1.0
    events[:, -1, 0] = (torch.rand(steps, generator=torch.Generator().manual_seed(0)) < 0.1).float()
    return Case(
        name="resonate-and-fire",
        make=lambda: nn.ResonateAndFire(0.6, 0.95, 0.75),
        state="re",
        label="real part of z",
        unit=("units", 1.0),
        ms=0.0,
        weight=0.5,
        events=events,
        stimuli=(*(f"every {p} steps" for p in PERIODS), "at random, 10 %"),
        shown=len(PERIODS),
    )
