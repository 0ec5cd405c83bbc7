"""Models as people write them in three frameworks: converted, every spike and output equal, every integer verified.

`python -m tests.conversion.zoo` prints the table of all thirty, with 50 steps.
"""

from __future__ import annotations

import pytest

from tests.frameworks import framework

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

QUICK = {
    "snntorch": ("repeats an image", "RLeaky, [N, T]"),
    "spikingjelly": ("fully connected, mode s", "turned from [N, T]"),
    "norse": ("SequentialState, one step", "LIFRecurrent, LI"),
}
FRAMEWORKS = tuple(QUICK)
COUNT = 10


def held(name: str, number: int, weights: str, steps: int, count: int, executors: tuple[str, ...]) -> None:
    from tests.conversion.zoo import models, show

    shown = show(models(name, steps)[number], weights, steps, count, executors)
    assert shown.outputs, shown
    assert shown.equal == shown.total, shown
    assert shown.layers, shown
    assert shown.compared, shown
    assert shown.differing == 0, shown


def imported(name: str) -> None:
    for module in ("norse.torch",) if name == "norse" else (name,):
        framework(module)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_some_models_at_few_steps(name: str) -> None:
    imported(name)
    from tests.conversion.zoo import models

    for number, model in enumerate(models(name, 4)):
        if model.name in QUICK[name]:
            held(name, number, "random", 4, 2, ("reference", "onnxruntime"))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_there_are_ten_of_each(name: str) -> None:
    imported(name)
    from tests.conversion.zoo import models

    found = models(name, 4)
    assert len({m.name for m in found}) == len(found) == COUNT
    assert set(QUICK[name]) <= {m.name for m in found}


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["random", "trained"])
@pytest.mark.parametrize("number", range(COUNT))
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_all_models(name: str, number: int, weights: str) -> None:
    imported(name)
    from tests.conversion.zoo import EXECUTORS

    held(name, number, weights, 50, 8, EXECUTORS)
