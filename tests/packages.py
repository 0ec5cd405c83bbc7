"""Packages of somebody else, as pip would install them: modules, and beside them what the package enters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def installed(
    folder: Path,
    name: str,
    modules: Mapping[str, str],
    entries: Mapping[str, str],
    version: str = "1.0",
    group: str = "snn2hw.backends",
) -> list[Path]:
    """Write a package into a folder that is, or will be, on sys.path; its files.

    Args:
        modules: file name -> text. entries: of the group, name -> "module:object".
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir()
    lines = [f"{entry} = {value}" for entry, value in entries.items()]
    texts = {
        facts / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        facts / "entry_points.txt": "\n".join([f"[{group}]", *lines, ""]),
        **{folder / file: text for file, text in modules.items()},
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return sorted(texts)
