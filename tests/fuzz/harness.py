"""One case: a damaged input, read in a child process under limits, and the verdict on what the reader did with it."""

from __future__ import annotations

import json
import os
import random
import resource
import select
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from stat import S_ISDIR
from typing import Any

from snn2hw.errors import Snn2hwError, Snn2hwWarning

SECONDS = 10.0  # that a case may take
SLACK = 2.0  # more of them, until its process is ended
MEMORY = 2 << 30  # bytes that a case may take beyond what its process has at the start


class Verdict(Enum):
    """What became of a case. The first three are right."""

    EQUAL = "equal"
    REFUSED = "refused"
    OTHER = "other"
    RAW = "raw exception"
    CRASH = "crash"
    HANG = "hang"
    MEMORY = "memory"
    OUTSIDE = "file outside"
    DAMAGE = "damage accepted"


RIGHT = (Verdict.EQUAL, Verdict.REFUSED, Verdict.OTHER)


@dataclass(frozen=True)
class Attempt:
    """A damaged input that lies in the case's folder.

    Args:
        says: what was done to it.
        allowed: whether a reader that accepts the input may give this meaning. `never` where it must be refused.
    """

    says: str
    allowed: Callable[[Any], bool]


def never(meaning: Any) -> bool:
    """For an input that must be refused."""
    return False


def anything(meaning: Any) -> bool:
    """For an input that has a meaning of its own, which the mutator cannot know."""
    return True


@dataclass(frozen=True)
class Reader:
    """A reader of bytes, and how to damage what it reads.

    Args:
        name: in the table and on the command line.
        prepare: folder -> whatever the other two need, such as good bytes and their meaning. Called once, before children.
        damage: (random numbers, an empty folder `in`, prepared) -> Attempt; writes the damaged input into the folder.
        read: (the same folder, prepared) -> meaning; raises what the reader raises. It may write into `../out` only.
        quick: cases of it in `make test`; a few tenths of a second's worth.
    """

    name: str
    prepare: Callable[[Path], Any]
    damage: Callable[[random.Random, Path, Any], Attempt]
    read: Callable[[Path, Any], Any]
    quick: int = 50


@dataclass(frozen=True)
class Case:
    """A case that was run."""

    reader: str
    number: int
    verdict: Verdict
    says: str = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def replay(self) -> str:
        """The line that runs it again."""
        return f".venv/bin/python -m tests.fuzz --readers {self.reader} --case {self.number}"


def run_case(reader: Reader, number: int, prepared: Any, root: Path, show: bool = False) -> Case:
    """One case in this process, without limits."""
    for left in root.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    for part in ("in", "out"):
        (root / part).mkdir()
    attempt = reader.damage(random.Random(f"{reader.name}/{number}"), root / "in", prepared)
    before, begun = _seen(root), time.perf_counter()
    verdict, detail = _tried(reader, attempt, prepared, root, show)
    seconds = time.perf_counter() - begun
    if verdict in RIGHT and (changed := _seen(root) ^ before):
        verdict, detail = Verdict.OUTSIDE, ", ".join(sorted({name for name, *_ in changed})[:4])
    return Case(reader.name, number, verdict, attempt.says, detail, seconds)


def _tried(reader: Reader, attempt: Attempt, prepared: Any, root: Path, show: bool) -> tuple[Verdict, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", Snn2hwWarning)
            meaning = reader.read(root / "in", prepared)
    except Snn2hwError as error:
        if show:
            print(f"{type(error).__name__}: {error}")
        return Verdict.REFUSED, error.what
    except MemoryError as error:
        return Verdict.MEMORY, str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever it is, it is the verdict)
        if show:
            traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Verdict.RAW, f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno})"
    if not attempt.allowed(meaning):
        return Verdict.DAMAGE, repr(meaning)[:200]
    return (Verdict.OTHER if attempt.allowed is anything else Verdict.EQUAL), ""


def _seen(root: Path) -> set[tuple[str, int, int]]:
    """Everything below the case's folder but `out`: a reader must leave it as it is."""
    found = {str(p.relative_to(root)): p.lstat() for p in root.rglob("*") if p.relative_to(root).parts[0] != "out"}
    return {(name, 0 if S_ISDIR(s.st_mode) else s.st_size, s.st_mode) for name, s in found.items()}


def run(reader: Reader, numbers: Iterable[int]) -> Iterator[Case]:
    """Cases in child processes: one that hangs, crashes or fills its memory is named, and the next go on in a new child."""
    waiting = list(numbers)
    with tempfile.TemporaryDirectory(prefix="snn2hw-fuzz-") as name:
        base = Path(name)
        (base / "good").mkdir()
        (base / "case").mkdir()
        prepared = reader.prepare(base / "good")
        while waiting:
            for case in _child(reader, waiting, prepared, base / "case"):
                waiting.remove(case.number)
                yield case


def _child(reader: Reader, numbers: list[int], prepared: Any, root: Path) -> Iterator[Case]:
    """Cases of one child until it is done or dies."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        _serve(reader, numbers, prepared, root, send)
    os.close(send)
    said, current, died = b"", numbers[0], ""
    try:
        while True:
            while b"\n" not in said:
                if not select.select([receive], [], [], SECONDS + SLACK)[0]:
                    os.kill(child, signal.SIGKILL)
                    yield Case(reader.name, current, Verdict.HANG, died, f"no answer for {SECONDS:.0f} s", SECONDS)
                    return
                part = os.read(receive, 1 << 16)
                if not part:
                    code = os.waitpid(child, 0)[1]
                    child = 0
                    if code:
                        signalled = os.WTERMSIG(code) if os.WIFSIGNALED(code) else 0
                        yield Case(reader.name, current, Verdict.CRASH, died, f"signal {signalled}, status {code}")
                    return
                said += part
            line, _, said = said.partition(b"\n")
            fields = json.loads(line)
            if "broken" in fields:
                raise RuntimeError(f"the harness itself fails in {reader.name}, case {current}:\n{fields['broken']}")
            if "begins" in fields:
                current, died = fields["begins"], ""
                continue
            case = Case(**{**fields, "verdict": Verdict(fields["verdict"])})
            if case.seconds > SECONDS:
                case = Case(reader.name, case.number, Verdict.HANG, case.says, "", case.seconds)
            yield case
    finally:
        os.close(receive)
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _serve(reader: Reader, numbers: list[int], prepared: Any, root: Path, send: int) -> None:
    """The child: limits, cases, an answer for each."""
    code = 1
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        have = _status("VmSize"), _status("VmRSS")
        resource.setrlimit(resource.RLIMIT_AS, (have[0] + MEMORY, have[0] + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(root)
        for number in numbers:
            os.write(send, json.dumps({"begins": number}).encode() + b"\n")
            case = run_case(reader, number, prepared, root)
            full = _status("VmHWM") - have[1] > MEMORY
            verdict = Verdict.MEMORY if full else case.verdict
            os.write(send, json.dumps({**vars(case), "verdict": verdict.value}).encode() + b"\n")
            if full:
                break
        code = 0
    except BaseException:  # noqa: BLE001  (of the harness itself: said by the parent, and this process ends)
        os.write(send, json.dumps({"broken": traceback.format_exc()}).encode() + b"\n")
    finally:
        os._exit(code)


def _status(key: str) -> int:
    """Bytes of this process, as the kernel counts them; 0 where it does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(key + ":")), 0)
