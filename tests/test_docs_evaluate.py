"""docs/how-to/evaluate.md: its example runs, its output is what the command prints, its warnings are those that come."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import snn2hw
from snn2hw.ir import layout
from snn2hw.verification import losses, short
from tests.cli.running import Capture, run

pytestmark = pytest.mark.torch
PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "evaluate.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_run_prints_what_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    commands, said = (body for _, body in BLOCKS[:2])
    for line in commands.strip().splitlines():
        ran = run(capsys, *shlex.split(line)[1:], *(["-e", "reference"] if "evaluate" in line else []))
        assert ran.code == 0
    got = ran.out.replace("executor reference", "executor fast")
    assert numbers(got) == pytest.approx(numbers(said), abs=0.021)  # in the last digit a sum of floats may differ
    assert re.sub(r"[\d.,]+", "", got).split() == re.sub(r"[\d.,]+", "", said).split()


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]


def test_the_example_runs(capsys: Capture) -> None:
    pytest.importorskip("torch")
    (code,) = (body for kind, body in BLOCKS if kind == "python")
    exec(compile(code, "docs/how-to/evaluate.md", "exec"), {})
    first, layer = capsys.readouterr().out.splitlines()
    accuracy, by_float, same, unexplained = first.split()
    assert all(0 <= float(v) <= 1 for v in (accuracy, by_float, same))
    assert unexplained == "None"
    assert layer.split()[0] == "1"
    assert layer.split()[-1] == "False"


def test_the_limits_are_those_of_the_code() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"on up to {short.SAMPLES} samples" in text
    assert (short.PRODUCTS, short.VALUES) == (2**32, 2**21)
    assert "2^32 MACs and 2^21 values of neurons" in text
    assert f"at least {losses.LEAST} spikes" in text
    assert (
        f"fewer than {100 * losses.ALIKE:.0f} % of the predictions are the float network's, and at least {losses.CHANGED} are"
        in text
    )
    assert f"below {layout.ALIKE} of that" in text
    assert f"{layout.MANY} steps or more" in text
    assert (losses.SATURATED, losses.READOUT) == (0.5, 0.25)


def test_the_warnings_are_those_that_come() -> None:
    torch = pytest.importorskip("torch")
    import numpy as np

    from snn2hw import nn

    torch.manual_seed(0)
    made = torch.nn.Sequential(nn.Linear(16, 96), nn.LIF(0.5), nn.Linear(96, 16), nn.LIF(0.5), nn.Linear(16, 4)).eval()
    with torch.no_grad():
        made[0].weight.mul_(3)
        made[2].weight.mul_(6)
        made[2].bias.zero_()
        made[2].weight[0, 0] = -60.0
    x = np.random.default_rng(0).random((6, 40, 16)) < 0.4
    with pytest.warns(snn2hw.errors.Snn2hwWarning) as told:
        snn2hw.compile(made, x, options=snn2hw.Options(weight_bits=4, scales="layer"))
    assert len(told) == 2
    block = next(body for _, body in BLOCKS if body.startswith("warning: quantisation"))
    for line in block.replace("warning: ", "").replace("remedy: ", "do:     ").splitlines():
        if line.strip() != "...":
            wanted = " ".join(line.removesuffix(", ...").split())
            assert any(wanted in " ".join(str(w.message).split()) for w in told), wanted
