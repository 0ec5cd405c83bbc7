"""Spoken words: wav files, their log-mel energies, the published splits, genuine recordings, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from snn2hw.data import FSDD, SpeechCommands, read_wav
from snn2hw.data.mel import log_mel
from snn2hw.errors import DataError, UsageError, ValueRangeError
from tests.data.published import wav
from tests.refused import refused, warned
from tests.shared_data import shared_data

pytestmark = pytest.mark.torch

SOUND = (np.sin(np.arange(4000) * 2 * np.pi * 1000 / 8000) * 16384).astype(np.int16)


def test_a_tone_is_in_its_band_and_as_loud_as_it_is() -> None:
    """1000 Hz is a pitch of 1000 mel; half of full scale is 20 log10(0.5 / 2) = -12 dB below it, as a cosine is two lines."""
    made = log_mel(SOUND / 32768, 8000, 10, 32)
    top = 2595 * np.log10(1 + 4000 / 700)
    assert made.shape == (10, 32)
    assert made.dtype == np.float32
    assert set(made.argmax(1)) <= {round(1000 / top * 33) - 1, round(1000 / top * 33)}
    assert made[3:7].max() == pytest.approx((80 - 12) / 80, abs=0.03)
    assert np.array_equal(log_mel(np.zeros(4000), 8000, 10, 32), np.zeros((10, 32), np.float32))
    quieter = log_mel(SOUND / 327680, 8000, 10, 32)
    assert made[5].max() - quieter[5].max() == pytest.approx(20 / 80, abs=1e-5)


def test_genuine_recordings(tmp_path: Path) -> None:
    """Of the same digits: energies that rise and fall as those which others computed."""
    with np.load(shared_data("real/fsdd.npz")) as arrays:
        lengths, audio, theirs = arrays["lengths_test"][:20], arrays["audio_test"], arrays["x_test"][:20]
        labels = arrays["y_test"][:20]
    ends, agree = np.cumsum(lengths), []
    for n, (end, size) in enumerate(zip(ends, lengths, strict=True)):
        sound = audio[end - size : end]
        (tmp_path / f"{labels[n]}_george_{n}.wav").write_bytes(wav(sound))
        assert np.array_equal(read_wav(tmp_path / f"{labels[n]}_george_{n}.wav", 8000) * 32768, sound)
        filled = np.zeros(6400)
        filled[: min(size, 6400)] = sound[:6400] / 32768
        agree.append(np.corrcoef(log_mel(filled, 8000, 40, 32).ravel(), theirs[n].ravel().astype(float))[0, 1])
    assert min(agree) > 0.8
    data = FSDD(tmp_path)
    assert len(data) == 15  # numbers from 5 on
    assert all(float(x.min()) >= 0 and float(x.max()) <= 1 for x, _ in data)


def commands(root: Path) -> Path:
    for word in ("yes", "no", "_background_noise_"):
        (root / word).mkdir()
        for n in range(4):
            (root / word / f"{n}ab_nohash_0.wav").write_bytes(wav(SOUND * (n > 0), 16_000))
    (root / "validation_list.txt").write_text("yes/1ab_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("yes/2ab_nohash_0.wav\nno/0ab_nohash_0.wav\n")
    (root / "README.md").write_text("words")
    return root


def test_speech_commands_by_the_published_lists(tmp_path: Path) -> None:
    parts = {
        split: SpeechCommands(commands(tmp_path) if split == "train" else tmp_path, split)
        for split in ("train", "validation", "test")
    }
    assert {k: len(v) for k, v in parts.items()} == {"train": 5, "validation": 1, "test": 2}
    assert parts["train"].classes == ("no", "yes")
    assert parts["train"].labels.tolist() == [0, 0, 0, 1, 1]
    assert [parts["train"].path(i).name[0] for i in range(5)] == list("12303")
    x, label = parts["train"][3]
    assert (x.shape, x.dtype, label, float(x.sum())) == ((50, 40), torch.float32, 1, 0.0)
    loud = parts["train"][4][0]
    assert float(loud[:12].max()) > 0.6
    assert float(loud[14:].max()) == 0  # a quarter of a second, then silence
    assert SpeechCommands(tmp_path, "test", words=("yes",), steps=20, bands=16)[0][0].shape == (20, 16)


def test_speech_commands_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Speech Commands is not in this folder"):
        SpeechCommands(tmp_path)
    commands(tmp_path)
    with refused(
        UsageError,
        f"""
        a word of Speech Commands has no folder
          where:    {tmp_path}
          got:      'maybe'
          expected: some of no, yes
          do:       choose among these
        """,
    ):
        SpeechCommands(tmp_path, words=("yes", "maybe"))
    with pytest.raises(UsageError, match="more steps than samples"):
        SpeechCommands(tmp_path, steps=20_000)
    (tmp_path / "testing_list.txt").write_text("../../etc/passwd\n")
    with pytest.raises(DataError, match="names something else"):
        SpeechCommands(tmp_path)


def test_words_that_are_no_choice(tmp_path: Path) -> None:
    commands(tmp_path)
    assert SpeechCommands(tmp_path, words=["yes"]).classes == ("yes",)
    with refused(
        UsageError,
        """
        a word of Speech Commands is asked for twice
          where:    Speech Commands
          got:      'yes' twice
          do:       name every word once
        """,
    ):
        SpeechCommands(tmp_path, words=("no", "yes", "yes"))
    for words in ("yes", 5, (), [["yes"]], (1,)):
        with refused(
            UsageError,
            f"""
            words are no tuple of names
              where:    Speech Commands
              got:      words={words!r}
              expected: names of folders
              do:       pass words as a tuple, such as ('yes', 'no'); leave it out for all of them
            """,
        ):
            SpeechCommands(tmp_path, words=words)


def test_a_recording_of_two_splits_is_refused(tmp_path: Path) -> None:
    commands(tmp_path)
    (tmp_path / "testing_list.txt").write_text("yes/2ab_nohash_0.wav\nyes/1ab_nohash_0.wav\n")
    for split in ("train", "validation", "test"):
        with refused(
            DataError,
            f"""
            two lists of Speech Commands name the same recording
              where:    {tmp_path / "testing_list.txt"}
              got:      yes/1ab_nohash_0.wav, which is in validation_list.txt, too
              expected: every recording in one of the lists at most
              do:       unpack https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz again
            """,
        ):
            SpeechCommands(tmp_path, split)


@pytest.mark.parametrize("file", ["validation_list.txt", "testing_list.txt"])
@pytest.mark.parametrize("name", ["yes/9ab_nohash_0.wav", "maybe/1ab_nohash_0.wav"])
def test_a_list_that_names_what_is_not_there_is_refused(name: str, file: str, tmp_path: Path) -> None:
    commands(tmp_path)
    with (tmp_path / file).open("a") as more:
        more.write(f"{name}\n")
    with refused(
        DataError,
        f"""
        a recording of Speech Commands is missing
          where:    {tmp_path / file}
          got:      {name}, which is not there
          expected: recordings in {tmp_path}
          do:       unpack https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz again
        """,
    ):
        SpeechCommands(tmp_path)
    assert len(SpeechCommands(tmp_path, words=("no",))) == 3  # whoever keeps some words alone has not lost the others


@pytest.mark.parametrize("file", ["validation_list.txt", "testing_list.txt"])
def test_a_list_of_nothing_is_refused(file: str, tmp_path: Path) -> None:
    """All that it should name would be in the training part."""
    commands(tmp_path)
    (tmp_path / file).write_text("\n \n")
    with refused(
        DataError,
        f"""
        a split of Speech Commands has no recordings
          where:    {tmp_path / file}
          got:      no name in 3 bytes
          expected: names such as bed/0c40e715_nohash_0.wav
          do:       unpack https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz again
        """,
    ):
        SpeechCommands(tmp_path)


def test_a_list_that_begins_with_a_byte_order_mark_names_what_it_names(tmp_path: Path) -> None:
    commands(tmp_path)
    (tmp_path / "validation_list.txt").write_text("\ufeffyes/1ab_nohash_0.wav\n", encoding="utf-8")
    assert len(SpeechCommands(tmp_path, words=("yes",))) == 2
    assert [SpeechCommands(tmp_path, "validation", words=("yes",)).path(0).name] == ["1ab_nohash_0.wav"]


def test_a_name_that_differs_from_its_folder_in_case_is_refused(tmp_path: Path) -> None:
    """With words= names of other words are passed over; this one is of a chosen word."""
    commands(tmp_path)
    (tmp_path / "validation_list.txt").write_text("Yes/1ab_nohash_0.wav\n")
    with pytest.raises(DataError, match=r"Yes/1ab_nohash_0\.wav, which is not there"):
        SpeechCommands(tmp_path, words=("yes",))


def test_a_split_of_nothing_is_refused(tmp_path: Path) -> None:
    commands(tmp_path)
    text = """
        a split of {} has no recordings
          where:    {}
          got:      none of split={!r}
          expected: recordings of every split, as published
          do:       unpack the whole of {} here
        """
    site = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
    with refused(DataError, text.format("Speech Commands", tmp_path, "validation", site)):
        SpeechCommands(tmp_path, "validation", words=("no",))
    digits = tmp_path / "recordings"
    digits.mkdir()
    (digits / "0_jackson_7.wav").write_bytes(wav(SOUND))
    assert len(FSDD(tmp_path)) == 1
    with refused(DataError, text.format("FSDD", digits, "test", "https://github.com/Jakobovski/free-spoken-digit-dataset")):
        FSDD(tmp_path, "test")


def test_fsdd_by_its_page(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    for label in (0, 7):
        for number in (0, 4, 5, 49):
            (tmp_path / "recordings" / f"{label}_theo_{number}.wav").write_bytes(wav(SOUND))
    (tmp_path / "recordings" / "notes.txt").write_text("mine")
    train, test = FSDD(tmp_path), FSDD(tmp_path / "recordings", "test")
    assert (len(train), len(test), train.labels.tolist(), train.shape) == (4, 4, [0, 0, 7, 7], (40, 32))
    with pytest.raises(DataError, match="FSDD is not in this folder"):
        FSDD(tmp_path / "absent")


def test_recordings_of_other_names_are_told_and_passed_over(tmp_path: Path) -> None:
    for name in ("0_jackson_0.wav", "0_Zoë_5.wav", "0_jackson.wav", "seven.WAV"):
        (tmp_path / name).write_bytes(wav(SOUND))
    for split, file in (("train", "0_Zoë_5.wav"), ("test", "0_jackson_0.wav")):
        with warned(
            f"""
            recordings are passed over, as their names say no digit, speaker and number
              where:    {tmp_path}
              got:      '0_jackson.wav'; 2 of 4 wav files
              expected: names such as 0_jackson_0.wav
              do:       rename them, or move them elsewhere
            """
        ):
            data = FSDD(tmp_path, split)
        assert [data.path(i).name for i in range(len(data))] == [file]


def test_samples_that_no_computer_holds(tmp_path: Path) -> None:
    (tmp_path / "0_jackson_0.wav").write_bytes(wav(SOUND))
    with refused(
        ValueRangeError,
        """
        a sample would be absurdly large
          where:    FSDD
          got:      [8000000000000000], 8,000,000,000,000,000 numbers
          expected: at most 268,435,456
          do:       ask for fewer steps, less time, or a smaller size
        """,
    ):
        FSDD(tmp_path, "test", seconds=1e12)
    with pytest.raises(ValueRangeError, match="1,000,000,000,000,000,000 numbers"):
        FSDD(tmp_path, "test", seconds=1e306)
    with pytest.raises(ValueRangeError, match="absurdly large"):
        FSDD(tmp_path, "test", seconds=1e4, steps=10**6, bands=512)


def test_bands_that_hear_nothing_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "0_jackson_0.wav").write_bytes(wav((np.random.default_rng(0).uniform(-1, 1, 8000) * 32767).astype(np.int16)))
    says = """
        bands hear nothing, as they lie between two frequencies of so short a step
          where:    FSDD
          got:      4 of 40 bands, the first number 0; steps=400
          expected: a frequency in every band
          do:       ask for fewer bands, or for fewer steps, which are longer
        """
    with warned(says):
        loud = FSDD(tmp_path, "test", seconds=1.0, steps=400, bands=40)[0][0]
    assert int((loud.max(0).values == 0).sum()) == 4
