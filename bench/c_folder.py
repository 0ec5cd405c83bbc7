"""Size and speed of the C folder: `python -m bench.c_folder build/lnm build/cf`. One thread, the best of a few runs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import snn2hw
from bench.ways import threads_of_fast
from snn2hw.backends.fast.executor import Fast
from snn2hw.native.compiler import compiler
from snn2hw.vectors import read_vectors, replayed

TIMES = 5
SAMPLES = 2_000
REPLAYED, COPIES = 4, 100  # samples of the folder, and how often `fast` has each in a call
FLAGS = ("-Os", "-O2", "-O3 -march=native")
ONE_BY_ONE = "-DSNN_LANES=1"  # words of weights, as on a processor without vectors
MAIN = """
#include <stdio.h>
#include <time.h>
#include "snn.h"
#include "vectors.h"
static snn_memory memory;
static int32_t readout[SNN_CLASSES];
int main(void)
{
    double best = 1e9;
    for (int k = 0; k < @TIMES@; ++k) {
        const clock_t start = clock();
        for (int n = 0; n < @SAMPLES@; ++n) snn_run(vector_input[n % VECTORS], readout, &memory);
        const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = seconds < best ? seconds : best;
    }
    printf("%.0f\\n", best / @SAMPLES@ * 1e6);
    return 0;
}
"""


def microseconds(folder: Path, flags: str) -> str:
    """Of one sample, all steps, on the folder's own vectors."""
    command = compiler()
    assert command is not None
    main = MAIN.replace("@TIMES@", str(TIMES)).replace("@SAMPLES@", str(SAMPLES))
    (folder / "bench.c").write_text(main, encoding="utf-8")
    subprocess.run([*command, "-std=c99", *flags.split(), "snn.c", "bench.c", "-o", "bench"], cwd=folder, check=True)
    return subprocess.run([str(folder / "bench")], capture_output=True, text=True, check=True).stdout.strip()


def of_fast(artefact: snn2hw.Artefact) -> float:
    """The same of the executor `fast`, one thread, on what the folder replays. Both are times of the CPU."""
    payloads, net = read_vectors(artefact)[0], artefact.network
    payloads = np.tile(payloads[:, replayed(net, payloads, REPLAYED, "C")], (1, COPIES, *[1] * len(net.input.shape)))
    fast, best = Fast(), float("inf")
    with threads_of_fast(1):
        for _ in range(TIMES + 1):  # the first compiles
            start = time.process_time()
            fast.run(artefact, payloads, traces=False)
            best = min(best, (time.process_time() - start) / payloads.shape[1])
    return best * 1e6


def main(folders: list[str]) -> None:
    for name in folders:
        artefact = snn2hw.load(name)
        with tempfile.TemporaryDirectory() as made:
            folder = snn2hw.export_c(artefact, Path(made) / "c", REPLAYED)
            size = sum(p.stat().st_size for p in folder.iterdir())
            memory = next(row for row in (folder / "README.md").read_text().splitlines() if "`snn_memory`, given" in row)
            constants = next(row for row in (folder / "README.md").read_text().splitlines() if "`const`" in row)
            print(f"{name}: {size:,} bytes of text; snn_memory{memory.split('|')[2]}bytes; const{constants.split('|')[2]}bytes")
            for lanes in ("", ONE_BY_ONE):
                timed = ", ".join(f"{microseconds(folder, f'{flags} {lanes}')} ({flags})" for flags in FLAGS)
                print(f"  microseconds a sample{f' with {lanes}' if lanes else ''}: {timed}")
            print(f"  executor fast: {of_fast(artefact):.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])
