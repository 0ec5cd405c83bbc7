"""Looks at the built site in Chromium, without a network: axe's rules, the width of a phone, the search.

python -m docsite.audit build/site [PAGE ...]

Needs `chromium` on the PATH and the package axe-core-python, which holds axe-core's script.
"""

from __future__ import annotations

import html
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PHONE, SCREEN = 360, 1280  # pixels
PATIENCE = 180  # seconds for a page
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SAID = '<pre id="said">(.*?)</pre>'
TELL = "const say = (v) => {const p = document.createElement('pre'); p.id = 'said'; p.textContent = v; document.body.append(p)};"
AXE = """addEventListener('load', () => axe.run(document, {resultTypes: ['violations']}).then((r) => say(JSON.stringify(
    r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 100)).slice(0, 2).join(' | '))))))"""
WIDTH = """addEventListener('load', () => setTimeout(() => say(
    document.querySelector('iframe').contentDocument.documentElement.scrollWidth), 1500))"""
LINE = """addEventListener('load', () => setTimeout(() => {
    const code = document.querySelector('iframe').contentDocument.querySelector('pre > code');
    code.textContent = '-'.repeat(COLUMNS); say(code.scrollWidth <= code.clientWidth)}, 1500))"""


def browser() -> str:
    """Chromium's program, or ""."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), "")


def script() -> Path | None:
    """axe-core's script, where the package is installed."""
    found = importlib.util.find_spec("axe_core_python")
    places = found.submodule_search_locations if found is not None else None
    return next((p for place in places or () for p in Path(place).rglob("axe.min.js")), None)


def shown(address: str) -> str:
    """The page as Chromium has made it."""
    command = [browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
               "--virtual-time-budget=30000", "--dump-dom", address]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE).stdout


def _asked(place: Path, text: str) -> Any:
    """What a page says that stands beside the pages of the site for a moment."""
    place.write_text(text, encoding="utf-8")
    try:
        found = re.search(SAID, shown(place.as_uri()), re.S)
    finally:
        place.unlink()
    if found is None:
        raise AssertionError(f"Chromium said nothing of {place.name}")
    return json.loads(html.unescape(found[1]))


def violations(page: Path) -> list[str]:
    """Rules of axe that a page breaks."""
    axe = script()
    if axe is None:
        raise AssertionError("axe-core is not here: pip install axe-core-python")
    code = axe.read_text(encoding="utf-8").replace("</script>", "<\\/script>")
    head, _, tail = page.read_text(encoding="utf-8").rpartition("</body>")
    asked = f"{head}<script>{code}</script><script>{TELL}{AXE}</script></body>{tail}"
    return list(_asked(page.with_name(f"asked-{page.name}"), asked))


def width(page: Path) -> int:
    """How wide a page is that is given the width of a phone."""
    return int(_framed(page, PHONE, WIDTH))


def unscrolled(page: Path, columns: int) -> bool:
    """Whether a line of so many columns is seen whole in a block of the page, on the screen of a desk."""
    return bool(_framed(page, SCREEN, LINE.replace("COLUMNS", str(columns))))


def _framed(page: Path, pixels: int, ask: str) -> Any:
    frame = f"<iframe src='{page.name}' style='width:{pixels}px;height:800px;border:0'></iframe><script>{TELL}{ask}</script>"
    return _asked(page.with_name(f"framed-{page.name}"), frame)


def hits(site: Path, word: str) -> int:
    """How many pages the search finds, opened as a file."""
    return shown(f"{(site / 'index.html').as_uri()}?q={word}").count("md-search-result__item")


def faults(site: Path, names: Sequence[str]) -> Iterator[str]:
    """All that is wrong with pages, named from the site's folder; the page of what is not found only works on a server."""
    for page in [site / name for name in names] or sorted(p for p in site.rglob("*.html") if p.name != "404.html"):
        yield from (f"{page.relative_to(site)}: {rule}" for rule in violations(page))
        if (wide := width(page)) > PHONE:
            yield f"{page.relative_to(site)}: {wide} pixels wide on a phone of {PHONE}"


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 where something is wrong."""
    site = Path(arguments[0]).resolve()
    found = list(faults(site, arguments[1:]))
    print("\n".join(found) or "no fault")
    many = hits(site, "microcontroller")
    print(f"the search finds {many} pages without a server")
    return 1 if found or not many else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
