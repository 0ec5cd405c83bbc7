"""An equation through all steps in C, for float32 on a CPU: the floats of `steps` and `steps_back`, in one pass over the memory.

A kernel is compiled for the form of an equation, once, and kept on the disk. That takes a good part
of a second, so torch computes until an equation has had work that is worth it; no float changes.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from snn2hw.errors import ExecutorUnavailableError
from snn2hw.native.compiler import compiler, library, library_key
from snn2hw.neurons.in_c import ATAN, CHANNEL, GIVEN, LAYER, RECTANGLE, STEP, TRIANGLE, Source, backwards, forwards
from snn2hw.neurons.plan import Plan
from snn2hw.nn import steps, steps_back
from snn2hw.nn.steps import Floats, Made
from snn2hw.nn.steps_at_once import Incoming, Sums
from snn2hw.nn.steps_back import PLAIN
from snn2hw.nn.surrogate import Surrogate
from snn2hw.run import threads

SURROGATES = dict(zip(PLAIN, (RECTANGLE, TRIANGLE, ATAN), strict=True))  # of others torch gives slopes
SHARE = 1 << 14  # neurons and steps that are worth a thread
CALL = 1 << 12  # neurons that a step costs in torch even where there is none
WORTH = 1 << 21  # neurons and steps after which a source is worth compiling: torch takes as long for them as a compiler

_work: dict[str, int] = {}  # by source: neurons and steps so far


def runs(x: Tensor, numbers: Floats) -> bool:
    """Whether a kernel may take a layer: float32 in main memory, and a compiler is there."""
    return (
        x.device.type == "cpu"
        and all(t.dtype == torch.float32 and t.device.type == "cpu" for t in (x, *numbers))
        and not torch.compiler.is_compiling()
        and compiler() is not None
    )


def forward(plan: Plan, x: Tensor, numbers: Floats, states: Floats, watched: bool) -> tuple[Made, list[Tensor]]:
    """As `steps.forward`, in C where that pays. Arguments as `steps.forward`."""
    if runs(x, numbers):
        source = forwards(plan, _kinds(plan, numbers), watched)
        if (found := _compiled(source, x)) is not None:
            return _forward(found, source, plan, x, numbers, states, watched)
    return steps.forward(plan, x, numbers, states, watched)


def sweep(
    plan: Plan,
    saved: Floats,
    states: Floats,
    numbers: Floats,
    widths: Tensor,
    surrogate: Surrogate,
    incoming: Incoming,
    sums: Sums,
    after: Floats,
) -> tuple[Tensor, list[Tensor]]:
    """As `steps_back.sweep`, in C where that pays. Arguments as `steps_back.sweep`."""
    if runs(saved[0], numbers):
        kind = SURROGATES.get(type(surrogate), GIVEN)
        source = backwards(plan, _kinds(plan, numbers), kind, sums.widths is not None, incoming.positive is not None)
        if (found := _compiled(source, saved[0])) is not None:
            saved = [s.contiguous() for s in saved]
            wanted, given = sums.widths is not None, list[Tensor]()
            if kind == GIVEN:
                given = steps_back.slopes(plan, saved, states, numbers, widths, surrogate, wanted)
            return _sweep(found, source, plan, [*saved, *states], given, numbers, widths, incoming, sums, after)
    return steps_back.sweep(plan, saved, states, numbers, widths, surrogate, incoming, sums, after)


def _forward(
    found: ctypes.CDLL, source: Source, plan: Plan, x: Tensor, numbers: Floats, states: Floats, watched: bool
) -> tuple[Made, list[Tensor]]:
    x = x.contiguous()
    output, seen = torch.empty_like(x), torch.empty_like(x) if watched else None
    saved = tuple(x if place == plan.entering else torch.empty_like(x) for place in plan.saved)
    after = [torch.empty_like(x[0]) for _ in states]
    leaving = [output, *(s for s, place in zip(saved, plan.saved, strict=True) if place != plan.entering)]
    call = _Call(found, source, x, numbers)
    call([x, *states], None, [*leaving, *([] if seen is None else [seen]), *after])
    return Made(output, saved, seen), after


def _sweep(
    found: ctypes.CDLL,
    source: Source,
    plan: Plan,
    known: Floats,
    given: Floats,
    numbers: Floats,
    widths: Tensor,
    incoming: Incoming,
    sums: Sums,
    after: Floats,
) -> tuple[Tensor, list[Tensor]]:
    like = known[0]
    gx, gs = torch.empty_like(like), [g.clone(memory_format=torch.contiguous_format) for g in after]
    of_widths = [] if sums.widths is None else [torch.empty_like(like)]
    gp = torch.zeros_like(like) if incoming.output is None else incoming.output
    masses = [] if incoming.positive is None or incoming.negative is None else [incoming.positive, -incoming.negative]
    call = _Call(found, source, like, numbers)
    totals = [sums.numbers[index] for index in sorted(plan.wanted)]
    call([*known, gp, *given], [widths, *masses], [gx, *gs, *totals, *of_widths])
    if sums.widths is not None:
        sums.widths.copy_(of_widths[0].flatten(1).sum(1))
    return gx, gs


class _Call:
    """A library with what stays the same in a call."""

    def __init__(self, found: ctypes.CDLL, source: Source, like: Tensor, numbers: Floats) -> None:
        self.run = found.run
        self.size, self.work = like[0].numel(), like.numel()
        inner = math.prod(like.shape[3:])
        sizes = (len(like), self.size, inner, like.shape[2], *(len(n) for n in numbers))
        self.sizes = (ctypes.c_int64 * len(sizes))(*sizes)
        self.numbers = _Pointers(numbers)
        self.k = (ctypes.c_float * max(len(source.numbers), 1))(*source.numbers)

    def __call__(self, entering: Floats, by_step: Floats | None, leaving: Sequence[Tensor]) -> None:
        pointers = [_Pointers(tensors) for tensors in (entering, by_step, leaving) if tensors is not None]
        first, *rest = [p.array for p in pointers]
        arguments = [first, self.numbers.array, self.k, *rest]

        def part(begin: int, end: int) -> None:
            self.run(self.sizes, ctypes.c_int64(begin), ctypes.c_int64(end), *arguments)

        in_parts(part, self.size, self.work)


class _Pointers:
    """Pointers to tensors, which are kept as long as they are."""

    def __init__(self, tensors: Floats) -> None:
        self.held = [t if t.is_contiguous() else t.contiguous() for t in tensors]
        self.array = (ctypes.c_void_p * max(len(self.held), 1))(*(t.data_ptr() for t in self.held))


def _kinds(plan: Plan, numbers: Floats) -> tuple[str, ...]:
    return tuple(STEP if i in plan.scheduled else LAYER if len(n) == 1 else CHANNEL for i, n in enumerate(numbers))


def _compiled(source: Source, x: Tensor) -> ctypes.CDLL | None:
    """The library of a source, once it is worth it; None where it is not, or where the compiler fails."""
    key = library_key(source.text)
    done = _work.get(key, 0)
    if done < WORTH:
        _work[key] = done = done + x.numel() + CALL * len(x)
    return _loaded(key, source.text) if done >= WORTH else None


@lru_cache(maxsize=256)
def _loaded(key: str, text: str) -> ctypes.CDLL | None:
    """The library of that key; None where the compiler fails, which is not asked again."""
    try:
        return library(text)
    except ExecutorUnavailableError:
        return None


def in_parts(part: Callable[[int, int], None], size: int, work: int) -> None:
    """Neurons 0..size-1 by as many threads as torch has, where they are worth it; no float depends on how many.

    Args:
        part: called with (first, behind the last). size: how many neurons. work: neurons and steps, which decide how
            many threads are worth it.
    """
    count = max(1, min(torch.get_num_threads(), work // SHARE))
    threads.in_parts(part, range(0, size, max(1, -(-size // count))), count)
