"""The folder of a training: what is written after every epoch, and what a resumption finds in it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open

from snn2hw.errors import CheckpointError, Snn2hwWarning, UsageError
from snn2hw.files.read import json_value, read_bytes
from snn2hw.files.write import check_file, make_folder, remove_file, write_file
from snn2hw.train import checkpoint
from snn2hw.train.history import Epoch, lines, read
from snn2hw.train.run import Run
from snn2hw.version import __version__

HISTORY, LAST, BEST = "history.jsonl", "last.safetensors", "best.safetensors"
WEIGHTS = "snn2hw.weights"  # metadata of weights that a training wrote
SHOWN = 12  # hexadecimal digits of a checksum in a message
OURS = (checkpoint.FILE, LAST, BEST, HISTORY)


class Store:
    """The folder, or nothing where out is None.

    Raises:
        UsageError: it cannot be made, or there is none to resume from.
    """

    def __init__(self, out: str | Path | None, resume: Literal["auto"] | bool) -> None:
        self.folder, self.wanted = None if out is None else Path(out), resume
        if self.folder is None:
            if resume is True:
                raise UsageError(
                    "there is nothing to resume",
                    where="fit",
                    got="resume=True, out=None",
                    expected="the folder of the training to go on with",
                    do="pass out",
                )
            return
        make_folder(self.folder)
        for name in OURS:
            check_file(self.folder / name, force=True)

    def resume(self, run: Run) -> list[Epoch]:
        """The epochs that are done, with model and optimiser as they were after them; none where it starts afresh.

        Raises:
            CheckpointError: none where there must be one, unreadable, or of another model, recipe, seed or data.
        """
        path = None if self.folder is None else self.folder / checkpoint.FILE
        if path is None or self.wanted is False or (self.wanted == "auto" and not path.exists()):
            self._clear(asked=self.wanted is False)
            return []
        tensors, facts = checkpoint.read(path)
        _same(facts, run.facts(), path)
        self._scaler(run, facts["scaler"], path)
        checkpoint.load(tensors, run.model, run.optimiser, path)
        run.length, run.warned = facts["steps"], set(facts["warned"])
        _warn_of_differences(facts["machine"], _machine(run), path)
        return read(facts["history"])

    def _scaler(self, run: Run, state: Mapping[str, Any], path: Path) -> None:
        scaler = run.precision.scaler
        try:
            scaler.load_state_dict(dict(state))
        except (RuntimeError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                "the checkpoint holds no state of this gradient scaler",
                where=str(path),
                got=str(error) or type(error).__name__,
                expected=f"what {type(scaler).__name__} keeps",
                do=checkpoint.AFRESH,
            ) from error

    def _clear(self, asked: bool) -> None:
        """Nothing of an earlier training stays beside the new one; unasked, nothing that may be somebody else's goes.

        Raises:
            UsageError: a file of one of our names that snn2hw did not write.
        """
        if self.folder is None:
            return
        there = [name for name in OURS if (self.folder / name).exists()]
        if not asked and (foreign := [name for name in there if not _ours(self.folder / name)]):
            raise UsageError(
                "the output folder holds files of names that a training writes",
                where=str(self.folder),
                got=f"{', '.join(foreign)}, and no {checkpoint.FILE}",
                expected="a folder without them, or one that a training wrote",
                do="choose another out, or pass resume=False to overwrite them",
            )
        for name in there:
            remove_file(self.folder / name)

    def save(self, run: Run, history: list[Epoch]) -> None:
        """Write everything; the checkpoint last, for all else is written again from what it says."""
        if self.folder is None:
            return
        weights = checkpoint.packed(checkpoint.state(run.model), {WEIGHTS: __version__})
        write_file(self.folder / LAST, weights, force=True)
        if run.validation is not None and max(history, key=Epoch.score) is history[-1]:
            write_file(self.folder / BEST, weights, force=True)
        write_file(self.folder / HISTORY, lines(history), force=True)
        state = {"scaler": run.precision.scaler.state_dict(), "warned": sorted(run.warned), "machine": _machine(run)}
        facts = {**run.facts(), **state, "history": [asdict(e) for e in history]}
        checkpoint.write(self.folder, run.model, run.optimiser, facts)

    def kept(self, done: int, epochs: int) -> str:
        """What a training that was stopped leaves behind."""
        if self.folder is None:
            return f"stopped after {done} of {epochs} epochs; nothing is kept, for no folder was given (out)"
        if done == 0:
            return f"stopped before the first of {epochs} epochs was done; nothing is kept"
        return f"stopped after {done} of {epochs} epochs, which are in {self.folder}; the same call goes on from there"


def _ours(path: Path) -> bool:
    """Whether a training wrote this file of weights, or this history."""
    try:
        if path.name == HISTORY:
            return bool(read([json_value(line) for line in read_bytes(path).splitlines()]))
        with safe_open(path, framework="pt") as file:
            return WEIGHTS in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError):
        return False


def _machine(run: Run) -> dict[str, Any]:
    return {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": run.device.type}


def _same(facts: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    a, b = ({**f["recipe"], **{k: f[k] for k in ("seed", "samples", "batches", "steps")}} for f in (facts, wanted))
    unlike = [k for k in b if a.get(k) != b[k] and not (k == "steps" and b[k] is None)]
    if unlike:
        raise CheckpointError(
            "the checkpoint is of another training",
            where=str(path),
            got=", ".join(f"{k} {a.get(k)}" for k in unlike),
            expected=", ".join(f"{k} {b[k]}" for k in unlike),
            do=f"pass what it was begun with, or {checkpoint.AFRESH}",
        )
    then, now = facts.get(checkpoint.DATA, {}), wanted[checkpoint.DATA]
    others = [k for k in now if None not in (then.get(k), now[k]) and then[k] != now[k]]
    if others:
        raise CheckpointError(
            "the checkpoint is of a training on other data",
            where=str(path),
            got=", ".join(f"{k} with checksum {then[k][:SHOWN]}" for k in others),
            expected=", ".join(f"{k} with checksum {now[k][:SHOWN]}" for k in others),
            do=f"pass the same samples in the same order, divided with the same seed, or {checkpoint.AFRESH}",
        )


def _warn_of_differences(then: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    unlike = [k for k in now if then[k] != now[k]]
    if unlike:
        warnings.warn(
            Snn2hwWarning(
                "this training is resumed, but not bit for bit",
                where=str(path),
                got=", ".join(f"{k} {now[k]}" for k in unlike),
                expected=", ".join(f"{k} {then[k]}" for k in unlike),
                do="resume where it was begun, or take the difference in the last bits",
            ),
            stacklevel=4,
        )
