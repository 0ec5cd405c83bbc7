"""What mkdocs calls: the pages that are generated, and links from docs/ to files at the root of the checkout."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # mkdocs loads this file by its path

from mkdocs.structure.files import File, Files

from docsite import api, commands, error_pages, forms, project

GENERATED: tuple[Callable[[], dict[str, str]], ...] = (
    api.pages,
    project.pages,
    error_pages.pages,
    lambda: {"reference/cli.md": commands.page(), "reference/json.md": forms.page()},
)


def on_files(files: Files, config: Any) -> Files:
    """Add every generated page."""
    for made in GENERATED:
        for path, text in made().items():
            files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A link to CONTRIBUTING.md and its like is one to the page that shows it."""
    up = "../" * page.file.src_uri.count("/")
    for name, shown in project.FILES.items():
        markdown = re.sub(rf"\]\({re.escape(up)}\.\./{re.escape(name)}", f"]({up}{shown}", markdown)
    return markdown
