"""Labelled time series in .ts files, as the UEA archive (timeseriesclassification.com) publishes them.

Lines that begin with # are remarks, with @ facts (@dimensions, @equalLength, @classLabel ...); behind @data stands a case in each
line: its dimensions, divided by colons, each of numbers divided by commas, and its label behind the last colon.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.data.content import content
from snn2hw.data.folders import SPLITS, given_file, given_folder, wrong_folder
from snn2hw.data.labelled import Samples, Transform
from snn2hw.errors import DataError, UsageError
from snn2hw.files.read import is_file

FACTS = ("targetlabel", "classlabel", "timestamps", "univariate", "dimensions", "equallength", "serieslength")  # that count
LINES = re.compile(r"\r\n|\n|\r")  # str.splitlines knows eight more ends, which may stand in a remark
SITE = "https://www.timeseriesclassification.com"
MOST = 512 << 20  # bytes of a file
# Cases padded to one length may take so many bytes, or so many times their own. Problems of the archive do not come near: cases
# of SpokenArabicDigits have 4 to 93 steps, so that the longest has 23 times the shortest, and less beside the mean.
LEAST, RATIO = 16 << 20, 64


@dataclass(frozen=True, eq=False)
class Series:
    """Cases of a .ts file.

    Args:
        values: of each case, float32 [T, dimensions]. labels: int64 [N], places in `classes`. classes: as the file names them.
    """

    values: list[npt.NDArray[np.float32]]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]


def read_ts(path: str | Path) -> Series:
    """The cases of a .ts file.

    Raises:
        DataError: no such file, no text, a fact that is missing or that the cases do not hold to, no cases, missing values,
            timestamps, numbers to predict, a label that is not among its classes.
    """
    return _read(given_file(path))[0]


def _read(path: Path) -> tuple[Series, dict[str, str]]:
    """The cases, and the facts by name in small letters. Errors as of `read_ts`."""
    expected = "facts (@...), @data, and a case in each line: numbers, colons between dimensions, the label at its end"
    do = f"take a problem of classification without timestamps and missing values, or download it again, from {SITE}"
    data = content(path, "a .ts file", expected, do, MOST)
    try:
        return _parsed(LINES.split(data.decode("utf-8")))
    except ValueError as error:  # of UTF-8, too
        raise DataError("a .ts file cannot be read", where=str(path), got=str(error)[:300], expected=expected, do=do) from error


def _parsed(lines: list[str]) -> tuple[Series, dict[str, str]]:
    facts, begins = _facts(lines)
    if facts.get("targetlabel", "").lower() == "true":
        raise ValueError("numbers to predict, by its @targetLabel, and no classes")
    names = facts.get("classlabel", "").split()
    if len(names) < 2 or names.pop(0).lower() != "true":
        raise ValueError("no classes in @classLabel")
    if facts.get("timestamps", "false").lower() == "true":
        raise ValueError("timestamps, which are not read")
    if len(set(names)) != len(names):
        raise ValueError(f"a class twice in @classLabel: {' '.join(names)}")
    values, labels = [], []
    for n, line in enumerate(lines[begins:], begins + 1):
        if line.strip() and not line.startswith("#"):
            case, label = _case(line.strip(), n)
            if label not in names:
                raise ValueError(f"the label {label!r} in line {n}, which is not in @classLabel")
            values.append(case)
            labels.append(names.index(label))
    if not values:
        raise ValueError("not one case behind @data")
    _require_stated(facts, values)
    return Series(values, np.array(labels, np.int64), tuple(names)), facts


def _facts(lines: list[str]) -> tuple[dict[str, str], int]:
    """(facts, by name in small letters; the number of the line behind @data)."""
    facts: dict[str, str] = {}
    for n, line in enumerate(lines):
        text = line.strip()
        if text.lower() == "@data":
            return facts, n + 1
        if text.startswith("@"):
            name, value = (*text[1:].split(None, 1), "", "")[:2]
            if facts.setdefault(name.lower(), value) != value and name.lower() in FACTS:
                raise ValueError(f"@{name} a second time in line {n + 1}, with another value")
        elif text and not text.startswith(("#", "%")):
            raise ValueError(f"{text[:40]!r} in line {n + 1}, before @data")
    raise ValueError("no line @data")


def _case(line: str, n: int) -> tuple[npt.NDArray[np.float32], str]:
    *dimensions, label = line.split(":")
    if not dimensions:
        raise ValueError(f"no colon in line {n}")
    rows = [_numbers(part, n) for part in dimensions]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"dimensions of {', '.join(sorted({str(len(row)) for row in rows}))} values in line {n}")
    return np.array(rows).T, label.strip()


def _numbers(part: str, n: int) -> npt.NDArray[np.float32]:
    try:
        if "_" in part or not part.isascii():  # float() takes 1_0, and digits of every script
            raise ValueError(f"{part[:40]!r}, which are no numbers,")
        row = np.array([float(value) for value in part.split(",")])
    except ValueError as error:
        missing = "?" in part
        raise ValueError(f"{'a missing value' if missing else str(error)} in line {n}") from error
    if np.isnan(row).any():
        raise ValueError(f"a missing value in line {n}")
    with np.errstate(over="ignore"):  # what is too large is said below
        made = row.astype(np.float32)
    if not np.isfinite(made).all():
        first = row[~np.isfinite(made)][0]
        raise ValueError(f"{first:g} in line {n}, which float32 does not hold: at most {np.finfo(np.float32).max:.3g}")
    return made


def _require_stated(facts: dict[str, str], values: list[npt.NDArray[np.float32]]) -> None:
    """All cases are as the facts say, where they say it."""
    shapes = {v.shape for v in values}
    widths, lengths = {s[1] for s in shapes}, {s[0] for s in shapes}
    if len(widths) > 1:
        raise ValueError(f"cases of {min(widths)} to {max(widths)} dimensions")
    stated = "1" if facts.get("univariate", "").lower() == "true" else facts.get("dimensions")
    if stated is not None and stated != str(*widths):
        raise ValueError(f"cases of {widths.pop()} dimensions, where the file states {stated}")
    if facts.get("equallength", "").lower() == "true" and len(lengths) > 1:
        raise ValueError(f"cases of {min(lengths)} to {max(lengths)} values, where the file states equal lengths")
    length = facts.get("serieslength")
    if length is not None and facts.get("equallength", "").lower() != "false" and {length} != set(map(str, lengths)):
        theirs = " to ".join(map(str, dict.fromkeys((min(lengths), max(lengths)))))
        raise ValueError(f"cases of {theirs} values, where the file states {length}")


class UEA(Samples):
    """A problem of the UEA archive: NAME_TRAIN.ts and NAME_TEST.ts.

    Samples are float32 [T, dimensions], as the file has them; shorter cases are followed by zeros, and T is the length of the
    longest of both files. All are in memory. Scale them with a transform: integer networks take a stated range.

    Args:
        root: the folder with the two files, or the one that holds it as NAME. name: of the problem, such as "JapaneseVowels".
        split: "train" or "test".
        transform: applied to every sample.

    Raises:
        UsageError: another split. DataError: another folder, a file as `read_ts` says, or two that are not of one problem.
    """

    def __init__(self, root: str | Path, name: str, split: str = "train", transform: Transform | None = None) -> None:
        one_of("split", split, SPLITS, "UEA")
        if not isinstance(name, str):
            raise UsageError(
                "the name of a problem is no text",
                where="UEA",
                got=repr(name)[:80],
                expected='a name such as "JapaneseVowels"',
                do=f"pass one of the names at {SITE}",
            )
        self.name, self.split, self.transform = name, split, transform
        folder = given_folder(root)
        folders = [f for f in (folder, folder / name) if all(is_file(f / _file(name, s)) for s in SPLITS)]
        if not folders:
            raise wrong_folder(
                f"the problem {name}", folder, f"{_file(name, 'train')}, {_file(name, 'test')}", f"unpack it from {SITE}"
            )
        read = {s: _read(folders[0] / _file(name, s)) for s in SPLITS}
        both = {s: series for s, (series, _) in read.items()}
        said = [(both[s].classes, both[s].values[0].shape[1]) for s in SPLITS]
        if said[0] != said[1]:
            raise DataError(
                "two files are not of one problem",
                where=str(folders[0]),
                got=" and ".join(f"{width} dimensions, classes {' '.join(classes)}" for classes, width in said),
                expected="the same classes and dimensions in both",
                do=f"unpack {name} from {SITE} again",
            )
        lengths = {s: len(both[s].values[0]) for s in SPLITS if read[s][1].get("equallength", "").lower() == "true"}
        if len(lengths) == len(SPLITS) and len(set(lengths.values())) > 1:
            raise DataError(
                "two files are not of one problem",
                where=str(folders[0]),
                got=" and ".join(f"cases of {length} values in {_file(name, s)}" for s, length in lengths.items()),
                expected="cases of one length in both, as both state equal lengths",
                do=f"unpack {name} from {SITE} again",
            )
        own, longest = both[split], _longest([v for s in SPLITS for v in both[s].values], folders[0])
        self.steps, self.classes, self.shape = longest, own.classes, (longest, said[0][1])
        self.labels = torch.from_numpy(own.labels)
        self._values: npt.NDArray[Any] = np.zeros((len(own.values), *self.shape), np.float32)
        for n, value in enumerate(own.values):
            self._values[n, : len(value)] = value

    def sample(self, index: int) -> Tensor:
        """[T, dimensions]"""
        return torch.from_numpy(self._values[index])


def _longest(cases: list[npt.NDArray[np.float32]], where: Path) -> int:
    """The length that all cases of a problem are padded to, where that takes no absurd memory."""
    longest, theirs = max(map(len, cases)), sum(case.nbytes for case in cases)
    padded, most = len(cases) * longest * cases[0][0].nbytes, max(LEAST, RATIO * theirs)
    if padded > most:
        raise DataError(
            "the cases of a problem are of too different lengths to be padded with zeros",
            where=str(where),
            got=f"{len(cases):,} cases, the longest of {longest:,} steps: {padded:,} bytes, of which {theirs:,} are theirs",
            expected=f"at most {most:,} bytes, the larger of {LEAST >> 20} MiB and {RATIO} times theirs",
            do="read the two files with snn2hw.data.read_ts, and cut or drop the longest cases",
        )
    return longest


def _file(name: str, split: str) -> str:
    return f"{name}_{split.upper()}.ts"
