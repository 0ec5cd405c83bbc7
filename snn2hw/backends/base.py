"""What an executor is: artefact + stimulus -> Trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.ir.encode import check_payloads
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


def gated(run: Callable[[Any, Artefact, Ints, bool], Trace]) -> Callable[..., Trace]:
    """`run` of an executor behind the gate: what is no payload of the network is refused by every executor in the same words.

    Each would make something of its own of it: 300 is 300 in the reference, and 44 in the 8 bits of an ONNX input.
    """

    @wraps(run)
    def admitted(self: Any, artefact: Artefact, payloads: npt.ArrayLike, traces: bool = True) -> Trace:
        return run(self, artefact, check_payloads(artefact.network, payloads), traces)

    return admitted
