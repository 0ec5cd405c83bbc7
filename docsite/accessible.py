"""What the theme leaves out for those who hear a page: names of search and navigation (docs/javascripts has the rest)."""

from __future__ import annotations

import re

NAV = re.compile(
    r'(<nav class="md-nav" data-md-level="\d+") aria-labelledby="[^"]*"([^>]*>\s*'
    r'<label class="md-nav__title" for="[^"]*">\s*<span class="md-nav__icon md-icon"></span>\s*([^<]+?)\s*(?:<|$))'
)
DIALOG = re.compile(r'(<div class="md-search"[^>]*role="dialog")(?! aria-label)')


def improved(html: str) -> str:
    """A page whose search and navigation have names."""
    html = DIALOG.sub(r'\1 aria-label="Search"', html)
    return NAV.sub(lambda m: f'{m[1]} aria-label="{m[3]}"{m[2]}', html)
