"""What Lava costs beside the arithmetic: side environment, mapping, start of processes, steps; medians of rounds.

Seconds are of this machine. Samples are streamed through in one run, or run one at a time with --one-at-a-time.
"""

from __future__ import annotations

import argparse
import os
import platform
from statistics import median

import snn2hw
from snn2hw.api import stimulus
from snn2hw.backends.lava.executor import LavaExecutor
from snn2hw.cli import console
from snn2hw.user_models import find_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds after one warm-up (default 3)")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--models", nargs="+", default=["digits_lnm"])
    parser.add_argument("--one-at-a-time", action="store_true")
    arguments = parser.parse_args()
    console.say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in arguments.models:
        _bench(name, arguments.rounds, arguments.samples, int(arguments.one_at_a_time))


def _bench(name: str, rounds: int, samples: int, samples_per_run: int) -> None:
    found = find_model(name)
    assert found.source is not None
    assert found.sample is not None
    artefact = snn2hw.compile(found.module, found.sample, found.steps, target="loihi2")
    payloads = stimulus(artefact, found.source.test_data()[0][:samples])
    lava, reports = LavaExecutor(samples_per_run=samples_per_run), []
    for _ in range(rounds + 1):
        lava.run(artefact, payloads, traces=False)
        reports.append(lava.report)
    last = reports[-1]
    started = last["runs"] * last["processes"]
    parts = {
        "environment: look up, start, import": ("seconds_environment", 1),
        "mapping, of a run": ("seconds_map", last["runs"]),
        "start and first step, of a process": ("seconds_start", started),
        "a further step": ("seconds_run", max(last["steps"] - last["runs"], 1)),
        "stop, of a process": ("seconds_stop", started),
    }
    rows = []
    for label, (key, count) in parts.items():
        each = [1e3 * r[key] / count for r in reports[1:]]
        rows.append([label, count, f"{median(each):.1f}", f"{min(each):.1f} .. {max(each):.1f}"])
    title = f"{name}: samples {payloads.shape[1]}, processes {last['processes']}, runs {last['runs']}; median of {rounds} rounds"
    console.table(title, ["part", "times", "ms each", "min .. max"], rows, (1, 2, 3))


if __name__ == "__main__":
    main()
