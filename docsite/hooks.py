"""What mkdocs calls: the pages that are generated, and links from docs/ to files at the root of the checkout."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # mkdocs loads this file by its path

from mkdocs.structure.files import File, Files

from docsite import accessible, api, commands, error_pages, forms, notebooks, project

GENERATED: tuple[Callable[[], dict[str, str]], ...] = (
    api.pages,
    project.pages,
    error_pages.pages,
    notebooks.pages,
    lambda: {"reference/cli.md": commands.page(), "reference/json.md": forms.page()},
)


def on_files(files: Files, config: Any) -> Files:
    """Add every generated page."""
    for made in GENERATED:
        for path, text in made().items():
            files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A link to CONTRIBUTING.md and its like is one to the page that shows it; a tutorial offers its notebook."""
    if f"{page.file.src_uri.removesuffix('.md')}.ipynb" in notebooks.pages():
        name = f"{page.file.src_uri.removesuffix('.md').split('/')[-1]}.ipynb"
        head, rest = markdown.split("\n", 1)
        markdown = f"{head}\n\n[Download this page as a notebook]({name}){{ download }}\n{rest}"
    up = "../" * page.file.src_uri.count("/")
    for name, shown in project.FILES.items():
        markdown = re.sub(rf"\]\({re.escape(up)}\.\./{re.escape(name)}", f"]({up}{shown}", markdown)
    return markdown


def on_post_template(output: str, **_: Any) -> str:
    """The page of what is not found."""
    return accessible.improved(output)


def on_post_page(output: str, **_: Any) -> str:
    """The page as it is written."""
    return accessible.improved(output)
