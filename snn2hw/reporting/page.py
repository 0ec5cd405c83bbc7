"""The page itself: a template with its style and its script, and the data in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from snn2hw.files.seal import BLANK

TEMPLATES = Path(__file__).parent / "templates"


def page(data: Mapping[str, Any]) -> bytes:
    """The HTML file, which ends in a comment with its blank seal.

    Args:
        data: as `collect` returns it; no text of it is taken for HTML, as the script writes texts only.
    """
    parts = {name: (TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.html", "report.css", "report.js")}
    # A browser looks for the end of a script before it reads any of it.
    said = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    made = parts["report.html"].replace("@TITLE@", escape(str(data["title"]))).replace("/*STYLE*/", parts["report.css"])
    made = made.replace("/*SCRIPT*/", parts["report.js"]).replace("/*DATA*/", said)
    return made.encode() + b"<!-- " + BLANK + b" -->\n"
