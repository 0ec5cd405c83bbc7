"""The pages that lie at the root of the checkout, where forges look for them: their links are turned round."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath

from docsite.api import ROOT

FILES = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
}
LINK = re.compile(r"(\]\()([^)\s#]*)((?:#[^)\s]*)?\))")


def pages() -> dict[str, str]:
    """Text by path below docs/."""
    return {page: relinked((ROOT / name).read_text(encoding="utf-8"), name, page) for name, page in FILES.items()}


def relinked(text: str, source: str, page: str) -> str:
    """Markdown whose links hold where it is shown.

    Args:
        source: where it lies, below the root. page: where it is shown, below docs/.
    """
    here, there = PurePosixPath(source).parent, PurePosixPath("docs", page).parent

    def turned(match: re.Match[str]) -> str:
        if not match[2] or "://" in match[2] or match[2].startswith("mailto:"):
            return match[0]
        target = os.path.normpath(here / match[2]).replace(os.sep, "/")
        shown = f"docs/{FILES[target]}" if target in FILES else target
        return f"{match[1]}{os.path.relpath(shown, there).replace(os.sep, '/')}{match[3]}"

    return LINK.sub(turned, text)
