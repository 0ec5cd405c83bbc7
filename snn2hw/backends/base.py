"""What a back end is: an object that runs a compiled network, or writes it in a form of its own, or does both.

    supports(network)               -> what it cannot hold, empty where it can
    run(artefact, payloads, traces) -> Trace       an executor
    emit(artefact, out, **options)  -> Exported    a writer

A class needs no base class: it has these members, and is entered in the registry (`snn2hw.backends.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.ir.encode import check_payloads
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.lack import Lack
from snn2hw.native.replay import Replay
from snn2hw.shown import brief
from snn2hw.trace import Ints, Trace


class Backend(Protocol):
    """What every back end has."""

    @property
    def name(self) -> str:
        """By which users ask for it: letters, digits and `_ . -`."""

    @property
    def description(self) -> str:
        """What it is, in one line."""

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """What of a finished network it cannot hold: every layer that is in the way, in order; empty where it holds all.

        It is asked before any work begins, also where `unavailable` gives a reason, so it needs none of the packages that
        the back end runs on. It starts nothing, writes nothing and raises nothing.
        """


@runtime_checkable
class Executor(Backend, Protocol):
    """Runs a compiled network. All executors return the same integers, or `verify` says where they do not.

    `on_request = True`, which it may have, keeps it out of what runs where nobody names an executor.
    """

    def unavailable(self) -> str:
        """Why it cannot run here, with the remedy, in one line; empty where it can."""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of spike values: readout[n] = sum over t of the logits, and every spike and state after each step.

        Args:
            artefact: the compiled model; `artefact.model` and `artefact.step` are its ONNX files, `artefact.network` what
                they hold. Nothing of the compiler is asked.
            `payloads`: int64 [T, N, *input shape], within the network's declared range; T = `artefact.network.steps`. Put
                `@gated` on the method, which refuses all others.
            traces: whether spikes and states are wanted; without, `Trace(readout)`.

        Returns:
            readout int64 [N, classes]; spikes {neuron: int64 [T, N, *shape]}, what fired at each step; states
            {"neuron.state": int64 [T, N, *shape]}, each state behind each step. Raw integers, as the reference gives them.

        Raises:
            ExecutorUnavailableError: it turns out that it cannot run here. Snn2hwError: what else a user can put right.
        """


@dataclass(frozen=True)
class Report:
    """A table about what was written.

    Args:
        title: above it. columns, rows: of text; all columns but the first hold numbers. lines: below it, one after the other.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Exported:
    """What a writer wrote.

    Args:
        path: the file or folder.
        approximations: by layer, what the written form is not of the exact one; empty where it is exact.
        next: a command line that goes on from there, such as ("make", "-C", folder, "test"); empty where there is none.
        report: what was measured of it, where that was asked for.
        notes: what was chosen for the user, in sentences.
    """

    path: Path
    approximations: Mapping[str, str] = field(default_factory=dict)
    next: tuple[str, ...] = ()
    report: Report | None = None
    notes: tuple[str, ...] = ()

    __repr__ = brief


@runtime_checkable
class Writer(Backend, Protocol):
    """Writes a compiled network in a form of its own."""

    @property
    def writes(self) -> str:
        """The name of its file or folder inside the artefact's own folder, where the user names no other place."""

    @property
    def emit(self) -> Callable[..., Exported]:
        """`emit(artefact, out, **options)` writes the artefact to the path `out`.

        Its keyword arguments are the options of the back end: `snn2hw.export` refuses all others, by name. One that is called
        `progress` is told of each step as it begins (what, how many are done, of how many); the command line gives it.
        It writes through `snn2hw.files.write`, so that nothing is left half-written and nothing of the user's is replaced.

        Raises:
            UsageError: a place that cannot be written, or an option out of range. ArtefactError: what it needs of the
                artefact is missing.
        """


@runtime_checkable
class Measuring(Protocol):
    """An executor that can say what its last run cost beside the arithmetic."""

    def measured(self) -> str:
        """Numbers of processes, seconds of starting them and the like, in one line."""


@runtime_checkable
class Together(Protocol):
    """An executor that, where no traces are wanted, runs several samples of some networks together, by other code than one."""

    def together(self, network: IntegerNetwork) -> int:
        """How many samples; 1 where it runs each as with traces. `verify` compares what a run of so many gives, too."""


@runtime_checkable
class Replaying(Protocol):
    """A writer whose output has a test of its own, which can be run here."""

    def replay(self, path: Path) -> Replay:
        """Run the test of what was written to `path`.

        Raises:
            ExecutorUnavailableError: a tool for it is missing here, or fails.
        """


class HoldsAll:
    """For a back end that holds every network there is."""

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Nothing is missing."""
        return ()


def lacking(network: IntegerNetwork, kinds: Collection[type[IntNode]], remedy: str) -> list[Lack]:
    """The layers of a network that are of none of these kinds: what a back end's table of layers has no row for.

    Args:
        kinds: classes of integer nodes that the back end has rows for; a class that derives from one of them is another kind,
            as what it computes is not what its base computes. remedy: what the user can do.
    """
    names = ", ".join(called(kind) for kind in kinds)
    return [
        Lack(n.source or n.name, "this back end has no such layer", called(type(n)), names, remedy)
        for n in network.nodes
        if type(n) not in kinds
    ]


def called(kind: type[IntNode]) -> str:
    """What messages call a kind of layer."""
    return kind.__name__.removeprefix("Int")


def gated(run: Callable[[Any, Artefact, Ints, bool], Trace]) -> Callable[..., Trace]:
    """`run` of an executor behind the gate: what is no spike value of the network is refused by every executor in the same words.

    Spike values are [T, N, ...]. Each executor would make something of its own of them: 300 is 300 in the reference, and 44 in
    the 8 bits of an ONNX input.
    """

    @wraps(run)
    def admitted(self: Any, artefact: Artefact, payloads: npt.ArrayLike, traces: bool = True) -> Trace:
        return run(self, artefact, check_payloads(artefact.network, payloads), traces)

    return admitted
