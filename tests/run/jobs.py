"""Work for processes that are tested: functions of a module, as processes need them."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snn2hw.errors import Snn2hwWarning, UsageError


def begin(given: Any) -> Callable[[Any], Any]:
    """Squares, and the process that made each; `given` is a folder for marks."""
    folder = Path(given)

    def square(part: Any) -> Any:
        if part == "warn":
            warnings.warn(Snn2hwWarning("mind this", got="a\nb"), stacklevel=1)
            return os.getpid()
        if part == "refuse":
            raise UsageError("no such part", got=repr(part))
        if part == "fail":
            raise KeyError(part)
        if part == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if part == "die once" and not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if part == "threads":
            return os.environ.get("OMP_NUM_THREADS"), os.environ.get("SNN2HW_THREADS"), os.environ.get("SNN2HW_WORKER")
        return (part, os.getpid())

    return square
