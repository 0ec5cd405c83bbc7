"""Follows a page literally: every block of commands and of Python is run, and what it prints is compared with the page.

python docsite/runner.py docs/tutorials/first.md FOLDER [--update] [--installed]
python docsite/runner.py --count

A block of `bash` runs in one shell for the whole page, so that a folder that was entered and an environment that was
activated stay. A block of `python` with a title is a file, which the reader is told to write; without one it is run, and
names stay known to the blocks below; of tutorials line by line, as it is pasted into a session. A block of `text` right
behind either is what was printed; `...` in it stands for anything. `--update` writes what was printed over a block that is only
`...`, or that is not alike and has no `...` in it. `--installed` leaves out what installs.

What a reader of the page does not see, in comments of HTML:

    <!-- before bash ... -->       what a reader of a how-to page has already; the same with `python`
    <!-- trained -->               the whole numbers below come from training, and differ from machine to machine, as decimal
                                   fractions do everywhere, but for percentages
    <!-- not run: why -->          the block below is only shown

Only the standard library is used: the page may be followed where nothing is installed yet.
"""

from __future__ import annotations

import code
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK = re.compile(
    r'^(?P<indent> *)```(?P<kind>\w*)(?: title="(?P<title>[^"]+)")?[^\n]*\n(?P<body>.*?)^(?P=indent)```$', re.M | re.S
)
RUN = ("bash", "python")
SHOWN = ("text",)
KEPT = ("toml", "c", "json", "diff", "yaml", "verilog")  # files that commands below take
COLUMNS = "88"
PASTED = "tutorials"  # the folder of pages whose Python a reader pastes into a session, line by line
ELSE = "..."
NUMBER = r"(-?\d[\d,]*\.\d+)"  # before a percent sign
POINTS = 3.0  # that an accuracy may be away from the page's: a training ends elsewhere on another machine
EMPTY = f"{ELSE}\n"
TRAINED = "<!-- trained -->"
BEFORE = re.compile(r"^<!-- before (?P<kind>bash|python)\n(?P<body>.*?)^-->", re.M | re.S)
NOT_RUN = re.compile(r"<!-- not run: ([^>]+) -->\s*\Z")
INSTALLS = re.compile(r"^\s*(?:python3? -m )?pip install ", re.M)


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Args:
        kind: its language. title: the file that it is, or "". body: its text, without the page's indent.
        line: where it stands in the page. span: of its body in the page's text. trained: whether its whole numbers differ from
        machine to machine. why: it is not run, or "". hidden: whether no reader sees it.
    """

    kind: str
    title: str
    body: str
    line: int
    span: tuple[int, int]
    trained: bool = False
    why: str = ""
    hidden: bool = False

    @property
    def installs(self) -> bool:
        """Whether it is commands that install something."""
        return self.kind == "bash" and INSTALLS.search(self.body) is not None


def blocks(text: str) -> Iterator[Block]:
    """All blocks of a page, in their order."""
    for match in sorted([*BLOCK.finditer(text), *BEFORE.finditer(text)], key=lambda m: m.start()):
        line, above = text.count("\n", 0, match.start()) + 1, text[: match.start()]
        if match.re is BEFORE:
            yield Block(match["kind"], "", match["body"], line, match.span("body"), hidden=True)
            continue
        body = "".join(part.removeprefix(match["indent"]) for part in match["body"].splitlines(keepends=True))
        why = NOT_RUN.search(above)
        trained = above.rstrip().endswith(TRAINED)
        yield Block(match["kind"], match["title"] or "", body, line, match.span("body"), trained, why[1] if why else "")


def alike(shown: str, printed: str, trained: bool = False) -> bool:
    """Whether the page says what was printed: `...` is anything, blanks and rules of tables aside, addresses of objects, and
    decimal fractions, which differ from machine to machine; whole numbers do not, unless they are of something trained.
    Percentages with decimals are no times: they may be POINTS apart."""
    told, got = (_parts(text, trained) for text in (shown, printed))
    wanted = "".join(NUMBER if k % 2 else re.escape(part).replace(re.escape(ELSE), ".*?") for k, part in enumerate(told))
    found = re.fullmatch(wanted, "".join(got), re.S)
    return found is not None and all(
        abs(float(a.replace(",", "")) - float(b.replace(",", ""))) <= POINTS
        for a, b in zip(told[1::2], found.groups(), strict=True)
    )


def _parts(text: str, trained: bool) -> list[str]:
    """Text without what differs from machine to machine; every second part is the number of a percentage."""
    lines = (" ".join(re.sub(r"-{2,}", "-", line).split()) for line in text.strip().split("\n"))
    parts = re.split(f"{NUMBER}(?= ?%)", "\n".join(line for line in lines if line))
    return [part if k % 2 else _plain(part, trained) for k, part in enumerate(parts)]


def _plain(text: str, trained: bool) -> str:
    text = re.sub(r"\b0x[0-9a-f]+", "0x#", text)  # where an object lies in memory
    if trained:
        text = re.sub(r"-?\d[\d,.]*", "#", text)
    return re.sub(r"(?<![\w.])-?\d[\d,]*\.\d+(?![\w.]\d)", "#", text)


class Reader:
    """Whoever follows a page, in a folder."""

    def __init__(self, folder: Path, pasted: bool = False) -> None:
        self.folder, self.names, self.pasted = folder, {"__name__": "__main__"}, pasted
        self.state = Path(tempfile.mkdtemp(prefix="page-")) / "state"
        self.state.write_text(f"cd {folder}\n", encoding="utf-8")

    def follow(self, block: Block) -> str:
        """What a block prints; an error of it is an AssertionError with all that it printed."""
        if block.kind == "bash":
            return self._shell(block.body)
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body, encoding="utf-8")
            return ""
        return self._python(block.body) if block.kind == "python" else ""

    def _shell(self, body: str) -> str:
        kept = 'declare -px | grep -vE " (BASHOPTS|BASH_VERSINFO|EUID|PPID|SHELLOPTS|UID)="; echo "cd $(printf %q "$PWD")"'
        script = f'. "{self.state}"\nset -e\n{body}\nset +e\n{{ {kept}; }} > "{self.state}"\n'
        environment = {**os.environ, "COLUMNS": COLUMNS, "SNN2HW_PAGE": "1"}
        here = str(Path(sys.executable).parent)
        environment["PATH"] = here + os.pathsep + environment.get("PATH", "")
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def _python(self, body: str) -> str:
        said = io.StringIO()
        os.chdir(self.folder)
        sys.path[:0] = [] if "" in sys.path else [""]
        try:
            with contextlib.redirect_stdout(said):
                if self.pasted:
                    self._paste(body)
                else:
                    exec(compile(body, "<page>", "exec"), self.names)
        except Exception as error:
            raise AssertionError(f"{said.getvalue()}{traceback.format_exc()}") from error
        return said.getvalue()

    def _paste(self, body: str) -> None:
        """Line by line, as into a session of `python`: a block that is indented ends at an empty line, and only there."""
        console = Console(self.names)
        for line in [*body.split("\n"), ""]:
            console.push(line)


class Console(code.InteractiveConsole):
    """A session in which an error is one of the page."""

    def showtraceback(self) -> None:
        """What was raised is raised on."""
        raise sys.exc_info()[1] or AssertionError

    def showsyntaxerror(self, filename: str | None = None, **_: object) -> None:
        """The same of what cannot be read."""
        raise sys.exc_info()[1] or AssertionError


@dataclass
class Following:
    """One page being followed: what was printed last, what was found wrong, what is to be written into the page."""

    page: Path
    reader: Reader
    update: bool
    installed: bool
    last: str | None = None
    skipped: bool = False
    stops: list[str] = field(default_factory=list)
    changed: list[tuple[tuple[int, int], str]] = field(default_factory=list)

    def take(self, block: Block) -> None:
        """One block; an error of what it runs is an AssertionError."""
        if block.why or (self.installed and block.installs):
            self.last, self.skipped = None, True
        elif block.kind in RUN:
            printed = self.reader.follow(block)
            self.last, self.skipped = None if block.hidden else printed, False
        elif block.kind in SHOWN:
            self._compare(block)
            self.last = None
        elif block.kind in KEPT and block.title:
            self.reader.follow(block)
        else:
            self._stop(block, f"a block of '{block.kind}' is neither run nor written, and no comment says why")

    def _compare(self, block: Block) -> None:
        if self.last is None:
            if not self.skipped:
                self._stop(block, "nothing above prints this, and no comment says why it is not run")
        elif self.update and (block.body == EMPTY or (ELSE not in block.body and not self._alike(block, self.last))):
            self.changed.append((block.span, _tidy(self.last)))
        elif not self._alike(block, self.last):
            self._stop(block, f"the page shows\n{block.body}printed was\n{self.last}")

    def _alike(self, block: Block, printed: str) -> bool:
        return alike(block.body, printed, block.trained)

    def _stop(self, block: Block, why: str) -> None:
        self.stops.append(f"{self.page.name}:{block.line}: {why}")


def follow(page: Path, folder: Path, update: bool = False, installed: bool = False) -> list[str]:
    """Everything at which a reader of the page stops, in words; where it is updated, of what was printed nothing.

    Args:
        page: a Markdown file. folder: where its commands are run. update: write what was printed into the page.
        installed: leave out the blocks that install something.
    """
    text = page.read_text(encoding="utf-8")
    whole = Following(page, Reader(folder, page.parent.name == PASTED), update, installed)
    for block in blocks(text):
        try:
            whole.take(block)
        except AssertionError as error:
            return [*whole.stops, f"{page.name}:{block.line}: this stops with an error\n{block.body}{error}"]
    for (begin, end), new in reversed(whole.changed):
        text = text[:begin] + new + text[end:]
    if whole.changed:
        page.write_text(text, encoding="utf-8")
    return whole.stops


def _tidy(printed: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").split("\n"))


def count(pages: Iterable[Path]) -> dict[str, list[int]]:
    """Of each page that has blocks: how many are run or written, compared with what is printed, only shown."""
    told = {}
    for page in pages:
        found = [b for b in blocks(page.read_text(encoding="utf-8")) if not b.hidden]
        shown = [b for b in found if b.why]
        compared = [b for b in found if b.kind in SHOWN and not b.why]
        if found:
            told[page.name] = [len(found) - len(shown) - len(compared), len(compared), len(shown)]
    return told


def main(arguments: list[str]) -> int:
    """Exit code 0 where the page can be followed to its end."""
    if arguments == ["--count"]:
        docs = Path(__file__).parent.parent
        told = count([*sorted((docs / "docs").rglob("*.md")), docs / "README.md"])
        for name, numbers in told.items():
            print(f"{name:22} run {numbers[0]:3}, printed text compared {numbers[1]:3}, only shown {numbers[2]:3}")
        print("in all", [sum(column) for column in zip(*told.values(), strict=True)])
        return 0
    given: list[Any] = [a for a in arguments if not a.startswith("--")]
    folder = Path(given[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    stops = follow(Path(given[0]).resolve(), folder, "--update" in arguments, "--installed" in arguments)
    print("\n\n".join(stops) or "followed to the end")
    return 1 if stops else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
