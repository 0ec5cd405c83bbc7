"""Runs in the side environment: our Loihi LIF program against Lava's own PyLifModelBitAcc, many neurons at once."""

import json
import sys

import numpy as np
from lava.proc.lif.models import PyLifModelBitAcc

from snn2hw.backends.reference import step
from snn2hw.ir.loihi import loihi_lif

TOP = 2**23
NEURONS = 16  # of each population: they differ in state and input

if __name__ == "__main__":
    populations, steps = int(sys.argv[1]), int(sys.argv[2])
    rng = np.random.default_rng(0)

    def draw(lo: int, hi: int) -> int:
        return int(rng.choice([lo, hi, rng.integers(lo, hi + 1), rng.integers(lo, hi + 1)]))

    different = ends = wrapped = spikes = 0
    for _ in range(populations):
        p = {
            "du": draw(0, 4095),
            "dv": draw(0, 4095),
            "vth": draw(0, 131071),
            "bias_mant": draw(-4096, 4095),
            "bias_exp": draw(0, 7),
        }
        lava = PyLifModelBitAcc({})
        lava.du, lava.dv, lava.vth = p["du"], p["dv"], p["vth"]
        lava.bias_mant, lava.bias_exp = np.array(p["bias_mant"], np.int16), np.array(p["bias_exp"], np.int16)
        lava.scale_bias()
        lava.scale_threshold()
        corners = [TOP, TOP - 1, -TOP + 1, 0]
        lava.u = np.array([corners[n % 4] if n < 8 else rng.integers(-TOP + 1, TOP) for n in range(NEURONS)], np.int32)
        lava.v = np.array(
            [(TOP - 1, -TOP + 1)[n % 2] if n < 8 else rng.integers(-TOP + 1, TOP) for n in range(NEURONS)], np.int32
        )
        program = loihi_lif(**p)
        state = {"u": lava.u.astype(np.int64)[None], "v": lava.v.astype(np.int64)[None]}
        scale = int(rng.choice([10, 1000, 32767]))
        for _ in range(steps):
            a = rng.integers(-scale - 1, scale + 1, NEURONS).astype(np.int32)
            before = lava.u.astype(np.int64)
            lava.subthr_dynamics(a)
            fired = lava.spiking_activation()
            lava.reset_voltage(fired)
            payload, state = step(program, a.astype(np.int64)[None], state)
            different += int((payload[0] != fired).sum() + (state["u"][0] != lava.u).sum() + (state["v"][0] != lava.v).sum())
            ends += int((np.abs(lava.u.astype(np.int64)) >= TOP - 1).sum() + (np.abs(lava.v.astype(np.int64)) >= TOP - 1).sum())
            wrapped += int((np.abs(before.astype(np.int64) - lava.u) > TOP).sum())
            spikes += int(fired.sum())
    report = {"populations": populations, "neurons": populations * NEURONS, "steps": steps, "different": different}
    with open("peer.json", "w") as file:
        json.dump({**report, "at_the_ends": ends, "wrapped": wrapped, "spikes": spikes}, file)
