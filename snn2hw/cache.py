"""Where what is made once is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "SNN2HW_CACHE"


def cache_folder() -> Path:
    """$SNN2HW_CACHE, else the user's cache folder."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snn2hw"
