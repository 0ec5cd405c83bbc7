"""Every page is in the navigation, every public name and every command on a page."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from docsite import api, commands, docstrings, error_pages, project
from snn2hw.cli.app import app
from snn2hw.cli.usage import WRONG
from snn2hw.cli.verbs import VERBS, Verb
from snn2hw.version import __version__
from tests.clean_environment import ROOT

CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(r"([\w/.-]+\.md)$", CONFIG.split("\nnav:\n")[1], re.M)
    written = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert len(written) > 30
    assert sorted(listed) == sorted(written | made())


def test_the_wheel_is_called_by_its_name() -> None:
    text = (ROOT / "docs" / "tutorials" / "first.md").read_text(encoding="utf-8")
    assert set(re.findall(r"[\w.-]+\.whl", text)) == {f"snn2hw-{__version__}-py3-none-any.whl"}


def test_the_changelog_begins_with_this_version_and_its_day() -> None:
    heading = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heading is not None
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", heading[1])


def made() -> set[str]:
    """Pages below docs/ that no file is: they are made of the source when the site is built."""
    return {*api.pages(), *project.pages(), *error_pages.paths(), "reference/cli.md", "reference/json.md"}


@pytest.mark.torch
def test_every_public_name_has_its_place_on_a_page() -> None:
    pytest.importorskip("torch")
    whole = "\n".join(api.pages().values())
    for module in set(api.MODULES) - {"snn2hw.lava", "snn2hw.errors"}:
        found = importlib.import_module(module)
        for name in found.__all__:
            ours = getattr(getattr(found, name), "__module__", module).startswith("snn2hw")
            if ours and name not in ("__version__", "augment"):
                path = api.exported(module)[name]
                assert f"::: {path}\n" in whole, (module, name)
                owner, _, attribute = path.rpartition(".")
                assert getattr(importlib.import_module(owner), attribute) is getattr(found, name)


def test_the_errors_are_all_there() -> None:
    from snn2hw import errors

    classes = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    assert set(api.exported("snn2hw.errors")) == classes


def test_every_command_and_every_option_is_on_the_page() -> None:
    page = commands.page()
    group = get_command(app)
    context = typer.Context(group)
    for name in group.list_commands(context):  # type: ignore[attr-defined]
        verb = group.get_command(context, name).whole  # type: ignore[attr-defined]
        assert {"--quiet", "--verbose"} <= {word for p in verb.params for word in p.opts}
        part = page.split(f"\n## snn2hw {name}\n")[1].split("\n## ")[0]
        assert "Example" in part, name
        for option in (word for p in verb.params for word in p.opts if word.startswith("--")):
            assert option in part, (name, option)


def written_commands() -> Iterator[tuple[str, list[str]]]:
    """Where each command line of a page or of a help text stands, in a block or in a sentence, and its words."""
    for page in [*ROOT.glob("*.md"), *sorted(p for folder in ("docs", "models") for p in (ROOT / folder).rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"`snn2hw ([^`]+)`", re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.M | re.S))
        for block in re.findall(r"^ *```(?:bash|sh|console)[^\n]*\n(.*?)^ *```", text, re.M | re.S):
            lines += re.findall(r"^ *(?:\$ )?snn2hw (.+)$", block.replace("\\\n", " "), re.M)
        for line in lines:
            words = shlex.split(re.split(r" \\?[|>;&]", line)[0], comments=True)
            yield page.name, [*words, "ANY"] if words[-1].startswith("--") else words  # a sentence names an option alone
    for name in VERBS:
        for line in re.findall(r"`snn2hw ([^`]+)`", Verb(name).whole.help):
            yield name, shlex.split(line)


def test_every_command_line_that_is_shown_can_be_read() -> None:
    """Its verb and its options exist. What the lines do is for the tests that run the pages."""
    shown = [(place, words) for place, words in written_commands() if words[0] in VERBS]
    assert len(shown) > 200
    for place, (verb, *words) in shown:
        whole: Any = Verb(verb).whole
        with typer.Context(whole, info_name=verb) as context:
            try:
                whole.make_parser(context).parse_args(list(words))
            except WRONG as error:
                pytest.fail(f"{place}: snn2hw {shlex.join([verb, *words])}: {error}")


PATH = re.compile(r"`((?:snn2hw|bench|models|docs|docsite|examples|targets|tests)/[^`\s]*)`")
ELSEWHERE = {  # in the repositories of lava-dl and of NIR, as the pages say
    "docs/source/examples/lava/nir_to_lava.py",
    "tests/lava/lib/dl/netx/gts/pilotnet_lif",
}


def test_every_path_of_this_repository_on_a_page_exists() -> None:
    """A part of a path in capitals, such as NAME, stands for any."""
    pages = [*ROOT.glob("*.md"), *(p for folder in ("docs", "models", "bench") for p in (ROOT / folder).rglob("*.md"))]
    named = {(page, path) for page in pages for path in PATH.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 50
    absent = {(page.name, path) for page, path in named if not any(ROOT.glob(re.sub(r"[A-Z]{2,}", "*", path.rstrip("/"))))}
    assert {path for _, path in absent} == ELSEWHERE, absent


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A.\n\nArgs:\n    lo, hi: ends. steps: [N].\n", ["    lo: ends.", "    hi: With `lo`.", "    steps: [N]."]),
        ("A.\n\nArgs:\n    lo: an end, hi: no name\n        goes on.\n", ["    lo: an end, hi: no name goes on."]),
        ("A.\n\nRaises:\n    AError: a. BError, CError: b.\n", ["    BError: b.", "    CError: With `BError`."]),
        ("A[i][k].", ["A[i]\\[k]."]),
    ],
)
def test_a_docstring_gets_a_line_for_each_name(text: str, wanted: list[str]) -> None:
    got = docstrings.split_sections(text, ["lo", "hi", "steps"]).split("\n")
    assert [line for line in got if line.strip()][-len(wanted) :] == wanted


def test_links_of_the_root_hold_on_their_pages() -> None:
    text = "[a](docs/how-to/c.md#x) [b](CONTRIBUTING.md) [c](https://example.org) [d](#here)"
    told = project.relinked(text, "CHANGELOG.md", "project/changelog.md")
    assert told == "[a](../how-to/c.md#x) [b](contributing.md) [c](https://example.org) [d](#here)"


def test_links_of_pages_lead_to_what_the_site_holds() -> None:
    """To a file below docs/, or to a page of the root that is shown there; not to code or a model's card."""
    strange = list[str]()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for link in project.LINK.findall(page.read_text(encoding="utf-8")):
            target = link[1]
            if not target or "://" in target or target.startswith("mailto:"):
                continue
            at = (page.parent / target).resolve()
            name = at.relative_to(ROOT).as_posix()
            there = name.startswith("docs/") and (at.is_file() or name.removeprefix("docs/") in made())
            if name not in project.FILES and not there:
                strange.append(f"{page.relative_to(ROOT)}: {target}")
    assert strange == []
