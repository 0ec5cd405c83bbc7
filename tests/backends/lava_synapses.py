"""Runs in the side environment: linear layers, dense and sparse, through the mapping against the reference's matrix product."""

import json
import sys
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

from snn2hw.backends.lava import mapping
from snn2hw.backends.lava.fits import OPERATIONS
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.layers import IntLinear
from snn2hw.num import Format, Interval

STEPS, SAMPLES = 3, 4
EXTREMES = np.array([-128, -127, -1, 1, 126, 127])
PAYLOADS = np.array([-128, -127, -1, 0, 1, 127])


def weights(rng: np.random.Generator, kind: str, outputs: int, inputs: int) -> np.ndarray:
    """Mostly zeros where `kind` names no other; -128 is no weight that we quantise to, but one that a file can hold."""
    drawn = np.where(rng.random((outputs, inputs)) < 0.5, rng.choice(EXTREMES, (outputs, inputs)), 1)
    drawn = np.where(rng.random((outputs, inputs)) < 0.5, drawn, rng.integers(-127, 128, (outputs, inputs)))
    kept = rng.random((outputs, inputs)) < (1.0 if kind == "dense" else rng.uniform(0.02, 0.45))
    drawn = np.where(kept, drawn, 0)
    if kind == "zero":
        drawn[:] = 0
    if kind == "zero row and column":
        drawn[rng.integers(outputs)], drawn[:, rng.integers(inputs)] = 0, 0
    if kind == "positive":
        drawn = np.minimum(np.abs(drawn), 127)
    return -np.abs(drawn) if kind == "negative" else drawn


def network(matrix: np.ndarray) -> IntegerNetwork:
    outputs, inputs = matrix.shape
    reach = Interval(-(2**22), 2**22)
    whole = Format(24, 0)
    return IntegerNetwork(
        STEPS,
        "loihi2",
        (
            IntInput("input", (), (inputs,), Format(8, 0), Interval(-128, 127), unit=1.0, static=False, counts=True),
            IntLinear(
                "fc", ("input",), (outputs,), whole, reach, weight=matrix.astype(np.int8), bias=np.arange(outputs, dtype=np.int32)
            ),
            IntReadout("readout", ("fc",), (outputs,), whole, reach),
        ),
    )


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    made: list[str] = []
    for process in ("Dense", "Sparse"):
        kind = getattr(mapping, process)
        setattr(mapping, process, lambda process=process, kind=kind, **given: made.append(process) or kind(**given))
    compared = different = 0
    kinds = ("dense", "sparse", "zero", "zero row and column", "positive", "negative")
    for n in range(int(sys.argv[1])):
        outputs, inputs = int(rng.integers(1, 12)), int(rng.integers(2, 60))
        net = network(weights(rng, kinds[n % len(kinds)], outputs, inputs))
        payloads = np.where(
            rng.random((STEPS, SAMPLES, inputs)) < 0.5,
            rng.choice(PAYLOADS, (STEPS, SAMPLES, inputs)),
            rng.integers(-128, 128, (STEPS, SAMPLES, inputs)),
        )
        mapped = mapping.map_network(net, payloads, Path("record"))
        mapped.sink.run(condition=RunSteps(num_steps=mapped.steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        logits = np.moveaxis(np.asarray(mapped.sink.data.get(), np.int64), -1, 0)
        mapped.sink.stop()
        got = logits[mapped.delays["readout"] :].reshape(SAMPLES, STEPS, outputs).swapaxes(0, 1)
        law = np.stack([net.nodes[1].value([x]) for x in payloads])
        compared += law.size
        different += int((law != got).sum())
    report = {"compared": compared, "different": different, "dense": made.count("Dense"), "sparse": made.count("Sparse")}
    rows = sorted(t.__name__ for t in mapping.ROWS)
    known = sorted(t.__name__ for t in OPERATIONS)
    with open("synapses.json", "w") as file:
        json.dump({**report, "mapped": rows, "known": known}, file)
