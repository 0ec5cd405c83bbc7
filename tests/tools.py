"""Outside tools for the tests that call them."""

from __future__ import annotations

import os

import pytest

from snn2hw.run.tools import Tool


def needs(*tools: Tool) -> None:
    """Where a tool is missing the test is skipped with a reason; in CI it fails."""
    for tool in tools:
        if reason := tool.unavailable():
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
