"""Spoken words as published, one wav file each: Speech Commands and the Free Spoken Digit Dataset, as log-mel energies."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snn2hw.arguments import one_of, positive, whole
from snn2hw.data.content import content
from snn2hw.data.folders import given_folder, listed, no_recordings, wrong_folder
from snn2hw.data.labelled import Samples, Transform, sized
from snn2hw.data.mel import deaf, log_mel
from snn2hw.data.wav import read_wav
from snn2hw.errors import DataError, Snn2hwWarning, UsageError
from snn2hw.files.read import is_file, is_folder

LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
COMMANDS = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
DIGITS = "https://github.com/Jakobovski/free-spoken-digit-dataset"
NOISE = "_background_noise_"
ENDLESS = 1e18  # samples of sound: a float beyond may be infinite, of which there is no whole number
TESTED = 5  # recordings of each speaker and digit: those with the lowest numbers


class _Spoken(Samples):
    """Files with labels, each cut or filled with silence to one length."""

    def __init__(
        self,
        root: Path,
        files: list[str],
        labels: list[int],
        rate: int,
        seconds: float,
        steps: int,
        bands: int,
        where: str,
        split: str,
        site: str,
    ) -> None:
        self.steps, self.bands = whole("steps", steps, 1, None, where), whole("bands", bands, 1, 1024, where)
        self.seconds, self.rate = positive("seconds", seconds, where), rate
        sized((round(min(seconds * rate, ENDLESS)),), where)
        if round(seconds * rate) < steps:
            raise UsageError(
                "there are more steps than samples of sound",
                where=where,
                got=f"steps={steps}, {round(seconds * rate)} samples",
                expected="a sample or more in every step",
                do="ask for fewer steps",
            )
        if not files:
            expected = "recordings of every split, as published"
            raise no_recordings(where, root, f"none of split={split!r}", expected, f"unpack the whole of {site} here")
        self.split, self.shape = split, sized((steps, bands), where)
        _warn_of_deaf(round(seconds * rate), rate, steps, bands, where)
        self._root, self._files = root, files
        self.labels = torch.tensor(labels, dtype=torch.int64)

    def path(self, index: int) -> Path:
        """The recording of a sample."""
        return self._root / self._files[index]

    def sample(self, index: int) -> Tensor:
        """Log-mel energies [T, bands] in [0, 1].

        Raises:
            DataError: as `read_wav` says.
        """
        sound = read_wav(self.path(index), self.rate)[: round(self.seconds * self.rate)]
        filled = np.zeros(round(self.seconds * self.rate))
        filled[: len(sound)] = sound
        return torch.from_numpy(log_mel(filled, self.rate, *self.shape))


def _warn_of_deaf(samples: int, rate: int, steps: int, bands: int, where: str) -> None:
    if silent := deaf(samples, rate, steps, bands):
        warnings.warn(
            Snn2hwWarning(
                "bands hear nothing, as they lie between two frequencies of so short a step",
                where=where,
                got=f"{len(silent)} of {bands} bands, the first number {silent[0]}; steps={steps}",
                expected="a frequency in every band",
                do="ask for fewer bands, or for fewer steps, which are longer",
            ),
            stacklevel=4,
        )


class SpeechCommands(_Spoken):
    """Speech Commands (Warden, arXiv 1804.03209), version 1 or 2: words of a second at 16 kHz, a folder each.

    Samples are float32 [T, bands] in [0, 1] (`snn2hw.data.mel`); a recording of more than a second is cut, of less followed by
    silence. The split is the published one, by its two lists: what they do not name is for training. `_background_noise_` is no
    word. Files are read when their sample is asked for.

    Args:
        root: the folder with validation_list.txt, testing_list.txt and the folders of words.
        split: "train", "validation" or "test".
        words: the classes, in this order; None: all folders, in the order of their names.
        steps: T. bands: of frequencies.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: another split, a word that is no folder or is asked for twice, steps or bands out of range.
        DataError: another folder, a list that names what is not there or what the other list names, a word or a split without
            recordings; on reading, as `read_wav` says.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        words: Sequence[str] | None = None,
        steps: int = 50,
        bands: int = 40,
        transform: Transform | None = None,
    ) -> None:
        where, root = "Speech Commands", given_folder(root)
        one_of("split", split, ("train", *LISTS), where)
        if not all(is_file(root / name) for name in LISTS.values()):
            expected = "validation_list.txt, testing_list.txt, and a folder for each word"
            raise wrong_folder(where, root, expected, f"unpack {COMMANDS} here")
        every = [name for name in listed(root) if is_folder(root / name) and name != NOISE and not name.startswith(".")]
        chosen = tuple(every) if words is None else _chosen(words)
        if unknown := [word for word in chosen if word not in every]:
            raise UsageError(
                "a word of Speech Commands has no folder",
                where=str(root),
                got=repr(unknown[0]),
                expected=f"some of {', '.join(every)}",
                do="choose among these",
            )
        lists = {name: _named(root, file, chosen if words is not None else None) for name, file in LISTS.items()}
        if both := sorted(lists["validation"] & lists["test"]):
            raise DataError(
                "two lists of Speech Commands name the same recording",
                where=str(root / LISTS["test"]),
                got=f"{both[0]}, which is in {LISTS['validation']}, too",
                expected="every recording in one of the lists at most",
                do=f"unpack {COMMANDS} again",
            )
        files, labels = list[str](), list[int]()
        for label, word in enumerate(chosen):
            found = [f"{word}/{name}" for name in listed(root / word) if name.endswith(".wav")]
            if not found:
                raise DataError(
                    "a word has no recordings", where=str(root / word), expected="wav files", do=f"unpack {COMMANDS} again"
                )
            own = [f for f in found if (f in lists[split] if split in lists else not any(f in named for named in lists.values()))]
            files, labels = files + own, labels + [label] * len(own)
        self.classes, self.transform = chosen, transform
        super().__init__(root, files, labels, 16_000, 1.0, steps, bands, where, split, COMMANDS)


def _chosen(words: Sequence[str]) -> tuple[str, ...]:
    """The words that a user asks for, each once: a recording has one label."""
    where = "Speech Commands"
    named = not isinstance(words, str) and isinstance(words, Sequence) and all(isinstance(word, str) for word in words)
    if not named or not words:
        do = "pass words as a tuple, such as ('yes', 'no'); leave it out for all of them"
        raise UsageError("words are no tuple of names", where=where, got=f"words={words!r}", expected="names of folders", do=do)
    if len(set(words)) < len(words):
        got = f"{next(word for word in words if words.count(word) > 1)!r} twice"
        raise UsageError("a word of Speech Commands is asked for twice", where=where, got=got, do="name every word once")
    return tuple(words)


def _named(root: Path, file: str, words: tuple[str, ...] | None) -> frozenset[str]:
    """The files that a list names; those of the chosen words, of all where none are chosen, are there."""
    data = content(
        root / file, "a list of Speech Commands", "names such as bed/0c40e715_nohash_0.wav", f"unpack {COMMANDS} again"
    )
    names = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    if not names:
        raise no_recordings(
            "Speech Commands",
            root / file,
            f"no name in {len(data)} bytes",
            "names such as bed/0c40e715_nohash_0.wav",
            f"unpack {COMMANDS} again",
        )
    for name in names:
        if not re.fullmatch(r"[^/\\]+/[^/\\]+\.wav", name) or name.startswith("."):
            raise DataError(
                "a list of Speech Commands names something else",
                where=str(root / file),
                got=repr(name[:80]),
                expected="names such as bed/0c40e715_nohash_0.wav",
                do=f"unpack {COMMANDS} again",
            )
    there = {word: frozenset(listed(root / word)) for word in {name.split("/")[0] for name in names} if is_folder(root / word)}
    # A name that misses the folder of a chosen word by its case alone would leave its recording to the training part.
    meant = None if words is None else {word.casefold() for word in words}
    for word, recording in (name.split("/") for name in names):
        if (meant is None or word.casefold() in meant) and recording not in there.get(word, ()):
            raise DataError(
                "a recording of Speech Commands is missing",
                where=str(root / file),
                got=f"{word}/{recording}, which is not there",
                expected=f"recordings in {root}",
                do=f"unpack {COMMANDS} again",
            )
    return frozenset(names)


class FSDD(_Spoken):
    """The Free Spoken Digit Dataset (Jackson et al.): digits at 8 kHz, 50 of each of six speakers and each digit.

    Samples are float32 [T, bands] in [0, 1] (`snn2hw.data.mel`). Recordings 0 to 4 of each speaker and digit are for testing,
    as its page says, the others for training.

    Args:
        root: the folder with recordings/0_jackson_0.wav and so on, or that folder itself.
        split: "train" or "test".
        seconds: what is longer is cut, what is shorter followed by silence. steps: T. bands: of frequencies.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: another split, seconds, steps or bands out of range. DataError: another folder, a split
            without recordings; on reading, as `read_wav` says.

    Warns:
        Snn2hwWarning: wav files of other names, which are passed over.
    """

    classes = tuple(map(str, range(10)))

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        seconds: float = 0.8,
        steps: int = 40,
        bands: int = 32,
        transform: Transform | None = None,
    ) -> None:
        where, root = "FSDD", given_folder(root)
        one_of("split", split, ("train", "test"), where)
        folder = root / "recordings" if is_folder(root / "recordings") else root
        named = re.compile(r"([0-9])_[^_]+_([0-9]+)\.wav")
        sounds = [name for name in (listed(folder) if is_folder(folder) else []) if name.lower().endswith(".wav")]
        found = [m for name in sounds if (m := named.fullmatch(name))]
        if not found:
            raise wrong_folder(where, root, "recordings/0_jackson_0.wav and so on", f"unpack {DIGITS} here")
        if others := [name for name in sounds if not named.fullmatch(name)]:
            warnings.warn(
                Snn2hwWarning(
                    "recordings are passed over, as their names say no digit, speaker and number",
                    where=str(folder),
                    got=f"{others[0]!r}; {len(others)} of {len(sounds)} wav files",
                    expected="names such as 0_jackson_0.wav",
                    do="rename them, or move them elsewhere",
                ),
                stacklevel=2,
            )
        own = [m for m in found if (int(m[2]) < TESTED) == (split == "test")]
        self.transform = transform
        files, labels = [m[0] for m in own], [int(m[1]) for m in own]
        super().__init__(folder, files, labels, 8_000, seconds, steps, bands, where, split, DIGITS)
