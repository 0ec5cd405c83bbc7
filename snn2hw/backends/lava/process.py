"""Lava processes of ours: neurons that execute a neuron program, and what Lava's own synapses leave to be done.

They follow Lava's conventions: AbstractProcess with InPort and OutPort, PyLoihiProcessModel tagged fixed_pt, run with
RunSteps and Loihi2SimCfg(select_tag="fixed_pt"); states are Vars that `.get()` and Monitor read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from snn2hw.backends.lava.fits import check_program
from snn2hw.ir.program import Op, Program, initial_value, values_of
from snn2hw.ir.program_text import program_to_text
from snn2hw.layers import IntOperator


class ProgramNeuron(AbstractProcess):
    """A layer of neurons that executes an integer neuron program, one evaluation per time step.

    Ports: a_in, the synaptic sum [*shape]; s_out, the spike value [*shape]. Vars: u (and v), the states after the step's
    reset; others [number of further states, *shape], in order; constants [number of params, channels], the program's params in
    order; bias [channels], added to a_in first.

    Args:
        shape: of the layer; the first axis is the channel axis.
        program: what one neuron does.
        bias: added to the synaptic sum, one integer per channel or one for all.
        period: steps per sample; the states are set to their initial values every `period` steps, 0 for never.
        delay: steps that the first sample takes to arrive; the first reset happens after them.
        record: folder into which spike values and states of every step are written as .npy files; empty for none.

    Raises:
        WidthError: the spike value or the synaptic sum does not fit a port.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        program: Program,
        bias: Sequence[int] = (0,),
        period: int = 0,
        delay: int = 0,
        record: str = "",
        name: str | None = None,
    ) -> None:
        check_program(program, name or program.kind)
        text = program_to_text(program)
        super().__init__(shape=shape, program=text, period=period, delay=delay, record=record, name=name)
        initial = {s: initial_value(i) for s, i in program.states.items()}
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)
        self.u = Var(shape=shape, init=initial.get("u", 0))
        self.v = Var(shape=shape, init=initial.get("v", 0))
        further = [v for s, v in initial.items() if s not in ("u", "v")]
        others = np.zeros((max(len(further), 1), *shape), np.int64)
        for row, value in zip(others, further, strict=False):
            row[:] = value
        self.others = Var(shape=others.shape, init=others)
        constants = _constants(program)
        self.constants = Var(shape=constants.shape, init=constants)
        self.bias = Var(shape=(len(bias),), init=np.asarray(bias, np.int64))


def _constants(program: Program) -> np.ndarray:
    rows = [values_of(i) for i in program.of(Op.PARAM)]
    table = np.zeros((max(len(rows), 1), program.channels), np.int64)
    for row, values in zip(table, rows, strict=False):
        row[:] = values
    return table


class Bias(AbstractProcess):
    """a_out = a_in + bias, without delay; Lava's Dense and Conv have no bias."""

    def __init__(self, *, shape: tuple[int, ...], bias: Sequence[int], name: str | None = None) -> None:
        super().__init__(shape=shape, name=name)
        self.a_in = InPort(shape=shape)
        self.a_out = OutPort(shape=shape)
        self.bias = Var(shape=(len(bias),), init=np.asarray(bias, np.int64))


class Feedback(AbstractProcess):
    """a_out = a_in of the same sample one step before, 0 at its first step.

    A synapse behind it sends the sum of the step before, which is that step; so this one has but to send 0 in place of the last
    step of a sample. Where no synapse is behind it, or none before its neuron, it sends what came a step before.

    Args:
        period: steps per sample. delay: of what enters. waits: whether it keeps the step itself (`fits.waits`).
    """

    def __init__(self, *, shape: tuple[int, ...], period: int, delay: int, waits: bool, name: str | None = None) -> None:
        super().__init__(shape=shape, period=period, delay=delay, waits=waits, name=name)
        self.a_in = InPort(shape=shape)
        self.a_out = OutPort(shape=shape)


class Pool(AbstractProcess):
    """a_out = a layer of a_in that has no weights, without delay: a pool, a larger image; Lava has none of spike values.

    Args:
        node: the integer node that says which, and the shape that leaves.
    """

    def __init__(self, *, shape: tuple[int, ...], node: IntOperator, name: str | None = None) -> None:
        super().__init__(shape=shape, node=node, name=name)
        self.a_in = InPort(shape=shape)
        self.a_out = OutPort(shape=node.shape)


class Branches(AbstractProcess):
    """a_out = a layer of two values, a_in and b_in, each delayed as in `Join`.

    Args:
        shapes: of what enters. node: the integer node that says what the layer computes, and the shape that leaves.
    """

    def __init__(
        self,
        *,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
        node: IntOperator,
        delays: tuple[int, int],
        name: str | None = None,
    ) -> None:
        super().__init__(shapes=shapes, node=node, delays=delays, name=name)
        self.a_in = InPort(shape=shapes[0])
        self.b_in = InPort(shape=shapes[1])
        self.a_out = OutPort(shape=node.shape)


class Join(AbstractProcess):
    """a_out = (a_in delayed by delays[0]) * 2**shifts[0] + (b_in delayed by delays[1]) * 2**shifts[1].

    The branches of a residual connection pass different numbers of synapses, each of which costs one step in Lava; the
    delays bring them together again.
    """

    def __init__(
        self, *, shape: tuple[int, ...], shifts: tuple[int, int], delays: tuple[int, int], name: str | None = None
    ) -> None:
        super().__init__(shape=shape, shifts=shifts, delays=delays, name=name)
        self.a_in = InPort(shape=shape)
        self.b_in = InPort(shape=shape)
        self.a_out = OutPort(shape=shape)
