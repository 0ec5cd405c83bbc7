"""How much a command says, and how far it has come: what --quiet, --verbose and --json set, and an interruption tells."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from snn2hw.shown import plain
from snn2hw.version import __version__


@dataclass
class Loudness:
    """Of the command that is running.

    Args:
        quiet: nothing but errors, warnings and JSON is printed. verbose: what was run, and how long it took, is printed, too.
        doing: what is under way, one text within the other. again: how to go on after an interruption.
        begun: when the command began, in seconds.
    """

    quiet: bool = False
    verbose: bool = False
    doing: list[str] = field(default_factory=list)
    again: str = ""
    begun: float = 0.0

    def fresh(self) -> None:
        """Before every command."""
        self.quiet, self.verbose, self.doing, self.again, self.begun = False, False, [], "", perf_counter()

    @contextmanager
    def at(self, label: str) -> Iterator[None]:
        """While something is under way; it stays known where it is left by an interruption."""
        self.doing.append(plain(label))
        yield
        self.doing.pop()

    def reached(self, what: str, done: int, total: int) -> None:
        """How far the innermost of them has come.

        Args:
            what: it is at. done, total: how many of how many; 0 in all where nobody knows.
        """
        if self.doing:
            label = self.doing[-1].split(": ", 1)[0]
            self.doing[-1] = plain(f"{label}: {what}" + (f", {done:,} of {total:,} done" if total else ""))

    def spent(self) -> str:
        """What --verbose says at the end."""
        seconds = perf_counter() - self.begun
        python = f"Python {platform.python_version()} ({sys.executable})"
        return f"{seconds:.2f} s{_memory()}; snn2hw {__version__}, {python}"


def _memory() -> str:
    """The most memory that this process has had; nothing where the system does not say."""
    try:
        import resource
    except ImportError:
        return ""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f", {most / (1 << 20 if sys.platform == 'darwin' else 1 << 10):,.0f} MB of memory at most"


loudness = Loudness()
