"""Networks with a neuron that a user wrote, their certificates, and other equations in their files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import onnx
import torch

import snn2hw
from snn2hw import nn
from snn2hw.checker.check import check_claims
from snn2hw.fingerprints import fingerprints
from tests.certificate.one_step import CHANNELS
from tests.checker.tampering import Written, written
from tests.random_equations import make_neuron, neuron_source


@cache
def compiled(seed: int, bits: int = 12, target: str = "generic") -> Written:
    """A random neuron of three channels between two layers, and its certificate."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, CHANNELS), make_neuron(neuron_source(seed), CHANNELS), nn.Linear(CHANNELS, 2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", snn2hw.errors.Snn2hwWarning)
        events = (torch.rand(4, 3, 5) < 0.5).float()
        return written(snn2hw.compile(model, events, target=target, options=snn2hw.Options(state_bits=bits)).network)


class Twice(nn.CustomNeuron):
    """Fires twice, by two comparisons of one kind, and resets by the first; its other state follows from itself alone."""

    states: ClassVar = {"v": nn.State(range=(-1.0, 1.0)), "w": nn.State(range=(-1.0, 1.0), initial=0.75)}

    def step(self, x: Any, v: Any, w: Any) -> Any:
        v = 0.9 * v + 0.3 * x
        first, second = nn.fire(v, 0.3), nn.fire(v, 0.6)
        return first + second, {"v": torch.where(first > 0, -0.2, v), "w": 0.9 * w}


def around(neuron: torch.nn.Module, bits: int) -> Written:
    """A neuron of one's own between two layers."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, CHANNELS), neuron, nn.Linear(CHANNELS, 2)).eval()
    events = (torch.rand(4, 3, 5) < 0.5).float()
    return written(snn2hw.compile(model, events, options=snn2hw.Options(state_bits=bits)).network)


def found(model: bytes, certificate: dict[str, Any]) -> list[str]:
    """What check says of a model and claims about it, the hashes made right."""
    return [str(f) for f in check_claims(model, {**certificate, "model": fingerprints(model)}).failures]


class Decides(nn.CustomNeuron):
    """One state that nothing decides, beside one that fires."""

    states: ClassVar = {"v": nn.State(range=(-1.0, 1.0), initial=0.5), "w": nn.State(range=(-1.0, 1.0))}

    def step(self, x: Any, v: Any, w: Any) -> Any:
        w = 0.5 * w + 0.5 * torch.clamp(x, -1.0, 1.0)
        return nn.fire(w, 0.25), {"v": 0.9 * v, "w": w}


def with_equation(before: Written, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The model, with another equation in its metadata."""
    model = onnx.load_model_from_string(before.model)
    (entry,) = (p for p in model.metadata_props if p.key == "snn2hw.network")
    document = json.loads(entry.value)
    (node,) = (n for n in document["nodes"] if "equation" in n)
    change(node["equation"])
    entry.value = json.dumps(document)
    data: bytes = model.SerializeToString(deterministic=True)
    assert data != before.model
    return data
