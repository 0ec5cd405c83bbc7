"""How the crossover from events to dense sums goes by a layer's widths: `python -m bench.shares`.

Layers of 16 to 1,024 channels, 3 x 3 and 1 x 1, are measured as `snn2hw.backends.fast.crossover` measures its own few, beside
what `Crossings.percent` makes of those. Dense sums are those of vectors: beside a matrix unit events hardly ever pay.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from snn2hw.backends.fast.built import build
from snn2hw.backends.fast.crossover import CHANNELS, FEW, Crossings, balance, probe
from snn2hw.native.compiler import FLAGS_VARIABLE

Widths = tuple[int, int, int]  # inputs, outputs, kernel
BASE, ONE, THIN = (CHANNELS, CHANNELS, 3), (CHANNELS, CHANNELS, 1), (FEW, CHANNELS, 3)  # what the others follow from
LAYERS: Sequence[Widths] = (
    (16, 16, 3), (32, 32, 3), (32, 64, 3), (64, 128, 3), (128, 128, 3), (256, 256, 3), (512, 512, 3),
    (32, 128, 1), (64, 256, 1), (128, 128, 1), (256, 64, 1), (256, 256, 1), (512, 128, 1), (1024, 256, 1),
)  # fmt: skip


def measured(layers: Sequence[Widths], rounds: int) -> dict[Widths, float]:
    """The crossover of each layer, percent: the median over rounds, in each of which all have one turn."""
    made = {w: build(probe(*w), False) for w in layers}
    found: dict[Widths, list[float]] = {w: [] for w in layers}
    for _ in range(rounds):
        for w in layers:
            found[w].append(balance(made[w], w[0], w[1]))
    return {w: float(np.median(values)) for w, values in found.items()}


def lines(found: Mapping[Widths, float]) -> Iterator[str]:
    """What is printed. Below 0 % events never pay."""
    model = Crossings(found[BASE], found[ONE], found[THIN], lambda spikes: found[BASE], lambda: 100.0, lambda: 100.0)
    yield "inputs outputs kernel   measured   by the formula"
    missed = []
    for w, percent in found.items():
        said = model.percent(w[0], w[1], w[2] * w[2])
        yield f"{w[0]:6d} {w[1]:7d} {w[2]:6d} {percent:8.1f} % {said:14.1f} %" + (
            " (it follows from this)" * (w in (BASE, ONE, THIN))
        )
        missed += [abs(max(0, said) - max(0, percent))] * (w not in (BASE, ONE, THIN))
    yield f"The formula misses {np.mean(missed):.1f} points of activity in the mean, {max(missed):.1f} at most."


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    os.environ[FLAGS_VARIABLE] = f"{os.environ.get(FLAGS_VARIABLE, '')} -DSNN_NO_TILES"
    print("\n".join(lines(measured((BASE, ONE, THIN, *LAYERS), max(1, given.rounds)))))


if __name__ == "__main__":
    main()
