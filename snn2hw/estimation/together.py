"""What all cores of all chips together have too little of for a network."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from snn2hw.estimation.limits import Reason, said
from snn2hw.estimation.mapping import Mapping
from snn2hw.estimation.mapping.bound import capacity, on_one_core
from snn2hw.estimation.resources import Resources
from snn2hw.target import Cores
from snn2hw.target.cores import LIMITS


def of_all_chips(found: Resources, cores: Cores) -> Iterator[Reason]:
    """Every limit of a core, or of a chip, that the network breaks however it is spread over all of them."""
    if (chips := cores.stated("chips")) is None:
        return
    for limit, total in on_one_core(found, cores).items():
        if total > (most := capacity(cores, limit)):
            what = LIMITS[limit].says.partition(":")[0].removesuffix(" on a core")
            yield Reason(limit, f"the network: {total:,} {what}, all cores together hold {most:,}: {_cores(cores)} of them")
    kernels = {s.synapse.name: s.shared for s in found.synapses if s.shares and cores.shares_kernels}
    others = sum(s.unshared for s in found.synapses if s.synapse.name not in kernels)
    totals = {"neurons_per_chip": found.neurons, "synapses_per_chip": sum(kernels.values()) + others}
    for limit, total in totals.items():
        most = chips * (cores.stated(limit) or 0)
        if limit in cores.facts and total > most:
            what = LIMITS[limit].says.partition(" of a chip")[0]
            yield Reason(limit, f"the network: {total:,} {what}, {_chips(chips)} hold{'s' * (chips == 1)} {most:,}")


def of_mapping(mapping: Mapping, cores: Cores, known: Collection[str]) -> Iterator[Reason]:
    """What the best mapping that was found takes too much of.

    Args:
        mapping: of the network. cores: the chip's. known: limits of other reasons, which are not said again; where there are
            any, numbers of cores and chips follow from them and are none of their own.
    """
    chips = cores.stated("chips")
    for limit, need in sorted({(limit, need) for _, limit, need in mapping.arrangement.over()}):
        if limit not in known:
            yield Reason(limit, f"the network: in the best mapping that was found, {said(limit, need, cores)}")
    if chips is not None and not known:
        if mapping.cores > chips * cores.per_chip:
            limit = "chips" if chips > 1 else "cores_per_chip"
            yield Reason(limit, f"the network: {mapping.cores:,} cores are needed, {_cores(cores)}")
        elif mapping.chips > chips:
            yield Reason("chips", f"the network: {mapping.chips:,} chips are needed, {_chips(chips)} work together at most")
    if mapping.places.unplaced:
        text = f"{mapping.places.unplaced} of the cores that it needs find none on the chip that is large enough"
        yield Reason("", f"the network: {text}")


def _cores(cores: Cores) -> str:
    chips, fact = cores.stated("chips") or 1, cores.facts["cores_per_chip"]
    each = f"{int(fact.low):,}"
    if fact.high != fact.low:
        each += f" to {int(fact.high):,} (sources contradict each other)"
    of = "the chip has" if chips == 1 else f"each of {_chips(chips)} has"
    return f"{of} {each}"


def _chips(chips: int) -> str:
    return "1 chip" if chips == 1 else f"{chips:,} chips"
