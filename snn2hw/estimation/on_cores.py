"""A network on a chip with cores: whether they hold it, where its neurons lie, and what that sends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snn2hw.estimation.fits import Fit, check_fit
from snn2hw.estimation.held import Asked, Held, Used
from snn2hw.estimation.mapping import Mapping as CoreMapping
from snn2hw.target import Target
from snn2hw.target.cores import LIMITS

FULLEST = "fullest core: "


def on_cores(asked: Asked) -> Held:
    """Every reason why the chip does not hold the network, and the mapping; of a target without cores only what is needed."""
    counts, chip = asked.counts, asked.chip
    found = check_fit(asked.artefact.network, chip, counts.spikes_by_value(), network=_name(asked))
    notes = _compiled_for(asked) if found.reasons else ()
    needed = {kind: Used(bits, None, "bits") for kind, bits in found.resources.memory_bits.items()}
    if found.mapping is None:
        known = None if chip.cores is None and not found.reasons else found.fits
        return Held(known, found.reasons, found.gaps, notes, memory=needed)
    mapping = found.mapping
    return Held(
        found.fits,
        found.reasons,
        found.gaps,
        (_said(mapping), *notes),
        cores=mapping.cores,
        chips=mapping.chips,
        memory=needed | _fullest(found, mapping),
        destinations=_destinations(mapping),
        mapping=mapping,
    )


def _name(asked: Asked) -> str:
    folder = asked.artefact.folder
    return folder.name if folder is not None else ""


def _compiled_for(asked: Asked) -> tuple[str, ...]:
    """What to do about widths that are those of another target."""
    chip, made_for = asked.chip, asked.artefact.network.target
    if not isinstance(chip, Target) or made_for == chip.name:
        return ()
    return (f"the model was compiled for {made_for}: compile it for {chip.name} (--target) to have its widths and its rounding",)


def _fullest(found: Fit, mapping: CoreMapping) -> dict[str, Used]:
    """Of every limit of a core, what the fullest core takes of it."""
    assert found.chip.cores is not None
    taken = {}
    for limit, shares in mapping.utilisation.items():
        core = int(np.argmax(shares))
        load = int(mapping.arrangement.loads[limit][core])
        most = found.chip.cores.stated(limit, int(mapping.places.position[core]))
        taken[f"{FULLEST}{LIMITS[limit].says.split(':')[0]}"] = Used(load, most, "")
    return taken


def _said(mapping: CoreMapping) -> str:
    """How good the mapping is."""
    counted = "counted on the samples" if mapping.counted else "one for each value, as none were counted"
    return (
        f"{mapping.spikes_between_cores:,.0f} spikes of a sample go from core to core, or come from outside ({counted}); no "
        f"mapping sends fewer than {mapping.fewest:,.0f}, block after block in order sends {mapping.greedy:,.0f}; found by: "
        f"{mapping.found_by}"
    )


def _destinations(mapping: CoreMapping) -> Mapping[str, float]:
    """Of what a layer fires, to how many cores it is sent on average, its own among them where it reads itself."""
    arrangement = mapping.arrangement
    problem, (net, _) = arrangement.problem, arrangement.reach
    sent: dict[str, float] = {}
    fired: dict[str, float] = {}
    reached = np.bincount(net, minlength=len(problem.net_source))
    for source, spikes, cores in zip(problem.net_source.tolist(), problem.net_spikes.tolist(), reached.tolist(), strict=True):
        if source >= 0:
            layer = problem.blocks[source].layer
            fired[layer] = fired.get(layer, 0.0) + spikes
            sent[layer] = sent.get(layer, 0.0) + spikes * cores
    return {layer: sent[layer] / total for layer, total in fired.items() if total}
