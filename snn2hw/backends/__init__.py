"""Back ends: a compiled network enters; the integers of a run, or files for another tool, leave.

All executors return the same integers. `registry` says which back ends there are, `base` what one is.
"""

from __future__ import annotations

from snn2hw.backends.base import Backend, Executor, Exported, HoldsAll, Writer, gated, lacking
from snn2hw.backends.own import EXECUTORS, SIDE_EXECUTORS, WRITERS
from snn2hw.backends.registry import (
    AUTO,
    backend,
    backends,
    chosen_executor,
    executor,
    executors,
    executors_of,
    on_request,
    register,
    unregister,
    writer,
    writers_of,
)
from snn2hw.lack import Lack

__all__ = [
    "AUTO",
    "EXECUTORS",
    "SIDE_EXECUTORS",
    "WRITERS",
    "Backend",
    "Executor",
    "Exported",
    "HoldsAll",
    "Lack",
    "Writer",
    "backend",
    "backends",
    "chosen_executor",
    "executor",
    "executors",
    "executors_of",
    "gated",
    "lacking",
    "on_request",
    "register",
    "unregister",
    "writer",
    "writers_of",
]
