"""What stands around a user's model: torch.compile, DataParallel, moving averages; and where the user's own code is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from snn2hw.errors import UnsupportedError

OURS = str(Path(__file__).parents[2])
AROUND = {  # class -> the attribute that holds the model
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.optim.swa_utils.AveragedModel": "module",
}
PREFIXES = ("module.", "_orig_mod.")  # what these leave in front of the names of weights
_SHARDED = ("FullyShardedDataParallel", "FSDPModule")


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The model inside of torch.compile, DataParallel, DistributedDataParallel or AveragedModel; any other as it is.

    Raises:
        UnsupportedError: no module of torch, TorchScript, or a wrapper that holds only a part of the weights.
    """
    if not isinstance(model, torch.nn.Module):
        raise UnsupportedError(
            "the model is no torch.nn.Module",
            got=type(model).__name__,
            expected="a torch.nn.Module",
            do="give the module itself, whose forward takes the sample",
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise UnsupportedError(
            "the model is TorchScript, in which its layers cannot be told apart any more",
            got=type(model).__name__,
            expected="the torch.nn.Module that torch.jit.trace or torch.jit.script was given",
            do="build that model again and load its weights: model.load_state_dict(scripted.state_dict())",
        )
    while (inside := inner(model)) is not None:
        model = inside
    name = next((k.__name__ for k in type(model).__mro__ if k.__name__ in _SHARDED), None)
    if name is not None:
        raise UnsupportedError(
            f"{name} holds only a part of the weights in this process",
            where=type(model).__name__,
            got=name,
            expected="the model with all of its weights",
            do="gather a full state_dict, and load it into the model as it was before it was wrapped",
        )
    return model


def inner(model: torch.nn.Module) -> torch.nn.Module | None:
    """What one wrapper holds; None where the module is none."""
    attribute = next((AROUND[n] for k in type(model).__mro__ if (n := f"{k.__module__}.{k.__qualname__}") in AROUND), None)
    found = None if attribute is None else getattr(model, attribute)
    return found if isinstance(found, torch.nn.Module) else None


def without_prefix(names: list[str]) -> dict[str, str]:
    """Of each name of a weight, the name without what wrappers put in front of it, where all have it."""
    short = {name: name for name in names}
    while short and any(all(s.startswith(p) for s in short.values()) for p in PREFIXES):
        prefix = next(p for p in PREFIXES if all(s.startswith(p) for s in short.values()))
        short = {name: s[len(prefix) :] for name, s in short.items()}
    return short


@contextmanager
def in_evaluation(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; every module's own mode comes back."""
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def user_line() -> str:
    """Where the user's own code is now: "net.py:12 (forward)"."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if _is_users(frame.f_code.co_filename):
            return _said(frame.f_code, frame.f_lineno)
        frame = frame.f_back
    return ""


def user_line_of(error: BaseException) -> str:
    """The last line of the user's own code on the way to an error; "" where there is none."""
    line, at = "", error.__traceback__
    while at is not None:
        if _is_users(at.tb_frame.f_code.co_filename):
            line = _said(at.tb_frame.f_code, at.tb_lineno)
        at = at.tb_next
    return line


def _is_users(file: str) -> bool:
    """Whether a file is the user's: of no installed package, nor of this one."""
    return "site-packages" not in file and not file.startswith((OURS, "<"))


def _said(code: Any, line: int) -> str:
    return f"{Path(code.co_filename).name}:{line} ({code.co_name})"
