"""A network on this machine: measured, by running it."""

from __future__ import annotations

import platform
import statistics
from time import perf_counter

from snn2hw.backends import chosen_executor
from snn2hw.backends.running import run_executor
from snn2hw.estimation.held import Asked, Held
from snn2hw.estimation.quantity import Quantity

RUNS = 7  # of which the middle counts; the first one, which compiles, does not


def on_computer(asked: Asked) -> Held:
    """One sample after the other on the fastest executor that holds the network."""
    executor, _ = chosen_executor("auto", asked.artefact.network)
    one = asked.payloads[:, :1]
    run_executor(executor, asked.artefact, one, False)
    seconds = []
    for _ in range(RUNS):
        before = perf_counter()
        run_executor(executor, asked.artefact, one, False)
        seconds.append(perf_counter() - before)
    said = f"measured: {RUNS} runs of one sample on the executor {executor.name}, {platform.machine()}, beside whatever else ran"
    took = Quantity(statistics.median(seconds), min(seconds), max(seconds), "s", "F", said)
    return Held(True, latency=took)
