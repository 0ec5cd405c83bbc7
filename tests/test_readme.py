"""The README is short, and the commands it names exist; tests/docsite/test_followed.py runs it."""

from __future__ import annotations

import re

from docsite import pictures
from snn2hw.cli.verbs import VERBS
from tests.clean_environment import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_it_is_short() -> None:
    assert README.count("\n") < 150
    assert len(EXAMPLES) == 2
    assert max(len(example.strip().splitlines()) for example in EXAMPLES) <= 20
    promise = "All integer back ends agree bit for bit; the distance to your float model is measured and shown."
    assert promise in " ".join(README.replace("**", "").split())


def test_commands_exist() -> None:
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```", README, re.M | re.S))
    named = set(re.findall(r"^snn2hw (\w+)", blocks, flags=re.MULTILINE)) | set(re.findall(r"`snn2hw (\w+)`", README))
    assert len(named) > 5
    assert named <= set(VERBS)


def test_the_picture_is_the_one_that_is_drawn() -> None:
    assert pictures.PICTURE.read_text(encoding="utf-8") == pictures.pipeline()
