"""A network of the size of ResNet-18 is mapped in seconds; neurons are never listed one by one."""

from __future__ import annotations

import time

import pytest

from snn2hw.estimation.fits import check_fit
from snn2hw.target import load_chip
from tests.estimation.hand_integers import resnet18
from tests.estimation.mapping.cases import with_limits

SECONDS = 10  # that the mapping of it may take


@pytest.mark.slow
@pytest.mark.parametrize(("side", "chip"), [(32, "loihi2"), (224, "loihi2"), (224, "spinnaker2")])
def test_resnet18_is_mapped_in_seconds(side: int, chip: str) -> None:
    net = resnet18(side, stem=3 if side == 32 else 7)
    start = time.process_time()
    fit = check_fit(net, load_chip(chip))
    seconds = time.process_time() - start
    assert fit.mapping is not None
    m = fit.mapping
    print(
        f"ResNet-18 of {side} x {side}, {fit.resources.neurons:,} neurons, on {chip}: {seconds:.1f} s, {m.cores} cores (at "
        f"least {m.fewest_cores}), {m.chips} chips, {m.spikes_between_cores:,.0f} spikes between cores (at least {m.fewest:,.0f})"
    )
    assert fit.reasons == ()
    assert m.fewest_cores <= m.cores <= 2 * m.fewest_cores
    assert m.fewest <= m.spikes_between_cores <= 8 * m.fewest
    assert seconds < SECONDS


def test_the_layers_that_break_a_limit_of_loihi_are_named() -> None:
    """4,608 input axons are the 3 x 3 places of 512 channels; 4,609 and 4,864 those and what the join adds."""
    found = [r for r in check_fit(resnet18(32), load_chip("loihi1")).found if r.limit == "in_axons"]
    assert [r.text for r in found] == [
        "layer4.0.n2 (Neuron): 4,864 input axons on a core, limit 4,096",
        "layer4.1.n1 (Neuron): 4,608 input axons on a core, limit 4,096",
        "layer4.1.n2 (Neuron): 4,609 input axons on a core, limit 4,096",
        "readout (Readout): 8,192 input axons on a core, limit 4,096",
    ]


@pytest.mark.slow
def test_where_cores_are_scarce_blocks_of_different_needs_share_them() -> None:
    """Early layers ask for neurons, late ones for weights: whole blocks need 148 cores, and smaller ones fit on 140."""
    chip = with_limits(load_chip("loihi2"), chips=1, cores_per_chip=140)
    fit = check_fit(resnet18(32), chip)
    assert fit.reasons == ()
    assert fit.mapping is not None
    assert (fit.mapping.chips, fit.mapping.cores <= 140) == (1, True)
