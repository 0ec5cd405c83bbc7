"""docs/how-to/frameworks.md lists what the code takes and what it refuses, and what each module becomes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.conversion.frameworks import FRAMEWORKS  # noqa: E402
from tests.conversion.frameworks import test_norse, test_snntorch, test_spikingjelly  # noqa: E402
from tests.conversion.frameworks.compared import LINEAR, placed  # noqa: E402
from tests.frameworks import framework  # noqa: E402

pytestmark = pytest.mark.torch

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "frameworks.md").read_text(encoding="utf-8")
ROOMS = {"snnTorch": test_snntorch, "SpikingJelly": test_spikingjelly, "Norse": test_norse}


def rows(name: str, head: str) -> dict[str, str]:
    """Of each module in the table of a framework that begins so, the second cell."""
    part = re.split(r"\n### ", PAGE.split(f"\n### {name} ", 1)[1])[0]
    table = part.split(f"\n| {head} |", 1)[1].split("\n\n", 1)[0]
    found = {}
    for line in table.splitlines()[2:]:
        modules, becomes, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", modules), becomes))
    return found


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_module_of_the_code_has_a_row_and_no_other(name: str) -> None:
    assert set(rows(name, "module")) == set(FRAMEWORKS[name].NEURONS)
    assert set(rows(name, "refused")) == set(FRAMEWORKS[name].UNKNOWN)


def shown(layer: torch.nn.Module) -> str:
    """As the page writes it."""
    if isinstance(layer, torch.nn.Sequential):
        return f"nn.Sequential({', '.join(map(shown, layer))})"
    if isinstance(layer, nn.Recurrent):
        return f"nn.Recurrent({shown(layer.neuron)}, {shown(layer.synapse)})"
    return type(layer).__name__ if isinstance(layer, torch.nn.Linear) else f"nn.{type(layer).__name__}"


def modules(name: str) -> list[Any]:
    """One or more of every class that the framework's tests make."""
    if name == "snnTorch":
        return [make(framework("snntorch"), LINEAR, {}) for make in test_snntorch.NEURONS.values()]
    if name == "SpikingJelly":
        neuron = framework("spikingjelly.activation_based.neuron")
        silent = [neuron.NonSpikingIFNode("last_mem"), neuron.NonSpikingLIFNode(2.0, "mean-mem")]
        return [*(make(neuron, 0.0, 2.0) for make in test_spikingjelly.NEURONS.values()), *silent]
    norse = framework("norse.torch")
    made = [make(norse, LINEAR) for make in test_norse.NEURONS.values()]
    return [*made, *(make(norse) for make in test_norse.RECURRENT.values()), norse.LILinearCell(5, 7)]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_module_becomes_what_its_row_says(name: str) -> None:
    said, told = rows(name, "module"), set()
    for module in modules(name):
        kind, becomes = type(module).__name__, shown(placed(module, LINEAR).layer)
        told.add(kind)
        if said[kind].startswith("the same with"):
            becomes = f"the same with `{re.findall(r'nn.(?!Seq|Rec)[A-Z]+[a-z]*', becomes)[0]}`"
        assert becomes in said[kind].replace("Linear or Conv2d", "Linear"), kind
    assert told == set(said)
