"""What CONTRIBUTING says of adding something: its lines as they stand, and what they touch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.clean_environment import ROOT
from tests.packages import installed

WHAT = ("an operation", "a layer", "a neuron", "a format", "a back end", "a chip")


@dataclass(frozen=True)
class Touched:
    """Files that hold what is added, and where else it needs a row: a file, or a table."""

    files: tuple[str, ...]
    rows: tuple[str, ...]


def text() -> str:
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(what: str) -> str:
    """From its name in bold letters to the next; a table of contents has none."""
    ((found),) = re.findall(rf"^\*\*{what}[.*](.*?)(?=^\*\*[a-z ]+[.*]|^## |\Z)", text(), re.S | re.M)
    return str(found)


def block(what: str, language: str) -> str:
    """The one block of this language in the section."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", section(what), re.S)
    return str(found)


def additions() -> dict[str, list[tuple[str, str]]]:
    """Of an operation: by file the line that there is, and the lines that come behind it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in block("an operation", "diff").splitlines():
        if line.startswith("--- "):
            edits = found[line.removeprefix("--- ")] = []
        elif line.startswith("+"):
            edits[-1] = (edits[-1][0], edits[-1][1] + line[1:] + "\n")
        else:
            edits.append((line[1:] + "\n", ""))
    return found


def module(what: str) -> str:
    """The name of the module that the section tells to write: `snn2hw_toy.py`."""
    (name,) = set(re.findall(r"`(snn2hw_\w+)\.py`", section(what))) or {f"snn2hw_{what.rsplit(' ', maxsplit=1)[-1]}"}
    return name


def package(what: str, folder: Path) -> list[Path]:
    """Write the module and its entry points, if it has any, as pip would install them; all files but what pip adds itself."""
    source, toml, name = block(what, "python"), section(what), module(what)
    (group,) = re.findall(r'^\[project\.entry-points\."(.+)"\]$', toml, re.M) or ("",)
    entries = dict(re.findall(r'^(\w+) = "(\w+:\w+)"$', toml, re.M))
    assert bool(group) == bool(entries)
    if not group:
        folder.mkdir()
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        return [folder / f"{name}.py"]
    files = installed(folder, name.replace("_", "-"), {f"{name}.py": source}, entries, group=group)
    return [f for f in files if f.name not in ("METADATA", "entry_points.txt")]  # the latter is the lines of pyproject.toml


def touched(what: str) -> Touched:
    """Counted from the printed lines; that these lines are enough is what the other tests of this room show."""
    if what == "an operation":
        files = tuple(additions())
        return Touched(
            tuple(f for f in files if f.startswith("snn2hw/ir/")), tuple(f for f in files if not f.startswith("snn2hw/ir/"))
        )
    if what == "a chip":
        block(what, "toml")
        return Touched(("toychip.toml",), ())
    return Touched((f"{module(what)}.py",), tuple(re.findall(r"^(\w+\.[A-Z]+)\[\w+\] = ", block(what, "python"), re.M)))


def table() -> list[tuple[str, int, int]]:
    """What is added, files, rows elsewhere."""
    found = {what: touched(what) for what in WHAT}
    return [(what, len(t.files), len(t.rows)) for what, t in found.items()]
