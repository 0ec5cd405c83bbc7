"""Float network and integers side by side: every number again by a plain walk over the two traces."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_type_hints

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.errors import Snn2hwError
from snn2hw.ir.encode import encode
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.family import equation_of
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Circulate, Delay, EquationNeuron, Feedback, Network, Neuron, Single
from snn2hw.ir.program import Op, declared_interval, initial_value
from snn2hw.ir.real import neuron_step, run_real
from snn2hw.neurons import in_numpy
from snn2hw.neurons.equation import deciding
from snn2hw.passes.base import Compilation
from snn2hw.passes.findings import HEAD_LSB
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.verification import agreement, short
from snn2hw.verification.accuracy import Evaluation, evaluated
from snn2hw.verification.agreement import PLACE, Counted, Place, Tally, explained
from snn2hw.verification.beside import Beside, layers_of
from snn2hw.verification.inputs import synaptic_sums
from tests.random_networks import LATE, LAYERED, RECURRENT, STEPPED, Case, random_case, target_of
from tests.verification.hand_networks import Array, circulate, counts, every_kind, integrate, linear, network, neuron, readout
from tests.verification.hand_networks import compiled as compiled_by_hand


def measured(real: Network | None, net: IntegerNetwork, x: Array, batch: int = 64) -> Evaluation:
    tally, axis = Tally(net, real, 1.0), 0 if net.input.static else 1
    for start in range(0, x.shape[axis], batch):
        some = np.take(x, range(start, min(start + batch, x.shape[axis])), axis)
        payloads = encode(net, some)
        tally.add(some, payloads, interpret(net, payloads))
    return evaluated(tally, "reference", {"all": slice(0, net.readout.shape[0])})


def fired_by_float(real: Network, x: Array) -> tuple[dict[str, Array], Array]:
    """Spike values [T, N, ...] of every layer, and the readout."""
    seen: dict[str, list[Array]] = {}

    def note(node: object, inputs: object, value: Array) -> None:
        if isinstance(node, Delay | Neuron | EquationNeuron):
            seen.setdefault(node.name, []).append(value)

    logits = run_real(real, x, note)
    return {name: np.stack(values) for name, values in seen.items()}, logits


def fired_when_held(real: Network, net: IntegerNetwork, payloads: Array, fired: dict[str, Array]) -> dict[str, Array]:
    """The same of float neurons each of which reads what the integers fired: layer by layer, each through all its steps."""
    found: dict[str, Array] = {}
    entering = {real.input.name: payloads * net.input.unit, **fired}

    def value(name: str, t: int) -> Array:
        node = next(n for n in real.nodes if n.name == name)
        if isinstance(node, Feedback):
            return entering[node.inputs[0]][t - 1] if t else np.zeros_like(entering[node.inputs[0]][0])
        return entering[name][t] if name in entering else node.real([value(i, t) for i in node.inputs])

    for node in real.neurons:
        assert isinstance(node, Neuron)
        u = current = np.zeros_like(fired[node.name][0])
        spikes = []
        for t in range(real.steps):
            x = value(node.inputs[0], t)
            if node.current is not None:
                decay = node.current.decay.reshape((1, -1) + (1,) * (x.ndim - 2))
                x = current = np.clip(decay * current + node.gain * x, *node.current.state_range)
            payload, u = neuron_step(node, u, x, t)
            spikes.append(payload)
        found[node.name] = np.stack(spikes)
    return found


def check(real: Network, net: IntegerNetwork, x: Array, batch: int = 64) -> Evaluation:
    """Rates and mismatches by whole traces at once; the networks' readouts."""
    got = measured(real, net, x, batch)
    payloads = encode(net, x)
    trace = interpret(net, payloads)
    unit = {n.name: 2.0**-n.format.frac for n in net.neurons}
    fired = {name: spikes * unit[name] for name, spikes in trace.spikes.items()}
    by_float, logits = fired_by_float(real, x)
    held = fired_when_held(real, net, payloads, fired)
    for name, layer in got.layers.items():
        total = fired[name].size
        assert layer.values == total
        assert layer.rate == (fired[name] != 0).sum() / total
        assert layer.float_rate == (by_float[name] != 0).sum() / total
        exact = all(float(v / unit[name]).is_integer() for v in np.unique([by_float[name], held[name]]))
        if exact:  # amplitudes that 8 bits hold
            assert layer.mismatches == (by_float[name] != fired[name]).sum()
            assert layer.spike_mismatch == layer.mismatches / total
            assert layer.own_mismatches == (held[name] != fired[name]).sum()
            assert layer.own_mismatch == layer.own_mismatches / total
            assert layer.own_rate == (held[name] != 0).sum() / total
    assert got.same_prediction == (logits.argmax(1) == trace.readout.argmax(1)).mean() or net.readout.shape == (1,)
    np.testing.assert_allclose(got.readout_error, np.sqrt(np.mean((trace.readout - real.readout.share * logits) ** 2)))
    return got


def integers(case: Case) -> IntegerNetwork:
    """As `snn2hw.compile` makes them; `tests.random_networks.compiled` puts neurons of chips into some."""
    return run_pipeline(Compilation(case.network, target_of(case.target), case.options, case.sample)).network


@pytest.mark.parametrize("base", [0, LAYERED, RECURRENT, LATE, STEPPED])
def test_random_networks(base: int) -> None:
    for seed in range(base, base + 2):
        case = random_case(seed)
        got = check(case.network, integers(case), case.sample, batch=1 + seed % 3)
        assert got.first_unexplained is None


@pytest.mark.slow
@pytest.mark.parametrize("base", [0, LAYERED, RECURRENT, LATE, STEPPED])
def test_many_random_networks(base: int) -> None:
    refused = 0
    for seed in range(base + 2, base + 62):
        case = random_case(seed)
        try:
            net = integers(case)
        except Snn2hwError:  # wider than the target
            refused += 1
            continue
        assert check(case.network, net, case.sample).first_unexplained is None, f"seed {seed}"
    assert refused <= 6


def test_what_begins_in_a_layer_is_told_from_what_it_is_handed() -> None:
    real, sample = every_kind()
    images = np.random.default_rng(3).random((20, 1, 6, 6))
    got = check(real, compiled_by_hand(real, sample), images)
    assert list(got.layers) == ["lnm", "cf", "fire", "lif"]
    assert any(layer.spike_mismatch for layer in got.layers.values())
    assert all(0 < layer.rate < 1 and not layer.dead for layer in got.layers.values())
    assert sum(layer.own_mismatches or 0 for layer in got.layers.values()) < sum(
        layer.mismatches or 0 for layer in got.layers.values()
    )


def test_where_nothing_is_rounded_both_are_the_same() -> None:
    layers = (
        linear("fc", "input", [[1.0, -0.5], [0.25, 0.75]]),
        integrate("if", "fc"),
        linear("head", "if", np.eye(2)),
        readout("head"),
    )
    real = network(4, counts(2), *layers)
    x = np.random.default_rng(0).integers(0, 4, (4, 9, 2)).astype(np.float64)
    net = compiled_by_hand(real, x)
    tally = Tally(net, real, 2.0**-net.readout.format.frac)
    payloads = encode(net, x)
    tally.add(x, payloads, interpret(net, payloads))
    got = evaluated(tally, "reference", {"all": slice(0, 2)})
    layer = got.layers["if"]
    assert (got.same_prediction, got.readout_error, layer.mismatches, layer.own_mismatches) == (1.0, 0.0, 0, 0)
    assert layer.sum_error == 0.0
    assert layer.rate == layer.float_rate == layer.own_rate > 0


@pytest.mark.parametrize("amplitudes", [(1.0, 0.5), (0.3, 0.3, 0.3), (1.0, 0.1)])
def test_an_amplitude_that_is_rounded_is_no_other_spike(amplitudes: tuple[float, ...]) -> None:
    layers = (linear("fc", "input", [[1.0, -0.5], [0.5, 0.75]]), circulate("cf", "fc", amplitudes=amplitudes), readout("cf"))
    real = network(3, counts(2), *layers)
    x = np.random.default_rng(0).integers(0, 4, (3, 9, 2)).astype(np.float64)
    got = measured(real, compiled_by_hand(real, x), x)
    assert got.layers["cf"].mismatches == 0
    assert got.layers["cf"].rate > 0
    assert (got.readout_error or 0) > 0 or amplitudes == (1.0, 0.5)


def altered(net: IntegerNetwork, layer: str, constant: str, edit: Any) -> IntegerNetwork:
    """A fault in a neuron's program, such as a compiler might make."""
    node = next(n for n in net.neurons if n.name == layer)
    program = node.program
    changed = tuple(
        replace(i, attrs=(tuple(map(edit, i.attrs[0])), *i.attrs[1:])) if i.name == constant else i for i in program.instructions
    )
    made: IntNeuron = replace(node, program=replace(program, instructions=changed))
    return replace(net, nodes=tuple(made if n.name == layer else n for n in net.nodes))


def test_a_fault_in_a_program_is_not_explained_by_rounding() -> None:
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    images = np.random.default_rng(3).random((20, 1, 6, 6))
    assert measured(real, net, images).first_unexplained is None
    lif = next(n for n in net.neurons if n.name == "lif").program
    assert lif.roles is not None
    assert lif.roles.firing is not None
    threshold = lif.roles.firing.thresholds[0].constant
    got = measured(real, altered(net, "lif", threshold, lambda v: v + v // 4), images)
    assert got.first_unexplained == "lif"
    assert (got.layers["lif"].unexplained or 0) > 20
    assert got.layers["cf"].unexplained == 0
    assert measured(real, altered(net, "lif", threshold, lambda v: v + 2), images).first_unexplained is None  # rounding's size


def test_coarse_weights_are_explained_and_shown() -> None:
    """Whatever rounding does to the sums is explained, and how much that is stands beside it."""
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    images = np.random.default_rng(3).random((20, 1, 6, 6))
    node = next(n for n in net.nodes if n.name == "fc")
    coarse: Any = replace(node, weight=(node.weight // 32 * 32).astype(np.int8))  # type: ignore[attr-defined]
    coarse = replace(net, nodes=tuple(coarse if n.name == "fc" else n for n in net.nodes))
    fine, got = measured(real, net, images), measured(real, coarse, images)
    reader = next(n.name for n in net.neurons if n.inputs == ("fc",))
    assert (got.layers[reader].own_mismatches or 0) > 5 * (fine.layers[reader].own_mismatches or 0)
    assert (got.layers[reader].sum_error or 0) > 5 * (fine.layers[reader].sum_error or 0) > 0
    assert got.first_unexplained is None


@pytest.mark.parametrize("seed", range(3))
def test_saturation_is_where_a_clamp_changes_what_it_is_given(seed: int) -> None:
    case = random_case(seed)
    net = integers(case)
    payloads = encode(net, case.sample)
    trace = interpret(net, payloads)
    got = measured(case.network, net, case.sample)
    for node in net.neurons:
        if node.name not in got.layers or node.program.roles is None:
            continue
        clamp = node.program.by_name[node.program.roles.membrane]
        clamps = node.program.of(Op.CLAMP)
        if list(clamps) != [clamp] or declared_interval(clamp).lo == 0:
            continue
        # Without its clamp in front of it, the membrane is what the state would be, where nothing fires and no reset changes it.
        held = np.zeros(trace.spikes[node.name].shape, bool)
        for t in range(net.steps):
            for n in range(payloads.shape[1]):
                held[t, n] = _clamped(net, node, trace, payloads, t, n, clamp)
        assert got.layers[node.name].saturation == held.mean()


def _clamped(net: IntegerNetwork, node: IntNeuron, trace: Any, payloads: Array, t: int, n: int, clamp: Any) -> Array:
    sums = synaptic_sums(net, node.name, t, trace, payloads, n)
    found = np.zeros(sums.shape, bool)
    for at in np.ndindex(*sums.shape):
        states = {
            s: int(trace.states[f"{node.name}.{s}"][(t - 1, n, *at)]) if t else initial_value(i)
            for s, i in node.program.states.items()
        }
        value = evaluate_scalar(node.program, int(sums[at]), states, at[0])[clamp.args[0]]
        found[at] = value not in declared_interval(clamp)
    return found


@pytest.mark.parametrize(("low", "held"), [(0.0, False), (-1.0, True)])
@pytest.mark.parametrize("as_equation", [False, True])
def test_a_floor_at_which_a_membrane_rests_is_no_bound_that_holds_it(low: float, held: bool, as_equation: bool) -> None:
    """Of integers and of the equation, also where a user wrote it: every membrane is driven below its range."""
    lif = replace(integrate("if", "fc"), state_range=(low, 4.0))
    down = replace(linear("fc", "input", [[-1.0, -1.5], [-0.75, -2.0]]), bias=np.full(2, -2.0))
    real = network(3, counts(2), down, lif, readout("if"))
    if as_equation:
        real = replace(real, nodes=tuple(equation_of(n) if isinstance(n, Neuron) else n for n in real.nodes))
    x = np.random.default_rng(0).integers(1, 4, (3, 9, 2)).astype(np.float64)
    layer = measured(real, compiled_by_hand(real, x), x).layers["if"]
    assert layer.saturation == layer.float_saturation == float(held)
    assert (layer.mismatches, layer.own_mismatches, layer.unexplained) == (0, 0, 0)
    assert layer.dead
    assert not layer.died


def test_integers_alone() -> None:
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    got, both = measured(None, net, sample), measured(real, net, sample)
    assert (got.same_prediction, got.readout_error, got.first_unexplained) == (None, None, None)
    for name, layer in got.layers.items():
        assert (layer.rate, layer.saturation) == (both.layers[name].rate, both.layers[name].saturation)
        assert layer.float_rate is layer.mismatches is layer.own_mismatches is layer.sum_error is None


def test_a_recurrent_edge_hands_on_what_the_integers_fired() -> None:
    case = next(c for c in map(random_case, range(RECURRENT, RECURRENT + 60)) if _loops(c.network))
    net = integers(case)
    assert net.feedbacks
    assert check(case.network, net, case.sample).first_unexplained is None


def _loops(net: Network) -> bool:
    return any(isinstance(n, Feedback) for n in net.nodes)


@pytest.mark.parametrize(("values", "samples"), [(1000, 32), (7, 7), (0, 1)])
def test_a_large_network_is_shown_fewer_samples_after_its_compilation(
    values: int, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`values` are those of so many samples."""
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    each = net.steps * sum(int(np.prod(n.shape)) for n in net.neurons)
    monkeypatch.setattr(short, "VALUES", values * each)
    images = np.random.default_rng(3).random((40, 1, 6, 6))
    assert short.short_form(real, net, 1.0, images).samples == samples


@pytest.mark.parametrize("samples", [1, 7, 64])
def test_however_few_samples_are_walked_together_the_counts_are_the_same(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places, too: of all samples, and not of the few."""
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    images = np.random.default_rng(3).random((40, 1, 6, 6))
    images[:9] = 0.0  # nothing fires otherwise, so that the first place is none of the first few samples
    payloads = encode(net, images)
    trace = interpret(net, payloads)
    whole = Tally(net, real, 1.0).part(images, payloads, trace)
    monkeypatch.setattr(agreement, "AT_ONCE", samples * 3 * 6 * 6)  # the widest layers have 3 channels of 6 x 6
    tally = Tally(net, real, 1.0)
    assert tally.at_once == samples
    few = tally.part(images, payloads, trace)
    np.testing.assert_array_equal(few.readout, whole.readout)
    assert few.float_readout is not None
    assert whole.float_readout is not None
    np.testing.assert_allclose(few.float_readout, whole.float_readout, rtol=1e-12)
    for name, counted in whole.layers.items():
        for each in fields(Counted):
            got, expected = getattr(few.layers[name], each.name), getattr(counted, each.name)
            assert got == (pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected), each.name
    assert max(c.first_mismatch[0] for c in whole.layers.values() if c.first_mismatch) >= 9


@pytest.mark.parametrize("scheduled", [False, True])
def test_few_neurons_are_explained_as_their_whole_layer_is(scheduled: bool) -> None:
    """Each has the constants of its own channel, and all those of their step."""
    rng = np.random.default_rng(5)
    firing = Circulate((1.0, 0.5), (1.0, 1.0), signed=False, by_step=(1.0, 0.7, 1.3)) if scheduled else Single(1.0)
    lnm = neuron("lnm", "fc", firing, rng.normal(0.5, 0.2, (3, 2)))  # as many channels as steps
    real = network(3, counts(3), linear("fc", "input", np.eye(3)), lnm, readout("lnm"))
    net = compiled_by_hand(real, rng.integers(0, 4, (3, 9, 3)).astype(np.float64))
    layer = Beside(next(layers_of(net)), next(iter(real.neurons)))
    assert layer.equation is not None
    equation, parameters = layer.equation.equation, layer.equation.parameters
    x, states = rng.normal(1, 1, (50, 3)), {s.name: rng.normal(0, 1, (50, 3)) for s in equation.states}
    own, where = x + rng.normal(0, 0.3, x.shape), rng.random(x.shape) < 0.5
    for t in range(3):
        values, moved = (in_numpy.evaluate(equation, parameters, states, sums, t) for sums in (x, own))
        pairs = [[v[a] - v[b] for v in (values, moved)] for a, b in deciding(equation)]
        expected = np.any([np.abs(m) <= np.abs(after - m) + HEAD_LSB * layer.lsb for m, after in pairs], axis=0)
        assert 0 < expected.mean() < 1
        np.testing.assert_array_equal(explained(layer, states, x, own, where, t), expected[where])


def test_of_two_batches_counts_are_added_and_the_first_of_something_is_that_of_the_earlier_one() -> None:
    """What a field is stands in its metadata; a name says nothing."""
    hints = get_type_hints(Counted)
    places = [f.name for f in fields(Counted) if f.metadata == PLACE]
    assert places == [f.name for f in fields(Counted) if hints[f.name] == Place | None]
    for name in places:
        one, other = Counted(values=3), Counted(values=4, **{name: (1, 2, 3)})
        one.add(other, before=10)
        assert (one.values, getattr(one, name)) == (7, (11, 2, 3))
        one.add(other, before=20)
        assert getattr(one, name) == (11, 2, 3)
