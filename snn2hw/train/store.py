"""The folder of a training: what is written after every epoch, and what a resumption finds in it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch

from snn2hw.errors import CheckpointError, Snn2hwWarning, UsageError
from snn2hw.folders import replace_file
from snn2hw.train import checkpoint
from snn2hw.train.history import Epoch, lines, read
from snn2hw.train.run import Run

HISTORY, LAST, BEST = "history.jsonl", "last.safetensors", "best.safetensors"


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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                "the output folder cannot be made",
                where=str(self.folder),
                got=error.strerror or str(error),
                expected="a folder, or a name that is free",
                do="choose another out",
            ) from error

    def resume(self, run: Run) -> list[Epoch]:
        """The epochs that are done, with model and optimiser as they were after them; none where it starts afresh.

        Raises:
            CheckpointError: none where there must be one, unreadable, or of another model, recipe, seed or data.
        """
        path = None if self.folder is None else self.folder / checkpoint.FILE
        if path is None or self.wanted is False or (self.wanted == "auto" and not path.exists()):
            self._clear()
            return []
        tensors, facts = checkpoint.read(path)
        _same(facts, run.facts(), path)
        checkpoint.load(tensors, run.model, run.optimiser, path)
        run.precision.scaler.load_state_dict(facts["scaler"])
        run.length, run.warned = facts["steps"], set(facts["warned"])
        _warn_of_differences(facts["machine"], _machine(run), path)
        return read(facts["history"])

    def _clear(self) -> None:
        """Nothing of an earlier training stays beside the new one."""
        if self.folder is not None:
            for name in (checkpoint.FILE, LAST, BEST, HISTORY):
                (self.folder / name).unlink(missing_ok=True)

    def save(self, run: Run, history: list[Epoch]) -> None:
        """Write everything; the checkpoint last, for all else is written again from what it says."""
        if self.folder is None:
            return
        weights = checkpoint.packed(checkpoint.state(run.model))
        replace_file(self.folder / LAST, weights)
        if run.validation is not None and max(history, key=Epoch.score) is history[-1]:
            replace_file(self.folder / BEST, weights)
        replace_file(self.folder / HISTORY, lines(history))
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
