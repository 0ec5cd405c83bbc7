"""Quantisation-aware training: a torch model and samples enter, and a torch model to train further leaves.

Its forward is the integer network, bit for bit; its backward is smooth.

Raises:
    MissingExtraError: torch is not installed.
"""

from __future__ import annotations

from snn2hw.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401  (asked for here, so that its absence is said once and clearly)
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise MissingExtraError("torch", "torch", "snn2hw.quantize") from missing

from snn2hw.quantize.model import Prepared
from snn2hw.quantize.prepare import prepare

__all__ = ["Prepared", "prepare"]
