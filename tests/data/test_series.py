""".ts files of the UEA archive: read back exactly, genuine series, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from snn2hw.data import UEA, read_ts
from snn2hw.data.series import SITE
from snn2hw.errors import DataError, UsageError
from tests.data.published import ts
from tests.refused import refused
from tests.shared_data import shared_data

pytestmark = pytest.mark.torch

VALUES = [np.random.default_rng(n).normal(size=(4 + n, 3)).astype(np.float32) for n in range(3)]
LABELS = ["b", "a", "b"]


def test_cases_are_read_back_exactly(tmp_path: Path) -> None:
    (tmp_path / "x.ts").write_text(ts(VALUES, LABELS, ["a", "b"], ["@dimensions 3", "@univariate false", "@equalLength false"]))
    read = read_ts(tmp_path / "x.ts")
    assert (read.labels.tolist(), read.classes) == ([1, 0, 1], ("a", "b"))
    for got, given in zip(read.values, VALUES, strict=True):
        assert got.dtype == np.float32
        assert np.array_equal(got, given)


def test_a_problem_of_both_files(tmp_path: Path) -> None:
    folder = tmp_path / "Made"
    folder.mkdir()
    (folder / "Made_TRAIN.ts").write_text(ts(VALUES, LABELS, ["a", "b"]))
    (folder / "Made_TEST.ts").write_text(ts(VALUES[:1], ["a"], ["a", "b"]))
    train, test = UEA(tmp_path, "Made"), UEA(folder, "Made", "test")
    assert (train.shape, train.steps, test.shape, len(train), len(test)) == ((6, 3), 6, (6, 3), 3, 1)
    x, label = train[0]
    assert label == 1
    assert torch.equal(x, torch.from_numpy(np.vstack([VALUES[0], np.zeros((2, 3), np.float32)])))
    (folder / "Made_TEST.ts").write_text(ts(VALUES[:1], ["a"], ["a", "c"]))
    with pytest.raises(DataError, match="two files are not of one problem"):
        UEA(folder, "Made")
    with pytest.raises(DataError, match="the problem Other is not in this folder"):
        UEA(folder, "Other")
    (folder / "Made_TEST.ts").unlink()
    with pytest.raises(DataError, match="the problem Made is not in this folder"):
        UEA(folder, "Made")


def test_one_long_case_among_short_ones_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "Made_TRAIN.ts").write_text(ts([np.zeros((400_000, 1), np.float32)], ["a"], ["a", "b"]))
    (tmp_path / "Made_TEST.ts").write_text(ts([np.zeros((1, 1), np.float32)] * 20_000, ["b"] * 20_000, ["a", "b"]))
    for split in ("train", "test"):
        with refused(
            DataError,
            f"""
            the cases of a problem are of too different lengths to be padded with zeros
              where:    {tmp_path}
              got:      20,001 cases, the longest of 400,000 steps: 32,001,600,000 bytes, of which 1,680,000 are theirs
              expected: at most 107,520,000 bytes, the larger of 16 MiB and 64 times theirs
              do:       read the two files with snn2hw.data.read_ts, and cut or drop the longest cases
            """,
        ):
            UEA(tmp_path, "Made", split)


def test_padding_to_16_mib_is_never_refused(tmp_path: Path) -> None:
    long, short = [np.ones((1024, 1), np.float32)], [np.ones((1, 1), np.float32)]
    for split, cases in (("TRAIN", long), ("TEST", short * 4095)):
        (tmp_path / f"Made_{split}.ts").write_text(ts(cases, ["a"] * len(cases), ["a", "b"]))
    assert UEA(tmp_path, "Made", "test")[4094][0].sum() == 1
    (tmp_path / "Made_TEST.ts").write_text(ts(short * 4096, ["a"] * 4096, ["a", "b"]))
    with pytest.raises(DataError, match=r"4,097 cases, the longest of 1,024 steps"):
        UEA(tmp_path, "Made", "test")


def test_genuine_series(tmp_path: Path) -> None:
    with np.load(shared_data("real/japanese_vowels.npz")) as arrays:
        values, labels = arrays["x_train"], arrays["y_train"]
        names = [str(n) for n in arrays["names"]]
    facts = ["@univariate false", "@dimensions 12", "@equalLength true", f"@seriesLength {values.shape[1]}"]
    for split in ("TRAIN", "TEST"):
        (tmp_path / f"JapaneseVowels_{split}.ts").write_text(ts(list(values), [names[n] for n in labels], names, facts))
    data = UEA(tmp_path, "JapaneseVowels")
    assert torch.equal(torch.stack([data[n][0] for n in range(len(data))]), torch.from_numpy(values))
    assert data.labels.tolist() == labels.tolist()


GOOD = ts(VALUES, LABELS, ["a", "b"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a .ts file is empty"),
        (GOOD.replace("@data\n", ""), "before @data"),
        ("@problemName x\n", "no line @data"),
        (GOOD[: GOOD.index("@data") + 6], "not one case behind @data"),
        (GOOD.replace("@classLabel true a b", "@classLabel false"), "no classes in @classLabel"),
        (GOOD.replace("@classLabel true a b", "@targetLabel True"), "numbers to predict, by its @targetLabel, and no classes"),
        (GOOD.replace("@classLabel true a b", "@classLabel"), "no classes in @classLabel"),
        (GOOD.replace("@classLabel true a b", "@classLabel true"), "no classes in @classLabel"),
        (GOOD.replace("@classLabel true a b", "@classLabel true a"), "the label 'b' in line 6, which is not in @classLabel"),
        (GOOD.replace("@classLabel true a b", "@classLabel true a b a"), "a class twice"),
        (GOOD.replace("@timeStamps false", "@timeStamps true"), "timestamps, which are not read"),
        (GOOD.replace("@timeStamps false", "@dimensions 4"), "cases of 3 dimensions, where the file states 4"),
        (GOOD.replace("@timeStamps false", "@univariate true"), "cases of 3 dimensions, where the file states 1"),
        (GOOD.replace("@timeStamps false", "@equalLength true"), "cases of 4 to 6 values, where the file states equal lengths"),
        (GOOD.replace("@timeStamps false", "@seriesLength 6"), "cases of 4 to 6 values, where the file states 6"),
        (GOOD.replace("@timeStamps false", "@equalLength\ttrue"), "cases of 4 to 6 values, where the file states equal lengths"),
        (GOOD.replace("@timeStamps false", "@classLabel true b a"), "@classLabel a second time in line 4, with another value"),
        (GOOD[:-4] + ":1.0:b\n", "dimensions of"),
        (GOOD + "1,2:3,4:a\n", "cases of 2 to 3 dimensions"),
        (GOOD + "1,?:3,4:5,6:a\n", "a missing value in line 9"),
        (GOOD + "1,nan:3,4:5,6:a\n", "a missing value in line 9"),
        (GOOD + "1,x:3,4:5,6:a\n", "could not convert string to float"),
        (GOOD + "1,1_0:3,4:5,6:a\n", "'1,1_0', which are no numbers, in line 9"),
        (GOOD + "1,\u0661:3,4:5,6:a\n", "which are no numbers, in line 9"),
        (GOOD + "1,1e39:3,4:5,6:a\n", r"1e\+39 in line 9, which float32 does not hold: at most 3.4e\+38"),
        (GOOD + "1,-1e400:3,4:5,6:a\n", "-inf in line 9, which float32 does not hold"),
        (GOOD + "a\n", "no colon in line 9"),
        ("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_what_cannot_be_read(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.ts").write_text(text)
    with pytest.raises(DataError, match=says):
        read_ts(tmp_path / "x.ts")


def test_facts_that_are_none(tmp_path: Path) -> None:
    """A name again, from which nothing follows; the same fact again; a length where the lengths differ by another fact.

    And a form feed in a remark, which ends no line.
    """
    facts = ["@timeStamps false", "@problemName Other", "@equalLength false", "@seriesLength 6", "# a\x0c@classLabel true b a"]
    more = "\n".join([*facts, "@timeStamps false"])
    (tmp_path / "x.ts").write_text(GOOD.replace("@timeStamps false", more))
    assert read_ts(tmp_path / "x.ts").classes == ("a", "b")


def test_two_files_of_equal_lengths_that_differ(tmp_path: Path) -> None:
    for split, length in (("TRAIN", 2), ("TEST", 3)):
        values = [np.ones((length, 1), np.float32)] * 2
        (tmp_path / f"P_{split}.ts").write_text(ts(values, ["a", "b"], ["a", "b"], ["@equalLength true"]))
    with refused(
        DataError,
        f"""
        two files are not of one problem
          where:    {tmp_path}
          got:      cases of 2 values in P_TRAIN.ts and cases of 3 values in P_TEST.ts
          expected: cases of one length in both, as both state equal lengths
          do:       unpack P from {SITE} again
        """,
    ):
        UEA(tmp_path, "P")


def test_no_text_and_its_message(tmp_path: Path) -> None:
    (tmp_path / "x.ts").write_bytes(b"\xff\xfe@\0data")
    with refused(
        DataError,
        f"""
        a .ts file cannot be read
          where:    {tmp_path / "x.ts"}
          got:      'utf-8' codec can't decode byte 0xff in position 0: invalid start byte
          expected: facts (@...), @data, and a case in each line: numbers, colons between dimensions, the label at its end
          do:       take a problem of classification without timestamps and missing values, or download it again, from \
https://www.timeseriesclassification.com
        """,
    ):
        read_ts(tmp_path / "x.ts")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    with refused(
        UsageError,
        f"""
        the name of a problem is no text
          where:    UEA
          got:      None
          expected: a name such as "JapaneseVowels"
          do:       pass one of the names at {SITE}
        """,
    ):
        UEA(tmp_path, None)
