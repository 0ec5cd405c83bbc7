"""Golden files: expected text lies in tests/golden/, and `pytest --update-golden` writes it anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"
SWITCH = "--update-golden"

Golden = Callable[[str, str], str]


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(SWITCH, action="store_true", help="write tests/golden/ anew instead of comparing with it")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares text with the file of that name; returns what the file holds, so that a test can also execute it."""

    def check(name: str, text: str) -> str:
        path = FOLDER / name
        if request.config.getoption(SWITCH):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run pytest {SWITCH} and look at what it wrote"
        stored = path.read_text(encoding="utf-8")
        assert text == stored, f"{path} holds another text: if the new one is right, run pytest {SWITCH}"
        return stored

    return check
