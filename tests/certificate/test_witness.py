"""Run at the witness, the program really carries the argument of its clamp beyond."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.certificate.neuron import claims
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import one_channel
from tests.certificate.brute import NEURONS, entering, layer, random_layers, values


def beyond(node: IntNeuron, channels: list[tuple[int, int]]) -> int:
    """How many clamps act; each is driven beyond its bounds by its witness, in the channel that the witness names."""
    found = claims(node, channels)
    acting = 0
    for name, clamp in found["clamps"].items():
        assert bool(clamp["witness"]) == clamp["acts"]
        if not clamp["acts"]:
            continue
        at = dict(clamp["witness"])
        channel = at.pop("channel")
        program = one_channel(node.program, channel)
        reached = int(values(program, {k: np.array(v) for k, v in at.items()})[program.by_name[name].args[0]])
        lo, hi = clamp["bounds"]
        assert not lo <= reached <= hi, f"{name} at {clamp['witness']} is {reached}, within [{lo}, {hi}]"
        for variable, value in at.items():
            low, high, _ = found["values"][variable]
            assert low <= value <= high
        if program.input.name in at:
            assert channels[channel][0] <= at[program.input.name] <= channels[channel][1], "this never enters that channel"
        acting += 1
    return acting


@pytest.mark.parametrize("which", NEURONS)
@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_the_witness_drives_the_clamp_beyond(which: str, target: str) -> None:
    """Behind weights this strong every membrane passes its range."""
    node = layer(which, 10, target, strength=9.0)
    wide = entering(node)[0]
    clamps = len(claims(node, [wide, wide])["clamps"])
    assert beyond(node, [wide, wide]) == clamps
    assert beyond(node, [(0, 0), wide]) >= 1
    assert beyond(node, [wide, (0, 0)]) >= 1


def test_the_witness_is_a_channel_that_such_an_input_enters() -> None:
    """Channels with the same constants are tried together; what enters one of them need not enter another."""
    node = layer("LIF", 10, "generic", strength=9.1)
    wide = entering(node)[0]
    for channels, loud in (([(0, 0), wide], 1), ([wide, (0, 0)], 0)):
        assert beyond(node, channels) == 1
        found = claims(node, channels)
        assert found["clamps"]["h"]["witness"]["channel"] == loud
        assert found["errors"]["input"]["channel"] == loud
        assert found["errors"]["input"]["at"] != 0


def test_witnesses_of_random_layers() -> None:
    acting = 0
    for seed in range(24):
        for node, channels in random_layers(seed, 8, most_inputs=1500):
            narrow = [(lo // (c + 1), hi // (c + 1)) for c, (lo, hi) in enumerate(channels)]
            acting += beyond(node, narrow) + beyond(node, narrow[::-1])
    assert acting > 10


def test_a_clamp_that_never_acts_has_no_witness() -> None:
    clamp = claims(layer("LIF", 10), [(0, 0), (0, 0)])["clamps"]["h"]
    assert (clamp["acts"], clamp["witness"]) == (False, {})


def test_the_highest_end_is_reached_where_there_is_one_beyond() -> None:
    node = layer("LIF", 10, "generic", strength=9.0)
    lo, hi = entering(node)[0]
    found = claims(node, [(lo, hi)])
    at = found["clamps"]["h"]["witness"]
    reached = int(values(node.program, {k: np.array(at[k]) for k in ("u", "x")})["h_sum"])
    assert reached == found["values"]["h_sum"][1]
    only_low = claims(node, [(lo, 0)])
    at = only_low["clamps"]["h"]["witness"]
    reached = int(values(node.program, {k: np.array(at[k]) for k in ("u", "x")})["h_sum"])
    assert reached == only_low["values"]["h_sum"][0]
