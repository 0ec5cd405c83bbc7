"""How far the states of neurons may reach: as far as they do on the sample, and a margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from snn2hw.errors import UnsupportedError, ValueRangeError
from snn2hw.formats.nir.convention import MOST_LEVELS, Convention
from snn2hw.formats.nir.late_reset import with_ranges
from snn2hw.ir.network import Circulate, EquationNeuron, Network, Neuron, Node, Reals, Single
from snn2hw.ir.real import neuron_step, polynomial, run_real
from snn2hw.neurons import in_numpy
from snn2hw.neurons.library import CURRENT, MEMBRANE
from snn2hw.passes.calibrate import bytes_of_sample

MARGIN = 1.25  # of the state range around what the sample reaches
TOGETHER = 1 << 24  # bytes of samples, and of their values at one step, that run at a time; of one sample what it takes


def with_state_ranges(net: Network, sample: Any, convention: Convention) -> Network:
    """Every neuron with the range that the sample needs: MARGIN times the largest |h| before the reset, on both sides.

    The float meaning is then the file's on the sample, with nothing clamped but what the convention clamps. Where the
    convention has no most spikes of a step, a neuron may fire as often as the range allows.

    Args:
        net: whose ranges are still unknown. sample: [N, ...] or [T, N, ...], run in float64, a part at a time.
        convention: says how many spikes a step may have.

    Raises:
        UnsupportedError: more spikes in a step than can be. ValueRangeError: a membrane that leaves all bounds.
    """
    reached = _Reached()
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused, by the layer's name
        for some in _parts(net, sample):
            run_real(net, some, _Reaching(reached).observe)
    return replace(net, nodes=tuple(_ranged(n, reached, convention) for n in net.nodes))


def _parts(net: Network, sample: Any) -> Iterator[Reals]:
    """Some samples after the other."""
    axis = 0 if net.input.static else 1
    of_input = 8 * prod(sample.shape) // sample.shape[axis]
    size = max(1, TOGETHER // (of_input + bytes_of_sample(net)))
    for start in range(0, sample.shape[axis], size):
        yield np.asarray(sample[(slice(None),) * axis + (slice(start, start + size),)], np.float64)


@dataclass
class _Reached:
    """By neuron layer, over all samples: the largest |h|, the highest h, the largest |current|."""

    largest: dict[str, float] = field(default_factory=dict)
    highest: dict[str, float] = field(default_factory=dict)
    currents: dict[str, float] = field(default_factory=dict)


class _Reaching:
    """Some samples, step by step, which begin anew."""

    def __init__(self, reached: _Reached) -> None:
        self.reached = reached
        self.membrane: dict[str, Reals] = {}
        self.late: dict[str, dict[str, Reals]] = {}

    def observe(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        """Look at a neuron at a step. Arguments as `run_real` calls it."""
        found, name = self.reached, node.name
        if isinstance(node, EquationNeuron):
            before = self.late.get(name) or in_numpy.initial(node.equation, value.shape)
            self.late[name] = in_numpy.step(node.equation, node.parameters, before, inputs[0])[1]
            for known, state in ((found.largest, MEMBRANE), (found.currents, CURRENT)):
                if state in self.late[name]:
                    _keep(known, name, np.abs(self.late[name][state]).max())
        elif isinstance(node, Neuron):
            x = inputs[0]
            u = self.membrane.get(name, np.zeros_like(x))
            h = polynomial(node, u) + (x if node.current is not None else node.gain * x)
            if node.current is not None:
                _keep(found.currents, name, np.abs(x).max())
            above = float(h.max())
            _keep(found.largest, name, above, -np.maximum(h, node.state_range[0]).min())
            found.highest[name] = max(found.highest.get(name, 0.0), above)
            self.membrane[name] = neuron_step(node, u, x)[1]


def _keep(known: dict[str, float], name: str, *values: float) -> None:
    """The largest so far, at least 0; NaN where one is, unlike max()."""
    known[name] = float(np.max((known.get(name, 0.0), *values)))


def _ranged(node: Node, reached: _Reached, convention: Convention) -> Node:
    if not isinstance(node, Neuron | EquationNeuron):
        return node
    largest, highest = reached.largest[node.name], reached.highest
    current_reached = reached.currents.get(node.name, 0.0) or 1.0
    if isinstance(node, EquationNeuron):
        bounds = {MEMBRANE: MARGIN * max(largest, 1.0), CURRENT: MARGIN * current_reached}
        if not np.isfinite(list(bounds.values())).all():
            raise _unbounded(node, largest)
        return with_ranges(node, bounds)
    firing, current = node.firing, node.current
    theta = firing.threshold if isinstance(firing, Single) else firing.thresholds[0] if isinstance(firing, Circulate) else 0.0
    bound = MARGIN * (max(largest, theta, abs(node.reset_value)) or 1.0)
    held = MARGIN * current_reached
    if not np.isfinite(bound) or not np.isfinite(held):
        raise _unbounded(node, largest)
    if convention.levels is None and isinstance(firing, Circulate):
        if highest[node.name] >= theta * (MOST_LEVELS + 1):
            raise UnsupportedError(
                "more spikes in one step than a neuron may fire",
                where=node.source,
                got=f"more than {MOST_LEVELS} on the sample",
                expected=f"at most {MOST_LEVELS}",
                do="use shorter time bins, or scale the sample down",
            )
        levels = min(int(MARGIN * max(highest[node.name], theta) / theta), MOST_LEVELS)
        firing = Circulate((theta,) * levels, (1.0,) * levels, signed=False)
    made = replace(node, state_range=(max(node.state_range[0], -bound), bound), firing=firing)
    return made if current is None else replace(made, current=replace(current, state_range=(-held, held)))


def _unbounded(node: Node, largest: float) -> ValueRangeError:
    return ValueRangeError(
        "the membrane leaves all bounds on the sample",
        where=node.source,
        got=f"{largest:g}",
        expected="finite values",
        do="check the weights, and state the writer's convention and step (--convention, --dt)",
    )
