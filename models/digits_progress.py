"""Progress of a training: a bar on a terminal, a line every five epochs elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 5


@contextlib.contextmanager
def reporter(epochs: int, progress: bool) -> Iterator[Callable[[str], None]]:
    """A function to call with one line after each of `epochs` epochs."""
    if not progress:
        yield lambda line: None
    elif sys.stdout.isatty():
        columns = (TextColumn("training"), BarColumn(), TextColumn("{task.fields[line]}"), TimeElapsedColumn())
        with Progress(*columns) as bar:
            task = bar.add_task("training", total=epochs, line="")
            yield lambda line: bar.update(task, advance=1, line=line)
    else:
        done = 0

        def say(line: str) -> None:
            nonlocal done
            done += 1
            if done % EVERY == 0 or done == epochs:
                print(f"{line}  ({done}/{epochs})", flush=True)

        yield say
