"""The files that `snn2hw explore` writes: its results, and in the end a table and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from snn2hw.errors import MissingExtraError, UsageError
from snn2hw.exploration.results_file import check_results
from snn2hw.files.kinds import PICTURE, check_name
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, write_file


def check_outputs(csv: Path | None, plot: Path | None, out: Path | None, *, force: bool) -> None:
    """What is in the way of the files is said before anything is run.

    Args:
        csv: of the table. plot: of the picture. out: of the results. force: whether table and picture may be replaced.

    Raises:
        UsageError: a file of others is there, or it cannot be written. MissingExtraError: matplotlib is not installed.
    """
    if out is not None:
        check_results(out)
    if csv is not None:
        check_file(csv, force=True)
        check_name(csv, "a table", ".csv")
        if csv.exists() and not force:  # a table has no place for a seal, by which it would be known as ours
            raise UsageError(
                "the file of the table is there already", where=str(csv), got="a file", expected="a new file",
                do="choose another name, remove it, or give --force, which replaces it",
            )  # fmt: skip
    if plot is None:
        return
    check_file(plot, PICTURE, force=force)
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as missing:
        raise MissingExtraError("matplotlib", "report", "--plot") from missing


def check_apart(written: Mapping[str, Path | None], read: Mapping[str, Path | None]) -> None:
    """Refuse a file that would be written twice, or written over although it is read.

    Args:
        written, read: by option; None where it was not given.

    Raises:
        UsageError: two options name one file.
    """
    named = [(option, path, path.resolve()) for option, path in [*written.items(), *read.items()] if path is not None]
    for (one, path, place), (other, _, there) in combinations(named, 2):
        if place == there and one in written:
            raise UsageError(
                "two options name one file", where=str(path), got=f"{one} and {other}", expected="a file for each",
                do=f"choose another name for {one}",
            )  # fmt: skip


def write_outputs(table: str, csv: Path | None, png: bytes | None, plot: Path | None) -> None:
    """A table, and a sealed picture, to files that were checked.

    Args:
        table: the text. csv: where it goes. png: the picture. plot: where it goes.
    """
    if csv is not None:
        write_file(csv, table.encode(), force=True)
    if plot is not None and png is not None:
        write_file(plot, png + BLANK, sealing=True, force=True)
