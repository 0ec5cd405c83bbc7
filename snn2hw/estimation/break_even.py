"""From which rate of spikes on a quantised network without time would take less energy (the question of arXiv 2409.08290).

The other network has the same layers, reads every weight once for a sample, and multiplies 8-bit integers:

    E_other    = D * (multiplication + addition [+ weight_read])
    E_spiking  = T * D * r * (addition [+ weight_read]) + T * neurons
    r*         = (E_other - T * neurons) / (T * D * (addition [+ weight_read]))

D is the number of connections, r the share of them that a spike uses at a step, T the number of steps; `neurons` is what all
neuron programs cost at a step. Prices are those of the target cmos-45nm, in brackets where memory is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snn2hw.errors import TargetError
from snn2hw.estimation.counts import Counts
from snn2hw.estimation.energy import updating
from snn2hw.estimation.quantity import Quantity
from snn2hw.target import Chip, in_base_unit

TABLE = "cmos-45nm"
NEEDED = ("addition", "multiplication", "weight_read", "state_access")


@dataclass(frozen=True)
class BreakEven:
    """Rates at which both networks take the same energy; below them the spiking network takes less.

    Args:
        steps: T. rate: the share of all connections that a spike used, of the samples. values: graded ones are among them,
            each of which is a multiplication: `graded` is their share of what was used.
        arithmetic, with_memory: r*; below 0, the neurons alone take more than the other network.
        spiking, other: J of a sample, arithmetic and memory.
    """

    steps: int
    rate: float
    graded: float
    arithmetic: float
    with_memory: float
    spiking: float
    other: float


def break_even(counts: Counts, chip: Chip) -> BreakEven | None:
    """Of the counted samples; None of a network without weights.

    Args:
        counts: of samples. chip: with a price of additions, multiplications, and of reading a weight and a state.

    Raises:
        TargetError: a price is missing.
    """
    if missing := [name for name in NEEDED if name not in chip.energy]:
        raise TargetError(
            "a target has no price that the break-even needs",
            where=chip.name,
            got=f"no {', '.join(missing)}",
            expected=f"[energy] with {', '.join(NEEDED)}",
            do=f"take the target {TABLE}",
        )
    connections = sum(s.dense for s in counts.synapses.values())
    if not connections:
        return None
    used = sum(int(s.operations.sum()) for s in counts.synapses.values()) / counts.samples
    graded = sum(int(s.graded.sum()) for s in counts.synapses.values()) / counts.samples
    low = {name: in_base_unit(chip.energy[name])[0] for name in NEEDED}  # 8 bits, and the smallest memory
    add, multiply, read = low["addition"], low["multiplication"], low["weight_read"]
    arithmetic = _neurons(counts, low, ("addition", "multiplication"))
    neurons = _neurons(counts, low, NEEDED)
    spiking = used * (add + read) + graded * multiply + neurons
    other = connections * (multiply + add + read)
    every = counts.steps * connections
    return BreakEven(
        counts.steps, used / every, graded / used if used else 0.0,
        (connections * (multiply + add) - arithmetic) / (every * add), (other - neurons) / (every * (add + read)),
        spiking, other,
    )  # fmt: skip


def _neurons(counts: Counts, prices: Mapping[str, float], known: tuple[str, ...]) -> float:
    """J of all neuron programs in a sample."""
    given = {name: Quantity(prices[name], prices[name], prices[name], "J", "F", "") for name in known}
    return sum(
        prices[kind] * n for layer in counts.neurons.values() for kind, n in updating(layer, given, counts).items()
    )  # fmt: skip
