"""How fast the executors are, side by side in one run: the committed digits models, all test samples, medians of rounds.

Each round runs every executor once, so that a machine that slows down slows all of them. Figures are ratios to the
reference; milliseconds are of this machine. Readout only, as in inference.
"""

from __future__ import annotations

import argparse
import os
import platform
from statistics import median
from time import perf_counter

import snn2hw
from snn2hw import console
from snn2hw.api import simulate_payloads, stimulus
from snn2hw.executors import EXECUTORS
from snn2hw.models import find_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds after one warm-up (default 7)")
    parser.add_argument("--models", nargs="+", default=["digits_lnm", "digits_cf"])
    arguments = parser.parse_args()
    threads = os.environ.get("OMP_NUM_THREADS", "unset")
    console.say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, OMP_NUM_THREADS={threads}")
    for name in arguments.models:
        _bench(name, arguments.rounds)


def _bench(name: str, rounds: int) -> None:
    found = find_model(name)
    assert found.source is not None
    assert found.sample is not None
    artefact = snn2hw.compile(found.module, found.sample, found.steps, target="loihi2")
    images, _ = found.source.test_data()
    payloads = stimulus(artefact, images)
    running = [e for e in EXECUTORS.values() if not e.unavailable()]
    times: dict[str, list[float]] = {e.name: [] for e in running}
    with console.progress(name) as progress:
        for n in range(rounds + 1):
            for e in running:
                begun = perf_counter()
                simulate_payloads(artefact, payloads, e.name, traces=False)
                times[e.name].append(perf_counter() - begun)
            progress("round", n + 1, rounds + 1)
    law = times["reference"][1:]
    rows = []
    for e, all_seconds in times.items():
        seconds = all_seconds[1:]
        ratios = [a / b for a, b in zip(law, seconds, strict=True)]
        per_sample = [1e3 * s / payloads.shape[1] for s in seconds]
        spread = f"{min(per_sample):.3f} .. {max(per_sample):.3f}"
        rows.append([e, f"{median(per_sample):.3f}", spread, f"{median(ratios):.2f}"])
    title = f"{name}: {payloads.shape[1]} samples, T = {payloads.shape[0]}, median of {rounds} rounds"
    console.table(title, ["executor", "ms per sample", "min .. max", "times the reference's speed"], rows, (1, 2, 3))


if __name__ == "__main__":
    main()
