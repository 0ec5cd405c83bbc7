"""What a page holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def data_of(path: Path) -> dict[str, Any]:
    """The data of a report."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    said: dict[str, Any] = json.loads(found[1])
    return said
