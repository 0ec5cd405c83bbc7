"""The page itself: a template with its style and its script, and the data in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from snn2hw.files.seal import BLANK

TEMPLATES = Path(__file__).parent / "templates"
PARTS = ("report.html", "report.css", "drawing.js", "report.js")


def page(data: Mapping[str, Any]) -> bytes:
    """The HTML file, which ends in a comment with its blank seal.

    Args:
        data: as `collect` returns it; no text of it is taken for HTML, as the script writes texts only.
    """
    html, css, *scripts = ((TEMPLATES / name).read_text(encoding="utf-8") for name in PARTS)
    # A browser looks for the end of a script before it reads any of it.
    said = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    made = html.replace("@TITLE@", escape(str(data["title"]))).replace("/*STYLE*/", css)
    made = made.replace("/*SCRIPT*/", "\n".join(scripts)).replace("/*DATA*/", said)
    return made.encode() + b"<!-- " + BLANK + b" -->\n"
