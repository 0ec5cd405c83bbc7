"""Programs that only bring channels to one binary point, before a readout: no neuron, and nothing to see in a NIR file."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron, Ints
from snn2hw.ir.network import Reals
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, values_of

_LINEAR = {Op.INPUT, Op.PARAM, Op.MUL, Op.SHIFT_LEFT, Op.OUTPUT}


def alignment(node: IntNeuron) -> Reals | None:
    """What a layer without a state multiplies its sums by, [1] or one for each channel; None where it does anything else."""
    program = node.program
    if program.states or any(i.op not in _LINEAR for i in program.instructions):
        return None
    once, thrice = (_of(program, np.full((1, program.channels), x, np.int64)) for x in (1, 3))
    return once if (thrice == 3 * once).all() else None  # a square is three times as much again


def _of(program: Program, x: Ints) -> Reals:
    """What leaves for the input x [1, C], by channel."""

    def sources(i: Instruction) -> Ints:
        return np.asarray(values_of(i), np.int64) if i.op is Op.PARAM else x

    values = evaluate(program, sources)
    left: Reals = np.broadcast_to(values[program.outputs[SPIKES].name], x.shape)[0].astype(np.float64)
    return left
