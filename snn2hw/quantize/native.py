"""A program with constants that move, in C: what `evaluate_on_tensors` computes for all steps, in one pass over the memory."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from snn2hw.errors import ExecutorUnavailableError
from snn2hw.ir.program import SPIKES, Op, Program, initial_value, values_of
from snn2hw.ir.roles import Roles
from snn2hw.native.c_ops import EXPRESSIONS, literal
from snn2hw.native.compiler import compiler, library
from snn2hw.native.templates import fragment
from snn2hw.nn.kernel import in_parts

TEMPLATE = Path(__file__).parent / "templates" / "steps.c"
BLOCK = 512  # neurons whose states stay in the cache through all steps

_TYPES = {torch.float32: "float", torch.float64: "double"}


def roles_of(program: Program) -> Roles:
    """The roles of a lowered program, which it has."""
    assert program.roles is not None
    return program.roles


def summed(program: Program) -> str | None:
    """The value u + x of which the polynomial is taken; None where it is taken of the state."""
    roles = roles_of(program)
    return None if roles.polynomial.argument == roles.state else roles.polynomial.argument


def source(program: Program, given_scalars: frozenset[str], given_rows: frozenset[str], bits: int, entering: str) -> str:
    """C source of `run`: spike value, h, and z = u + x where P is of it, of all steps; the states where they are asked for.

    Args:
        program: whose lines become C.
        given_scalars, given_rows: constants that are given at every call, one for the layer or one per neuron.
        bits: of the arithmetic, 32 or 64. entering: C type of the synaptic sums.
    """
    kind = f"int{bits}_t"
    names = {i.name: f"v{n}" for n, i in enumerate(program.instructions)}
    states = {s: f"s{k}" for k, s in enumerate(program.states)}
    given = {
        **{s: f"{held}[e]" for s, held in states.items()},
        program.input.name: f"({kind})x[(t * moves * samples + n) * size + first + e]",
    }
    pointers = []
    for i in program.of(Op.PARAM):
        if i.name in given_scalars or i.name in given_rows:
            pointers.append(f"k_{names[i.name]}")
            given[i.name] = f"{pointers[-1]}[{'first + e' if i.name in given_rows else '0'}]"
        else:
            given[i.name] = literal(values_of(i)[0], bits)
    lines = "\n".join(
        f"                    const {kind} {names[i.name]} = "
        f"{EXPRESSIONS[i.op](i, [given[i.name]] if i.name in given else [names[a] for a in i.args], bits)};"
        for i in program.instructions
        if i.op is not Op.OUTPUT
    )
    out = {to: names[i.args[0]] for to, i in program.outputs.items()}
    starts = {states[s]: literal(initial_value(i), bits) for s, i in program.states.items()}
    start = "\n".join(
        f"            {kind} {held}[{BLOCK}];\n            for (int64_t e = 0; e < block; ++e) {held}[e] = {value};"
        for held, value in starts.items()
    )
    after = "\n".join(f"                    {held}[e] = {out[s]};" for s, held in states.items())
    told = "\n".join(
        f"                        states[{k} * steps * samples * size + at + e] = (float){held}[e];"
        for k, held in enumerate(states.values())
    )
    roles, z = roles_of(program), summed(program)
    constants = "".join(f", const {kind} *restrict {p}" for p in pointers)
    text = fragment(
        TEMPLATE,
        entering=entering,
        constants=constants,
        block=BLOCK,
        starts=start,
        statements=lines,
        spikes=out[SPIKES],
        membrane=names[roles.membrane],
        argument=f"z[at + e] = (float){names[z]};" if z else "",
        after=after,
        told=told,
    )
    return f"{text}\n"


@lru_cache(maxsize=256)
def _loaded(
    command: tuple[str, ...],
    program: Program,
    given_scalars: frozenset[str],
    given_rows: frozenset[str],
    bits: int,
    entering: str,
) -> ctypes.CDLL | None:
    """The library; None where the compiler fails, which is not asked again."""
    try:
        return library(source(program, given_scalars, given_rows, bits, entering))
    except ExecutorUnavailableError:
        return None


def function(
    program: Program, given_scalars: frozenset[str], given_rows: frozenset[str], bits: int, dtype: torch.dtype
) -> ctypes.CDLL | None:
    """The compiled program for synaptic sums of that dtype; None where there is no compiler that works.

    Args:
        bits: of the arithmetic, 32 or 64.
        program, given_scalars, given_rows: as in `source`. dtype: of x.
    """
    command = compiler()
    return None if command is None else _loaded(command, program, given_scalars, given_rows, bits, _TYPES[dtype])


def call(
    found: ctypes.CDLL,
    program: Program,
    given: Mapping[str, Tensor],
    rows: frozenset[str],
    x: Tensor,
    steps: int,
    states: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """(spike value, h, z) raw, float32 [T, N, C, ...], of synaptic sums x [T or 1, N, C, ...] in main memory.

    Args:
        found: what `function` returned. program: that it was made for.
        steps: T; an x of one step is shown at all of them.
        given: the constants that the source asks for, [1] or [C], in the arithmetic's dtype; `rows` are laid out per neuron.
        states: float32 [states, T, N, C, ...] to be filled with the raw states after every step, or None.
    """
    x = x.contiguous()
    inner = x[0, 0, 0].numel()
    held = [
        (given[i.name].repeat_interleave(inner) if i.name in rows else given[i.name]).contiguous()
        for i in program.of(Op.PARAM)
        if i.name in given
    ]
    shape = (steps, *x.shape[1:])
    payload, h = (torch.empty(shape, dtype=torch.float32, device=x.device) for _ in range(2))
    z = torch.empty_like(h) if summed(program) else None
    samples = x.shape[1]
    sizes = [ctypes.c_int64(n) for n in (steps, int(len(x) > 1), samples, x[0, 0].numel())]
    pointers = [ctypes.c_void_p(None if p is None else p.data_ptr()) for p in (x, payload, h, z, states, *held)]

    def part(begin: int, end: int) -> None:
        found.run(*sizes, ctypes.c_int64(begin), ctypes.c_int64(end), *pointers)

    in_parts(part, samples, payload.numel())
    return payload, h, z
