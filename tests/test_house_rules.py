"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.clean_environment import ROOT

LINES = 400
BYTES = 2 * 1024 * 1024
SEVERAL = 3  # arguments from which on a function documents them
PYTHON = sorted(p for part in ("snn2hw", "models", "bench", "tests") for p in (ROOT / part).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    """Files that git knows; in a copy without git, all of them but what is built."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [ROOT / n for n in names if (ROOT / n).is_file()] or PYTHON


def named(paths: Iterable[Path]) -> list[str]:
    return [p.relative_to(ROOT).as_posix() for p in paths]


def test_a_file_is_one_room() -> None:
    templates = [p for p in (ROOT / "snn2hw").rglob("templates/**/*") if p.suffix in {".c", ".h", ".js", ".css", ".html", ".sv"}]
    assert len(PYTHON) > 800
    assert len(templates) > 40
    assert named(p for p in (*PYTHON, *templates) if len(p.read_text(encoding="utf-8").splitlines()) > LINES) == []


def test_a_module_says_what_it_is() -> None:
    assert named(p for p in sorted((ROOT / "snn2hw").rglob("*.py")) if not ast.get_docstring(parsed(p))) == []


@pytest.mark.parametrize("word", ["enter", "leave"])
def test_a_package_says_what_enters_and_what_leaves(word: str) -> None:
    packages = sorted((ROOT / "snn2hw").rglob("*/__init__.py"))
    assert len(packages) > 30
    assert named(p for p in packages if not re.search(rf"\b{word}s?\b", ast.get_docstring(parsed(p)) or "")) == []


def outermost(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Functions and methods that stand in no other function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try):
            yield from outermost(node)


def with_help(tree: ast.AST) -> bool:
    """Whether this is, or has in it, what the command line prints of an option."""
    return any(isinstance(n, ast.keyword) and n.arg == "help" for n in ast.walk(tree))


def undocumented(function: ast.FunctionDef, options: Collection[str]) -> list[str]:
    """Of three arguments or more those that the docstring does not name; `options` are names of types that have a help text."""
    said = ast.get_docstring(function) or ""
    each = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    each = [a for a in each if a.arg not in ("self", "cls", "ctx")]
    if len(each) < SEVERAL or "Arguments as " in said:
        return []
    # The word "a" is seldom the argument.
    name = {a.arg: r"`a`|\ba[:,] " if a.arg == "a" else rf"(?<![\w.]){re.escape(a.arg)}(?!\w)" for a in each}
    helped = {a.arg for a in each if a.annotation and (with_help(a.annotation) or ast.unparse(a.annotation) in options)}
    return [a.arg for a in each if a.arg not in helped and not re.search(name[a.arg], said)]


def test_public_functions_of_several_arguments_document_each() -> None:
    trees = {p: parsed(p) for p in sorted((ROOT / "snn2hw").rglob("*.py"))}
    assigned = [n for tree in trees.values() for n in tree.body if isinstance(n, ast.Assign) and with_help(n.value)]
    options = {ast.unparse(target) for n in assigned for target in n.targets}
    public = [(p, f) for p, tree in trees.items() for f in outermost(tree) if not f.name.startswith("_")]
    assert len(public) > 1000
    found = [(p.relative_to(ROOT).as_posix(), f.name, undocumented(f, options)) for p, f in public]
    assert [missing for missing in found if missing[2]] == []


def test_an_argument_is_documented_where_it_is_named() -> None:
    def missing(source: str) -> list[str]:
        return [name for f in outermost(ast.parse(source)) for name in undocumented(f, ["Folder"])]

    told = '"""Adds a to b.\n\n    Args:\n        a: of the layer.\n    """'
    assert missing(f"def f(a, b, c):\n    {told}") == ["c"]
    assert missing('class K:\n  def f(self, x, y, a):\n    """x over y, a thing"""') == ["a"]
    assert missing('class K:\n  def f(ctx, x, y):\n    """Two."""') == []
    assert missing("def f(x):\n  def g(x, y, z): ...") == []
    assert missing('def f(x, y, z):\n    """Arguments as `g`."""') == []
    assert missing('def f(x: Folder, y: A[int, Option(help="the y")], z: int):\n    """A command."""') == ["z"]


def test_nothing_large_is_committed() -> None:
    assert [p for p in tracked() if p.stat().st_size > BYTES] == []


def test_no_path_of_one_machine_and_no_pickle_is_committed() -> None:
    home = str(Path.home())
    texts = {p: p.read_bytes() for p in tracked() if p.suffix != ".safetensors"}
    assert [p for p, data in texts.items() if len(home) > 1 and home.encode() + b"/" in data] == []
    assert [p for p in texts if p.suffix in (".pkl", ".pickle", ".pt", ".pth")] == []


def advised(text: str) -> list[str]:
    """What `pip install` is followed by, up to the end of the words that a shell would take as one."""
    return re.findall(r"pip install ((?:'[^']*'|[^\s`\"|,)]+))", text)


def test_every_advice_to_pip_can_be_pasted_and_names_an_extra_that_there_is() -> None:
    """A shell reads [...] as a pattern, so extras stand in quotation marks; another package is named without a bracket."""
    there = set(
        re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]")[1], re.M)
    )
    found = []
    for path in [
        *(ROOT / "snn2hw").rglob("*.py"),
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "models").rglob("*.md"),
    ]:
        for what in advised(path.read_text(encoding="utf-8")):
            if "[" in what:
                named = re.fullmatch(r"'(?:snn2hw|\.)\[([\w,]+|\{extra\})\]'", what)
                assert named, f"{path.relative_to(ROOT)}: {what}"
                assert set(named[1].split(",")) <= there | {"{extra}"}, f"{path.relative_to(ROOT)}: {what}"
                found.append(path.name)
    assert {"demo_run.py", "errors.py", "executor.py", "runtime.py", "README.md"} <= set(found)


def test_a_message_names_an_extra_that_brings_the_package_itself() -> None:
    """Not one that brings it with the packages of other extras, such as `all`."""
    there = dict(re.findall(r"^(\w+) = \[(.*?)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M))
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "snn2hw").rglob("*.py"))
    named = set(re.findall(r'MissingExtraError\((?:[\w.]+ or )?"([\w-]+)", "(\w+)"', source))
    named |= set(re.findall(r"the package '([\w-]+)' is not installed: pip install 'snn2hw\[(\w+)\]'", source))
    assert {"torch", "netx", "nir", "data", "demo", "run", "neurobench"} <= {extra for _, extra in named}
    assert [pair for pair in named if f'"{pair[0]}>=' not in there.get(pair[1], "")] == []


def test_programs_of_others_are_started_in_one_place() -> None:
    """`run/tools.py` has the time limit, the log and the end of all that a program started; every caller goes through it."""
    starts = re.compile(
        r"^\s*(?:import|from) (?:subprocess|pty|asyncio\.subprocess)\b|\bos\.(?:system|popen|exec\w+|spawn\w+|posix_spawn\w*)\(",
        re.M,
    )
    found = {p.relative_to(ROOT / "snn2hw").as_posix() for p in (ROOT / "snn2hw").rglob("*.py") if starts.search(p.read_text())}
    assert found == {"run/tools.py"}
    callers = re.compile(r"^from snn2hw\.run\.tools import", re.M)
    through = {
        p.relative_to(ROOT / "snn2hw").as_posix() for p in (ROOT / "snn2hw").rglob("*.py") if callers.search(p.read_text())
    }
    assert {"native/compiler.py", "native/replay.py", "backends/lava/executor.py", "backends/lava/environment.py"} <= through
