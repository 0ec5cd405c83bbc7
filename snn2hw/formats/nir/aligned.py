"""Programs that only bring channels to one binary point, before a readout: no neuron, and nothing to see in a NIR file."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Reals
from snn2hw.ir.program import SPIKES, Instruction, Op, values_of

_LINEAR = {Op.INPUT, Op.PARAM, Op.MUL, Op.SHIFT_LEFT, Op.OUTPUT}


def alignment(node: IntNeuron) -> Reals | None:
    """What a layer without a state multiplies its sums by, [1] or one for each channel; None where it does anything else."""
    program = node.program
    if program.states or any(i.op not in _LINEAR for i in program.instructions):
        return None
    ones = np.ones((1, program.channels), np.int64)

    def sources(i: Instruction) -> np.ndarray:
        return np.asarray(values_of(i), np.int64) if i.op is Op.PARAM else ones

    values = evaluate(program, sources)
    factors: Reals = np.broadcast_to(values[program.outputs[SPIKES].name], ones.shape)[0].astype(np.float64)
    return factors
