"""An integer program step by step on tensors, whose sums may depend on what it fired a step before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from snn2hw.backends.torch.program import evaluate_on_tensors
from snn2hw.ir.program import SPIKES, Op, Program, initial_value, values_of

Entering: TypeAlias = "Callable[[int, Tensor | None], Tensor]"  # (step, what fired before it) -> synaptic sums [N, C, ...]


@torch.no_grad()
def stepped(
    program: Program, entering: Entering, steps: int, dtype: torch.dtype, constants: Mapping[str, Tensor]
) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """Of every step the values of the program by name, and the states after it, [N, C, ...].

    Args:
        entering: gives the synaptic sums. steps: T.
        dtype: an integer dtype that holds every value. constants: by name, [1] or [C], in place of the program's own.
    """
    fired, held, own = None, dict[str, Tensor](), dict[str, Tensor]()
    for t in range(steps):
        raw = entering(t, fired).to(dtype)
        if t == 0:
            held = {s: torch.full_like(raw, initial_value(i)) for s, i in program.states.items()}
            given = {i.name: raw.new_tensor(values_of(i)) for i in program.of(Op.PARAM)}
            own = {n: v.to(dtype).reshape((-1,) + (1,) * (raw.ndim - 2)) for n, v in {**given, **constants}.items()}
        values = evaluate_on_tensors(program, raw, held, own)
        held = {s: values[program.outputs[s].name].expand_as(raw) for s in held}
        fired = values[program.outputs[SPIKES].name].expand_as(raw)
        yield values, held


def shown(x: Tensor) -> Entering:
    """The steps of x [T, N, C, ...], or the one step of [1, N, C, ...] again and again."""
    return lambda t, fired: x[t if len(x) > 1 else 0]
