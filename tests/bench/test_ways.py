"""What is timed gives the integers of the reference, and peers have their own neurons."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch

from snn2hw.backends.fast.executor import Fast

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(p) is None for p in ("torch", "onnxruntime", "matplotlib", "sklearn")),
        reason="`make bench` needs the demo extra",
    ),
]


@pytest.mark.parametrize("name", ["snnTorch", "SpikingJelly"])
def test_a_peers_network_is_ours_with_its_own_neurons(name: str) -> None:
    """Every neuron is another; all else, and what enters and leaves, is the same; a call leaves no state behind."""
    from bench.networks import digits
    from bench.peers import installed, peer
    from snn2hw import nn
    from snn2hw.nn.base import Neuron

    if not installed(name):
        pytest.skip(f"{name} is not installed")
    made = digits(2)
    model, x = peer(made.model, name), nn.repeat(made.images, 4)
    with torch.inference_mode():
        first, again = model(x), model(x)
    assert first.shape == made.model(x).shape
    assert (first == again).all()
    kept = {key for key in made.model.state_dict() if "fire" not in key}
    assert not any(isinstance(m, Neuron) for m in model.modules())
    assert any(isinstance(m, Neuron) for m in made.model.modules()), "the model itself is as it was"
    theirs = model.state_dict()
    assert all((theirs[key] == made.model.state_dict()[key]).all() for key in kept & set(theirs))
    neurons = [m for m in model.modules() if type(m).__name__ in ("Leaky", "LIFNode")]
    assert len(neurons) == len(made.artefact.network.neurons)
    assert all(type(m).__module__.startswith(name.lower()) for m in neurons)


@pytest.mark.parametrize("name", ["snnTorch", "SpikingJelly"])
def test_the_neurons_of_peers_subtract_their_threshold_and_take_the_input_as_it_is(name: str) -> None:
    """By hand: a neuron that is reset to 0 fires once, and so does one that takes half of the input."""
    from bench.peers import _NEURONS, installed

    if not installed(name):
        pytest.skip(f"{name} is not installed")
    x = torch.zeros(5, 1, 1)
    x[0] = 4.5
    # Membranes: 4.5, 3.5 / 2 (at once), .75 / 2; or 4.5, 4.5 / 2 - 1 (one step later), 1.25 / 2 - 1.
    assert _NEURONS[name]()(x).flatten().tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("traced", [False, True])
def test_a_way_with_other_integers_is_not_timed(monkeypatch: pytest.MonkeyPatch, traced: bool, call: int) -> None:
    """From the second call on, threads share the work in another way."""
    from bench import ways as module
    from bench.networks import digits
    from snn2hw.trace import Trace

    made, calls = digits(1), []
    array = f"spikes/{made.artefact.network.neurons[-1].name}" if traced else "readout"
    name = module.TRACED if traced else module.TWO

    class Wrong(Fast):
        def run(self, *arguments: Any, **named: Any) -> Trace:
            right = super().run(*arguments, **named)
            calls.append(right)
            if len(calls) == call:
                right.arrays()[array].flat[-1] += 1
            return right

    monkeypatch.setitem(module._FASTS, name, Wrong())
    said = f"{name} gives another {array} than the reference for digits_lnm, LNM, in call {call}"
    with pytest.raises(AssertionError, match=said):
        module.ways(made, 1, (name,))
    assert list(module.ways(made, 1, (name,))) == [name]


@pytest.mark.parametrize("kind", ["digits", "signed"])
def test_plain_c_gives_the_readout_of_the_reference(kind: str) -> None:
    """Of spike values of both signs, too, which the back end moves by a constant and plain C does not."""
    from bench.networks import compiled, digits
    from bench.ways import PLAIN, ways

    made = digits(1) if kind == "digits" else compiled("ResNet-18", "CF", None, (8, 8, 8, 8), 1)
    assert list(ways(made, 1, (PLAIN,))) == [PLAIN]


def test_a_call_with_another_trace_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import ways as module
    from bench.networks import digits
    from snn2hw.trace import Trace

    made = digits(3)
    assert list(module.calls(made, 70)) == [module.FAST, module.TRACED]

    class Wrong(Fast):
        def run(self, *arguments: Any, **named: Any) -> Trace:
            right = super().run(*arguments, **named)
            next(iter(right.spikes.values())).flat[-1] += 1
            return right

    monkeypatch.setitem(module._FASTS, module.FAST, Wrong())
    with pytest.raises(AssertionError, match="gives another trace than the reference for 70 samples of digits_lnm"):
        module.calls(made, 70)


def test_linear_layers_run_side_by_side_and_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import ways as module
    from bench.further import linear

    made, asked = linear((256, 256, 128), 16), dict[str, set[int]]()
    assert [n.shape for n in made.artefact.network.neurons][:2] == [(256,), (128,)]
    assert made.artefact.network.steps == 1
    assert abs(made.density - 20) < 6
    whole = Fast._found

    def found(self: Fast, key: Any, make: Any) -> Any:
        asked.setdefault(type(self).__name__, set()).add(key[2])
        return whole(self, key, make)

    monkeypatch.setattr(Fast, "_found", found)
    names = (module.FAST, module.ONE_BY_ONE)
    assert list(module.ways(made, 16, names)) == [*names]
    assert asked == {"Fast": {16}, "OneByOne": {1}}


def test_the_separable_body_sums_by_channel() -> None:
    from bench import ways as module
    from bench.further import separable
    from snn2hw.layers import IntConv2d

    made = separable((8, 8, 8, 8), 2)
    convolutions = [n for n in made.artefact.network.nodes if isinstance(n, IntConv2d)]
    assert [n.groups for n in convolutions] == [1, *[8, 1] * 4]
    assert [n.window.stride for n in convolutions if n.groups == 8] == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert 1 < made.density < 60
    names = (module.FAST, module.IN_BLOCKS)
    assert list(module.ways(made, 2, names)) == [*names]
    built = [module._FASTS[name].built(made.artefact, True).source.text for name in names]
    assert ["depthwise_" in text for text in built] == [True, False]
