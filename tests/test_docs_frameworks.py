"""docs/how-to/frameworks.md: its examples run as they stand and print what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clean_environment import ROOT
from tests.frameworks import framework

PAGE = (ROOT / "docs" / "how-to" / "frameworks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.S)
(PRINTED,) = re.findall(r"They print\n\n```\n(.*?)```", PAGE, re.S)


@pytest.mark.torch
@pytest.mark.parametrize(("number", "name"), list(enumerate(("snntorch", "spikingjelly.activation_based", "norse.torch"))))
@pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")
def test_the_example_runs(
    number: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch")
    framework(name)
    torch.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], "docs/how-to/frameworks.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out.splitlines() == PRINTED.splitlines()[2 * number : 2 * number + 2]


def test_there_is_one_example_for_each_framework() -> None:
    assert len(EXAMPLES) == 3
