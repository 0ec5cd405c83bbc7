"""Executors: artefact + stimulus -> Trace. All of them return the same integers."""

from __future__ import annotations

from collections.abc import Iterable

from snn2hw.backends.base import Executor
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.lava.executor import LavaExecutor
from snn2hw.backends.onnx.reference import OnnxReference
from snn2hw.backends.onnx.runtime import OnnxRuntime
from snn2hw.backends.reference import Reference
from snn2hw.backends.torch.executor import TorchExecutor
from snn2hw.errors import UsageError

AUTO = "auto"

# Those that run in this process; `verify` takes all of them by default.
EXECUTORS: dict[str, Executor] = {e.name: e for e in (Reference(), Fast(), OnnxRuntime(), OnnxReference(), TorchExecutor())}

# Those with an environment of their own, which is made on first use; they run when they are asked for.
SIDE_EXECUTORS: dict[str, Executor] = {e.name: e for e in (LavaExecutor(),)}


def executor(name: str) -> Executor:
    """The executor of this name.

    Raises:
        UsageError: there is none.
    """
    known = {**EXECUTORS, **SIDE_EXECUTORS}
    if name not in known:
        raise UsageError("unknown executor", got=repr(name), expected=", ".join(known), do="name one of these")
    return known[name]


def chosen_executor(name: str) -> tuple[Executor, str]:
    """The executor of this name and ""; for "auto" the fastest that can run here, and why there is no faster one."""
    if name != AUTO:
        return executor(name), ""
    fast, other = EXECUTORS["fast"], EXECUTORS["onnxruntime"]
    reason = fast.unavailable()
    return (other, f"auto: onnxruntime runs, not fast: {reason}") if reason else (fast, "")


def executors(names: Iterable[str]) -> list[Executor]:
    """Several executors by name, each once, in the order given."""
    return [executor(name) for name in dict.fromkeys(names)]


__all__ = ["AUTO", "EXECUTORS", "SIDE_EXECUTORS", "Executor", "chosen_executor", "executor", "executors"]
