"""What an executor is: artefact + stimulus -> Trace."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from snn2hw.artefact import Artefact
from snn2hw.trace import Ints, Trace


class Executor(Protocol):
    """Runs a compiled network. All executors return the same integers, or `verify` says where they do not."""

    @property
    def name(self) -> str:
        """By which users ask for it."""

    @property
    def says(self) -> str:
        """What it is, in one line."""

    def unavailable(self) -> str:
        """Why it cannot run here, with the remedy; empty where it can."""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]; without `traces` the readout only."""


@runtime_checkable
class Measuring(Protocol):
    """An executor that can say what its last run cost beside the arithmetic."""

    def measured(self) -> str:
        """Numbers of processes, seconds of starting them and the like, in one line."""
