"""docs/reference/targets.md lists every field of a target file, and docs/reference/mapping.md every key of mapping.json."""

from __future__ import annotations

import re

from snn2hw.estimation.mapping import map_network
from snn2hw.estimation.resources import resources
from snn2hw.target import CONFIDENCES, load_chip, target_names
from snn2hw.target.cores import FIELDS
from snn2hw.target.load import KNOWN
from snn2hw.target.prices import SECTIONS, UNITS
from tests.clean_environment import ROOT
from tests.estimation.hand_integers import dense
from tests.estimation.mapping.cases import chip_with

TARGETS = (ROOT / "docs" / "reference" / "targets.md").read_text(encoding="utf-8")
SUPPORTED = (ROOT / "docs" / "reference" / "supported.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAPPING = (ROOT / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")


def rows(part: str, heading: str) -> list[list[str]]:
    """The table below a heading."""
    below = part.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in below.splitlines() if line.startswith("| `")]


def test_every_field_of_cores_is_listed() -> None:
    found = rows(TARGETS, "## [cores]")
    assert [(row[0].strip("`"), row[1], row[2]) for row in found] == [(n, r.of, r.says) for n, r in FIELDS.items()]


def test_every_price_is_listed_with_its_units() -> None:
    for name, entries in SECTIONS.items():
        found = {row[0].strip("`"): row[1] for row in rows(TARGETS, f"## [{name}]")}
        assert found == {n: ", ".join(u for d in dimensions for u in UNITS[d]) for n, dimensions in entries.items()}


def test_every_part_and_every_confidence_is_described() -> None:
    parts = TARGETS.partition("## The parts of a file")[2].partition("\n## ")[0]
    described = {word for line in parts.splitlines() for word in re.findall(r"\w+", line.partition("| ")[2].partition(" |")[0])}
    assert set(KNOWN) <= described
    assert all(f"{k}: {said}" in " ".join(TARGETS.split()) for k, said in CONFIDENCES.items())


def test_every_key_of_a_mapping_is_described() -> None:
    found = map_network(resources(dense(2, 3, 2)), chip_with(neurons=3))
    assert found is not None
    document = found.document()
    described = MAPPING.partition("## mapping.json")[2]
    keys = {*document, *document["spikes"], *document["cores"][0], *document["routes"][0], *document["cores"][0]["blocks"][0]}
    assert len(keys) > 20
    assert [k for k in sorted(keys) if not re.search(rf"\b{k}\b", described)] == []


def test_the_table_of_what_is_supported_names_every_target() -> None:
    row = next(line for line in SUPPORTED.split("\n") if line.startswith("| targets |"))
    compiled, _, estimated = row.partition("estimated besides")
    assert (named(compiled), named(estimated)) == tuple(
        {name for name in target_names() if bool(load_chip(name).estimate_only) is only} for only in (False, True)
    )


def named(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9-]+", text)) & set(target_names())


def test_the_readme_counts_the_targets() -> None:
    """A chip has cores; what is no chip, FPGA or microcontroller is named."""
    chips = {name: load_chip(name) for name in target_names()}
    kinds = [c.kind for c in chips.values() if c.kind != "chip" or c.cores]
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    seven, five, two = (words[kinds.count(kind)] for kind in ("chip", "fpga", "microcontroller"))
    assert f"[{seven} chips, {five} FPGAs, {two} microcontrollers](docs/reference/targets.md)" in README
    others = {name for name, c in chips.items() if c.kind == "computer" or (c.kind == "chip" and not c.cores)}
    row = next(line for line in README.split("\n") if line.startswith("| targets |"))
    assert named(row) == others
