"""The claims about a layer against every state with every input of small programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.certificate import analysis
from snn2hw.certificate.neuron import claims
from snn2hw.certificate.slices import supports
from snn2hw.errors import RuleError
from snn2hw.ir.integer import IntNeuron, Meaning
from snn2hw.ir.program import Instruction, Op, declared_interval, one_channel
from snn2hw.num import Format, Interval
from tests.certificate.brute import LNM, NEURONS, WEIGHT, Everything, entering, everything, layer, random_layers, values
from tests.hand_networks import compiled, counts, linear, network, one_neuron, readout
from tests.refused import refused

CORNERS = [(0, 0), (-3, 5)]  # inputs of two channels that differ


def hull(found: list[list[int]]) -> list[int]:
    return [min(lo for lo, _ in found), max(hi for _, hi in found)]


def assert_holds(node: IntNeuron, channels: list[tuple[int, int]]) -> int:
    """Every claim about ranges; returns how many values are attained at both ends."""
    claim = claims(node, channels)
    program, support = node.program, supports(node.program)
    everywhere = [everything(node, c, held) for c, held in enumerate(channels)]
    # After h, ends are attained for certain only where h takes every value between its own.
    gapless = all(len(np.unique(e.values["h"])) == e.ends("h")[1] - e.ends("h")[0] + 1 for e in everywhere)
    attained = 0
    for name, (lo, hi, how) in claim["values"].items():
        seen = hull([e.ends(name) for e in everywhere])
        assert lo <= seen[0] <= seen[1] <= hi, f"{name}: claimed [{lo}, {hi}], takes {seen}"
        variable = support[name]
        if variable in ("", "h", *program.states, program.input.name):
            assert how == ("interval" if name == "h" else "enumeration")
            if variable != "h" or gapless:
                assert [lo, hi] == seen, f"{name}: claimed [{lo}, {hi}], takes {seen}"
                attained += 1
    assert claim["widest_bits"] == max(Interval(lo, hi).bits[0] for lo, hi, _ in claim["values"].values())
    _assert_outputs(claim, node, everywhere)
    return attained


def _assert_outputs(claim: dict[str, Any], node: IntNeuron, everywhere: list[Everything]) -> None:
    ((name, state),) = node.program.states.items()
    outputs = {to: i.name for to, i in node.program.outputs.items()}
    held = claim["states"][name]
    assert held["interval"] == [declared_interval(state).lo, declared_interval(state).hi]
    after = hull([e.ends(outputs[name]) for e in everywhere])
    assert held["interval"][0] <= held["next"][0] <= after[0] <= after[1] <= held["next"][1] <= held["interval"][1]
    for (lo, hi), e in zip(claim["payloads"], everywhere, strict=True):
        seen = e.ends(outputs["spikes"])
        assert lo <= seen[0] <= seen[1] <= hi
    for clamp, c in claim["clamps"].items():
        argument = node.program.by_name[clamp].args[0]
        before = hull([e.ends(argument) for e in everywhere])
        assert c["before"][0] <= before[0] <= before[1] <= c["before"][1]
        assert c["acts"] == (c["before"][0] < c["bounds"][0] or c["before"][1] > c["bounds"][1])


@pytest.mark.parametrize("which", NEURONS)
@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_every_claimed_range_holds_and_what_was_tried_is_attained(which: str, target: str) -> None:
    node = layer(which, 8, target)
    for channels in (entering(node), CORNERS, CORNERS[::-1]):
        assert assert_holds(node, channels) >= 4


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 120), marks=pytest.mark.slow)])
def test_the_claims_about_random_layers_hold(seeds: range) -> None:
    tried = attained = 0
    for seed in seeds:
        for node, channels in random_layers(seed, 8, most_inputs=1500):
            attained += assert_holds(node, channels)
            tried += 1
    assert tried >= len(seeds)
    assert attained > 8 * tried


def test_payloads_are_claimed_channel_by_channel() -> None:
    """A channel that only inhibition enters stays silent, whatever the others do."""
    node = layer("LNM per channel", 10, strength=9.0)
    wide = entering(node)[0]
    found = claims(node, [(wide[0], wide[0]), wide])
    assert found["inputs"] == [[wide[0], wide[0]], [*wide]]
    assert found["payloads"] == [[0, 0], [0, 1]]


def test_a_program_with_equal_channels_is_tried_once_for_all_of_them() -> None:
    node, seen = layer("LIF"), list[int]()
    claims(node, [(-3, 5), (-7, 2)], seen.append)
    declared = declared_interval(node.program.states["u"])
    h = claims(node, [(-7, 5)])["values"]["h"]
    h_sum = claims(node, [(-7, 5)])["values"]["h_sum"]
    assert seen[:2] == [declared.hi - declared.lo + 1, 13]
    assert set(seen[2:]) <= {h[1] - h[0] + 1, h_sum[1] - h_sum[0] + 1}


@pytest.mark.parametrize("wide", [0, 1])
def test_of_channels_that_are_known_in_different_ways_the_weaker_is_claimed(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One channel's input can be tried, the other's has too many values: what depends on it is bounded by intervals."""
    monkeypatch.setattr(analysis, "MOST_TRIED", 300)
    source, weight = counts(2, hi=15), np.array(WEIGHT)
    net = network(2, source, linear("fc", "input", weight), NEURONS["LNM per channel"], linear("h", "n", np.eye(2)), readout("h"))
    (node,) = compiled(net, state_bits=8).network.neurons
    support, entry = supports(node.program), node.program.input.name

    def methods(held: list[tuple[int, int]]) -> set[str]:
        return {how for name, (_, _, how) in claims(node, held)["values"].items() if support[name] == entry and name != entry}

    narrow, far = (-3, 5), (-200, 200)
    assert methods([narrow, narrow]) == {"enumeration"}
    assert methods([narrow, far] if wide else [far, narrow]) == {"interval"}


# errors


def test_the_errors_are_the_largest_of_all_channels() -> None:
    for which in ("LNM", "LNM per channel", "input first", "LIF"):
        node = layer(which, 10)
        meaning, roles = node.meaning, node.program.roles
        assert meaning is not None
        assert roles is not None
        polynomial = roles.polynomial
        found = claims(node, entering(node))["errors"]
        unit = 2.0 ** -node.program.by_name[polynomial.argument].format.frac
        signed = []
        for c in range(node.program.channels):
            every = everything(node, c, entering(node)[0])
            held = declared_interval(node.program.by_name[polynomial.argument])
            u = np.arange(held.lo, held.hi + 1)
            got = values(every.program, {polynomial.argument: u})[polynomial.value]
            row = meaning.coefficients[c if len(meaning.coefficients) > 1 else 0]
            signed.append(got - np.polynomial.polynomial.polyval(u * unit, row) / unit)
        worst = [np.abs(s) for s in signed]
        channel = int(np.argmax([w.max() for w in worst]))
        first = int(u[worst[channel].argmax()])
        each = {str(c): pytest.approx(worst[c % len(worst)].max(), abs=1e-6) for c in range(len(entering(node)))}
        assert found["polynomial"] == {
            "channels": each,
            "state_lsb": pytest.approx(worst[channel].max(), abs=1e-6), "at": first, "channel": channel,
            "signed": pytest.approx([min(s.min() for s in signed), max(s.max() for s in signed)], abs=1e-6),
        }  # fmt: skip


@pytest.mark.parametrize("which", ["LNM", "LNM per channel"])
def test_the_error_is_that_of_the_worst_channel_where_others_have_the_same_integers(which: str) -> None:
    """Reals that differ by less than the integers can tell round to the same program, and are at other distances from it."""
    node = layer(which, 10)
    assert node.meaning is not None
    (first, *_), factor = node.meaning.coefficients, node.meaning.input_factor[0]
    off = (first[0] + 0.004, *first[1:])  # some four units of the state
    one = one_channel(node.program, 0)
    held = entering(node)
    both = replace(node, program=one, meaning=Meaning((first, off), (factor, 1.01 * factor)))
    alone = [
        claims(replace(node, program=one, meaning=Meaning((row,), (f,))), held)["errors"]
        for row, f in ((first, factor), (off, 1.01 * factor))
    ]
    found = claims(both, held)["errors"]
    for what in ("polynomial", "input"):
        assert alone[1][what]["state_lsb"] > alone[0][what]["state_lsb"]
        assert found[what]["state_lsb"] == alone[1][what]["state_lsb"]
        assert found[what]["channel"] == 1
        assert found[what]["channels"] == {str(c): alone[c][what]["state_lsb"] for c in range(2)}
        assert found[what]["signed"] == [pick(a[what]["signed"][k] for a in alone) for k, pick in enumerate((min, max))]


def test_an_integrator_has_no_error_of_a_polynomial() -> None:
    node = layer("IF")
    assert set(claims(node, entering(node))["errors"]) <= {"input"}


def test_a_program_that_was_integers_from_the_start_has_no_errors() -> None:
    assert claims(replace(layer("LNM"), meaning=None), CORNERS)["errors"] == {}


# mistakes of ours


def test_a_value_that_leaves_its_format_is_a_mistake_of_ours() -> None:
    node = layer("LIF")
    lines = [replace(i, format=Format(6, i.format.frac)) if i.name == "h_sum" else i for i in node.program.instructions]
    broken = replace(node, program=replace(node.program, instructions=tuple(lines)))
    h_sum = claims(node, CORNERS)["values"]["h_sum"]
    with refused(
        RuleError,
        f"a value leaves its format\n  where:    n (LIF): h_sum\n  got:      [{h_sum[0]}, {h_sum[1]}] in s6.5",
    ):
        claims(broken, CORNERS)


def test_a_firing_that_is_not_what_the_constants_state_is_a_mistake_of_ours() -> None:
    node = layer("circulate", strength=9.0)
    lines = [Instruction(i.name, Op.GT, i.args, (), i.format) if i.name == "up3" else i for i in node.program.instructions]
    broken = replace(node, program=replace(node.program, instructions=tuple(lines)))
    h = claims(node, entering(node))["values"]["h"]
    with refused(
        RuleError,
        "the firing of the program is not the one its constants state\n  where:    CirculateFiring\n"
        f"  got:      h in [{h[0]}, {h[1]}]",
    ):
        claims(broken, entering(node))


def test_claims_of_a_compiled_layer_name_the_layer_and_its_kind() -> None:
    (node,) = compiled(one_neuron(LNM)).network.neurons
    found = claims(node, entering(node))
    assert (found["layer"], found["kind"]) == ("n", "LNM")
    assert list(found) == [
        "layer", "kind", "inputs", "payloads", "states", "values", "widest_bits", "clamps", "errors", "firing",
    ]  # fmt: skip
