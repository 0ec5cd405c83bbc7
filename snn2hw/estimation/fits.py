"""Whether a chip holds a network: every reason why it does not, in words, and what of it is not public.

fit = check_fit(net, load_chip("loihi2"))
fit.fits; fit.reasons       # ("layer4.neuron (LNM): 4,608 input axons on a core, limit 4,096", ...)
fit.gaps                    # ("not public: input axons on a core", ...), of what nothing could be said
fit.mapping                 # which neurons lie on which core; None where a layer has no room, or the chip has no cores
fit.resources               # what the layers need, without any chip
"""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.estimation.abilities import lacking
from snn2hw.estimation.limits import Reason, broken
from snn2hw.estimation.mapping import Mapping as CoreMapping
from snn2hw.estimation.mapping import map_network
from snn2hw.estimation.mapping.problem import Spikes
from snn2hw.estimation.resources import Resources, resources
from snn2hw.estimation.together import of_all_chips, of_mapping
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.shown import brief
from snn2hw.target import Chip
from snn2hw.target.cores import LIMITS


@dataclass(frozen=True, eq=False)
class Fit:
    """Whether a chip holds a network.

    Args:
        found: why not, every reason. gaps: what is not public, or nowhere stated, so that nothing was compared with it.
        resources: what the layers need. mapping: on cores; None where a layer has no room or nothing is known of cores.
    """

    chip: Chip
    found: tuple[Reason, ...]
    gaps: tuple[str, ...]
    resources: Resources
    mapping: CoreMapping | None

    __repr__ = brief

    @property
    def fits(self) -> bool:
        """Whether nothing that is public speaks against it."""
        return not self.found

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not fit, in words."""
        return tuple(str(r) for r in self.found)


def check_fit(net: IntegerNetwork, chip: Chip, spikes: Spikes | None = None, *, how: str = "auto", network: str = "") -> Fit:
    """Compare a network with all that is stated of a chip.

    Args:
        net: of a compiled model. chip: any target. network: how the network is called in the mapping.
        spikes, how: as of `map_network`.

    Raises:
        UsageError, ShapeError, ValueRangeError, MissingExtraError: as of `map_network`.
    """
    found = resources(net)
    wanting = [(limit, text, limit in chip.facts and chip.facts[limit].assumed) for limit, text in lacking(net, chip)]
    reasons = [Reason(limit, text) for limit, text, assumed in wanting if not assumed]
    doubts = [f"not verified: {text}, which the target file assumes" for _, text, assumed in wanting if assumed]
    if chip.cores is None:
        return Fit(chip, tuple(reasons), (*doubts, f"not stated: what the cores of {chip.name} hold"), found, None)
    reasons += broken(found, chip.cores)
    mapping = map_network(found, chip, spikes, how=how, network=network)
    reasons += of_all_chips(found, chip.cores)
    if mapping is not None:
        reasons += of_mapping(mapping, chip.cores, {r.limit for r in reasons})
    elif not any(LIMITS[r.limit].of in ("core", "layer") for r in reasons if r.limit in LIMITS):
        reasons.append(Reason("", "the network: no mapping was found in which every core keeps to its limits"))
    return Fit(chip, tuple(reasons), (*doubts, *chip.cores.missing), found, mapping)
