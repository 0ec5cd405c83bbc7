"""What an executor leaves behind: every spike value, every state, the readout; all integers, the same from every executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ArtefactError, ValueRangeError
from snn2hw.files.arrays import read_arrays
from snn2hw.files.npz import unfiled
from snn2hw.gate import integers
from snn2hw.room import ROOM
from snn2hw.shown import brief

Ints: TypeAlias = npt.NDArray[np.int64]

MODEL_HASH = "model_sha256"  # key in vectors.npz and trace files: the network they belong to


class Signals(MutableMapping[str, Ints]):
    """Integers by name, int64 for whoever asks; until then they lie in the type, and in the order, in which they were written.

    Args:
        held: arrays of any integer type that int64 holds.
    """

    def __init__(self, held: Mapping[str, npt.NDArray[Any]]) -> None:
        self.held = dict(held)

    def __getitem__(self, name: str) -> Ints:
        """The values as int64; they are widened once."""
        values = self.held[name]
        if values.dtype != np.int64:
            self.held[name] = values = values.astype(np.int64, order="C")
        return values

    def __setitem__(self, name: str, values: Ints) -> None:
        self.held[name] = values

    def __delitem__(self, name: str) -> None:
        del self.held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


@dataclass(frozen=True, eq=False)
class Trace:
    """The integers of one run.

    A trace made of others (`part`, `concatenate` of several) has arrays of its own: who writes into the one changes no other.
    What a trace hands out (`arrays`, `held`, `spikes`, `states`) are its own arrays, not copies.

    Args:
        readout: [N, classes], integer logits summed over the T steps.
        spikes: layer name -> spike values [T, N, ...]; empty where only the readout was asked for.
        states: 'layer.state' -> values [T, N, ...] after the reset of each step.
    """

    readout: Ints
    spikes: MutableMapping[str, Ints] = field(default_factory=dict)
    states: MutableMapping[str, Ints] = field(default_factory=dict)

    __repr__ = brief

    @property
    def predictions(self) -> Ints:
        """The class with the largest readout, the first on a tie; [N].

        Of a model with one output. Where it has several, take `Artefact.outputs(trace.readout)` apart first: the
        largest value over all of them is no class of any.
        """
        best: Ints = np.argmax(self.readout, axis=1)
        return best

    @staticmethod
    def concatenate(parts: Sequence[Trace]) -> Trace:
        """Traces of consecutive batches as one; one alone is that trace itself."""
        first, *more = parts
        if not more:
            return first
        return Trace(
            np.concatenate([p.readout for p in parts]),
            Signals({k: ROOM.joined([held(p.spikes)[k] for p in parts], axis=1) for k in first.spikes}),
            Signals({k: ROOM.joined([held(p.states)[k] for p in parts], axis=1) for k in first.states}),
        )

    def part(self, start: int, stop: int) -> Trace:
        """The trace of samples start to stop, copied: a view would be one until the first signal is widened, and then none."""
        spikes, states = ({k: v[:, start:stop].copy() for k, v in held(s).items()} for s in (self.spikes, self.states))
        return Trace(self.readout[start:stop].copy(), Signals(spikes), Signals(states))

    def arrays(self) -> dict[str, Ints]:
        """Flat names for a file: 'readout', 'spikes/<layer>', 'states/<layer>.<state>'."""
        spikes = {f"spikes/{k}": v for k, v in self.spikes.items()}
        return {"readout": self.readout, **spikes, **{f"states/{k}": v for k, v in self.states.items()}}

    def held(self) -> dict[str, npt.NDArray[Any]]:
        """`arrays` in the types in which they lie: the same integers, for whoever only reads them."""
        spikes, states = (
            {f"{of}/{k}": v for k, v in held(s).items()} for of, s in (("spikes", self.spikes), ("states", self.states))
        )
        return {"readout": self.readout, **spikes, **states}

    @staticmethod
    def from_arrays(arrays: dict[str, npt.NDArray[Any]], where: str) -> Trace:
        """Inverse of `arrays`; anything that is not an integer array is an error."""
        try:
            exact = {k: integers(v, f"{where}: {k}") for k, v in arrays.items()}
        except ValueRangeError as error:
            parts = {"where": error.where, "got": error.got, "expected": error.expected, "do": error.do}
            raise ArtefactError(f"a trace holds integers only: {error.what}", **parts) from error
        if "readout" not in arrays:
            raise ArtefactError(
                "this is not a trace",
                where=where,
                got=", ".join(sorted(arrays)) or "nothing",
                expected="an array 'readout'",
                do="store the array `readout` [N, classes] with the trace; `snn2hw simulate --out` writes one",
            )
        samples = len(exact["readout"]) if exact["readout"].ndim == 2 else -1
        for name, value in exact.items():
            if samples < 0 or (name != "readout" and (value.ndim < 2 or value.shape[1] != samples)):
                raise ArtefactError(
                    "a trace has one readout per sample, and steps and samples as its first axes",
                    where=f"{where}: {name}",
                    got=str(list(value.shape)),
                    expected=f"[T, {samples}, ...]" if samples >= 0 else "readout [N, classes]",
                    do="write it again",
                )
        spikes = {k[len("spikes/") :]: v for k, v in exact.items() if k.startswith("spikes/")}
        return Trace(exact["readout"], spikes, {k[len("states/") :]: v for k, v in exact.items() if k.startswith("states/")})


def held(signals: Mapping[str, Ints]) -> Mapping[str, npt.NDArray[Any]]:
    """Signals in the types in which they lie."""
    return signals.held if isinstance(signals, Signals) else signals


def narrowed(values: Ints) -> npt.NDArray[Any]:
    """The same integers in the narrowest signed type that holds them all."""
    lo, hi = int(values.min(initial=0)), int(values.max(initial=0))
    return values.astype(np.promote_types(np.min_scalar_type(min(lo, -1)), np.min_scalar_type(-hi - 1)))


def read_npz(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, npt.NDArray[Any]]:
    """The wanted arrays of a file that snn2hw wrote; what is not wanted is not unpacked.

    Raises:
        ArtefactError: missing, truncated, or not an .npz file.
    """
    try:
        members, _, foreign = read_arrays(path, lambda member: wanted(unfiled(member)))
        arrays = {unfiled(member): array for member, array in members.items()}
    except FileNotFoundError as error:
        raise ArtefactError("no such file", where=str(path), do="check the path") from error
    except IsADirectoryError as error:
        raise ArtefactError(
            "a folder is no file of arrays",
            where=str(path),
            got="a folder",
            expected="an .npz file as snn2hw writes it",
            do="name the file, such as trace.npz of `snn2hw simulate --out`",
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ArtefactError(
            "this file cannot be read as arrays",
            where=str(path),
            got=(reason or type(error).__name__).splitlines()[0],
            expected="an .npz file as snn2hw writes it",
            do="write it again",
        ) from error
    if foreign:
        raise ArtefactError(
            "this archive holds something else than arrays",
            where=str(path),
            got=foreign[0],
            expected="an .npz file",
            do="write it again",
        )
    return arrays


def of_trace(name: str) -> bool:
    """Whether an array of this name belongs to a trace file: what else lies in it is not read."""
    return name in ("payloads", "readout", MODEL_HASH) or name.startswith(("spikes/", "states/"))
