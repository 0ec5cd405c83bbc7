"""How the crossover from events to dense sums goes by a layer's widths: `python -m bench.shares`.

Layers of 16 to 1,024 channels, 3 x 3 and 1 x 1, are measured as `snn2hw.backends.fast.crossover` measures one of 64 behind 64.
To what each has of that one's crossover the constant of `share_of` is fitted: the one that misses least in the mean. Dense sums
are those of vectors: beside a matrix unit events hardly ever pay.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from snn2hw.backends.c.synapse_plan import STARTING, share_of
from snn2hw.backends.fast.built import build
from snn2hw.backends.fast.crossover import CHANNELS, balance, probe
from snn2hw.native.compiler import FLAGS_VARIABLE

Widths = tuple[int, int, int]  # inputs, outputs, kernel
BASE: Widths = (CHANNELS, CHANNELS, 3)
LAYERS: Sequence[Widths] = (
    (16, 16, 3), (32, 32, 3), (32, 64, 3), (64, 128, 3), (128, 128, 3), (256, 256, 3), (512, 512, 3),
    (32, 128, 1), (64, 256, 1), (128, 128, 1), (256, 64, 1), (256, 256, 1), (512, 128, 1), (1024, 256, 1),
)  # fmt: skip


CANDIDATES = np.arange(0, CHANNELS // 2, 0.5)


def measured(layers: Sequence[Widths], rounds: int) -> dict[Widths, float]:
    """What each layer has of the crossover of `BASE`, percent: the median over rounds, in each of which all have one turn."""
    made = {w: build(probe(*w), False) for w in (BASE, *layers)}
    found: dict[Widths, list[float]] = {w: [] for w in layers}
    for _ in range(rounds):
        base = balance(made[BASE])
        for w in layers:
            found[w].append(100 * balance(made[w], w[0], w[1]) / base)
    return {w: float(np.median(values)) for w, values in found.items()}


def missed(shares: Mapping[Widths, float], starting: float) -> float:
    """Mean of how far the formula with this constant is from what was measured, percent; below 0 both say never."""
    return float(np.mean([abs(max(0, share_of(w[0], w[1], starting)) - max(0, s)) for w, s in shares.items()]))


def fitted(shares: Mapping[Widths, float]) -> float:
    """The constant that misses least."""
    return float(min(CANDIDATES, key=lambda c: missed(shares, c)))


def lines(shares: Mapping[Widths, float]) -> Iterator[str]:
    """What is printed."""
    yield "inputs outputs kernel   measured   taken"
    for w, s in shares.items():
        yield f"{w[0]:6d} {w[1]:7d} {w[2]:6d} {s:8.0f} % {max(0, share_of(w[0], w[1], STARTING)):5.0f} %"
    best = fitted(shares)
    yield f"STARTING = {best:g} fits best: it misses {missed(shares, best):.0f} % in the mean"
    yield f"STARTING = {STARTING} is taken: it misses {missed(shares, STARTING):.0f} %"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    os.environ[FLAGS_VARIABLE] = f"{os.environ.get(FLAGS_VARIABLE, '')} -DSNN_NO_TILES"
    print("\n".join(lines(measured(LAYERS, max(1, given.rounds)))))


if __name__ == "__main__":
    main()
