"""The neuron's step and its reverse sweep in C, for float32 on a CPU: the floats of `equation`, in one pass over the memory."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from snn2hw.arguments import MAX_DEGREE, MAX_LEVELS, RESETS
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.native.compiler import compiler, library, library_key
from snn2hw.nn.equation import Incoming, Run, Settings, Sums, levels, rounds
from snn2hw.nn.surrogate import Surrogate
from snn2hw.nn.surrogates import Atan, Rectangle, Triangle

SOURCE = Path(__file__).with_suffix(".c")
SURROGATES: tuple[type[Surrogate], ...] = (
    Rectangle,
    Triangle,
    Atan,
)  # in the order of the C source; of others torch gives slopes
SHARE = 1 << 14  # neurons and steps that are worth a thread

_FLOATS = ("a", "slope_terms", "thetas", "amplitudes", "widths")


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("steps", "size", "inner", "channels", "scheduled")),
        *(
            (name, ctypes.c_int32)
            for name in ("rows", "degree", "levels", "input_first", "reset", "strict", "is_signed", "surrogate")
        ),
        *((name, ctypes.c_float) for name in ("lo", "hi", "reset_value")),
        *((name, ctypes.c_void_p) for name in _FLOATS),
    )


@lru_cache(maxsize=1)
def _source() -> str:
    return SOURCE.read_text(encoding="utf-8")


@lru_cache(maxsize=4)
def _loaded(key: str) -> ctypes.CDLL | None:
    """The library of that key; None where the compiler fails, which is not asked again."""
    try:
        return library(_source())
    except ExecutorUnavailableError:
        return None


def _library() -> ctypes.CDLL | None:
    return None if compiler() is None else _loaded(library_key(_source()))


def runs(x: Tensor, a: Tensor, thetas: Tensor) -> bool:
    """Whether the kernel takes a layer forwards: float32 in main memory, within its limits, and a compiler is there."""
    return (
        x.dtype == a.dtype == thetas.dtype == torch.float32
        and x.device.type == a.device.type == thetas.device.type == "cpu"
        and 2 <= a.shape[1] <= MAX_DEGREE + 1
        and thetas.shape[1] <= MAX_LEVELS
        and not torch.compiler.is_compiling()
        and _library() is not None
    )


def forward(x: Tensor, a: Tensor, thetas: Tensor, settings: Settings, u: Tensor) -> tuple[Run, Tensor]:
    """As `equation.forward`; the tensors as `runs` asks."""
    x, u = x.contiguous(), u.clone(memory_format=torch.contiguous_format)
    payload, h = torch.empty_like(x), torch.empty_like(x)
    z = torch.empty_like(x) if settings.input_first else None
    call = _Call(x, a, thetas, settings, None, 0)
    call("snn2hw_forward", x, u, payload, h, z)
    return Run(payload, h, z), u


def sweep(
    run: Run,
    u: Tensor,
    a: Tensor,
    thetas: Tensor,
    widths: Tensor,
    surrogate: Surrogate,
    settings: Settings,
    incoming: Incoming,
    sums: Sums,
    gu: Tensor,
) -> tuple[Tensor, Tensor]:
    """As `equation.sweep`; the tensors as `runs` asks."""
    h, z = run.h.contiguous(), None if run.z is None else run.z.contiguous()
    gp = None if incoming.payload is None else incoming.payload.contiguous()
    above = None if incoming.positive is None else incoming.positive.contiguous()
    below = None if incoming.negative is None else (-incoming.negative).contiguous()
    gx, gu = torch.empty_like(h), gu.clone(memory_format=torch.contiguous_format)
    of_widths = None if sums.widths is None else torch.empty_like(h)
    known = type(surrogate) in SURROGATES
    kind = SURROGATES.index(type(surrogate)) if known else len(SURROGATES)
    slopes = None if known else _Slopes(h, thetas, widths, surrogate, settings, of_widths is not None)
    call = _Call(h, a, thetas, settings, widths, kind)
    call("snn2hw_backward", h, z, u.contiguous(), gp, above, below, slopes, gu, gx, sums.a, sums.thetas, of_widths)
    if sums.widths is not None and of_widths is not None:
        sums.widths.copy_(of_widths.flatten(1).sum(1))
    return gx, gu


class _Slopes:
    """Slopes and, where wanted, width slopes of any surrogate, [K, T, ...] each, as the C source reads them."""

    def __init__(self, h: Tensor, thetas: Tensor, widths: Tensor, surrogate: Surrogate, settings: Settings, wanted: bool) -> None:
        w = widths.reshape(-1, *(1,) * (h.ndim - 1))
        theta = levels(thetas, h)
        before = [r for r, _, _ in rounds(h, theta, settings)]
        self.held: list[Tensor | None] = []
        for sign in (1, -1):
            for of in (surrogate.slope, surrogate.width_slope):
                skip = (sign < 0 and not settings.signed) or (of == surrogate.width_slope and not wanted)
                made = [] if skip else [of(sign * r - over, w) for r, over in zip(before, theta, strict=True)]
                self.held.append(torch.stack(made).to(h.dtype).contiguous() if made else None)
        self.pointers = (ctypes.c_void_p * 4)(*(None if t is None else t.data_ptr() for t in self.held))

    def data_ptr(self) -> int:
        """Of the four pointers."""
        return ctypes.addressof(self.pointers)


class _Call:
    """One layer as the C source reads it; holds what its pointers point to."""

    def __init__(self, x: Tensor, a: Tensor, thetas: Tensor, settings: Settings, widths: Tensor | None, surrogate: int) -> None:
        degree = a.shape[1] - 1
        self.held = {
            "a": a.contiguous(),
            "slope_terms": (a[:, 1:] * torch.arange(1, degree + 1, dtype=a.dtype, device=a.device)).contiguous(),
            "thetas": thetas.contiguous(),
            "amplitudes": torch.tensor(settings.amplitudes, dtype=x.dtype, device=x.device),
            "widths": torch.ones(len(x), dtype=x.dtype, device=x.device) if widths is None else widths.contiguous(),
        }
        self.size = x[0].numel()
        self.work = x.numel()
        self.layer = _Layer(
            len(x), self.size, math.prod(x.shape[3:]), x.shape[2], len(thetas), len(a), degree, thetas.shape[1],
            settings.input_first,
            RESETS.index(settings.reset), settings.strict, settings.signed, surrogate,
            settings.lo, settings.hi, settings.reset_value, *(self.held[name].data_ptr() for name in _FLOATS),
        )  # fmt: skip

    def __call__(self, name: str, *tensors: Tensor | _Slopes | None) -> None:
        found = _library()
        assert found is not None
        function = found[name]
        pointers = [ctypes.c_void_p(None if t is None else t.data_ptr()) for t in tensors]

        def part(begin: int, end: int) -> None:
            function(ctypes.byref(self.layer), ctypes.c_int64(begin), ctypes.c_int64(end), *pointers)

        in_parts(part, self.size, self.work)


def in_parts(part: Callable[[int, int], None], size: int, work: int) -> None:
    """Neurons 0..size-1 by as many threads as torch has, where they are worth it; no float depends on how many."""
    threads = min(torch.get_num_threads(), work // SHARE)
    if threads <= 1:
        part(0, size)
        return
    bounds = [size * n // threads for n in range(threads + 1)]
    list(_pool(os.getpid(), threads).map(part, bounds[:-1], bounds[1:]))


@lru_cache(maxsize=2)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """A pool of this process: a fork has none of its parent's threads."""
    return ThreadPoolExecutor(threads)
