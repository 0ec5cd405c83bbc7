"""Many threads, processes and forks at once on one cache: `python -m tests.backends.stress threads|processes|forks COUNT`.

Prints how many runs gave the integers of the reference; every run that waits for ever is ended by an alarm.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from time import perf_counter, sleep

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.trace import Ints, Trace
from tests.small_networks import two_layer_network

LIMIT = 500  # seconds
RUNS = [e for e in EXECUTORS.values() if e.name != "reference" and not e.unavailable()]


def case(seed: int) -> tuple[Artefact, Ints, Trace]:
    net, images = two_layer_network(seed)
    artefact = snn2hw.compile(net, images, steps=net.steps, target="generic")
    payloads = encode(artefact.network, images[:4])
    return artefact, payloads, interpret(artefact.network, payloads)


def wrong(name: str, given: tuple[Artefact, Ints, Trace]) -> int:
    """Integers that differ from the reference."""
    artefact, payloads, expected = given
    got, right = EXECUTORS[name].run(artefact, payloads).arrays(), expected.arrays()
    return sum(int((got[k] != v).sum()) for k, v in right.items())


def all_executors(given: list[tuple[Artefact, Ints, Trace]]) -> list[int]:
    return [wrong(e.name, g) for g in given for e in RUNS]


def threads(count: int) -> tuple[int, int]:
    given = [case(seed) for seed in range(1 + count // 8)]
    with ThreadPoolExecutor(count) as pool:
        found = [n for each in pool.map(lambda _: all_executors(given), range(count)) for n in each]
    return len(found), sum(n == 0 for n in found)


def processes(count: int) -> tuple[int, int]:
    """Many processes that begin with the same cache, each of which wants the same library."""
    call = [sys.executable, "-m", "tests.backends.stress", "one", "0"]
    started = [subprocess.Popen(call, stdout=subprocess.PIPE) for _ in range(count)]
    said = [p.communicate(timeout=LIMIT)[0] for p in started]
    return count, sum(text == b"one: 1 of 1 right\n" for text in said)


def one(_: int) -> tuple[int, int]:
    return 1, int(wrong("fast", case(0)) == 0)


def forks(count: int) -> tuple[int, int]:
    """Children that are forked while a thread compiles and after torch has computed with two threads."""
    if "torch" in [e.name for e in RUNS]:
        import torch

        torch.set_num_threads(2)
        torch.ones(2000, 2000) @ torch.ones(2000, 2000)
    given = [case(seed) for seed in range(count + 1)]
    right = 0
    for number in range(count):
        compiling = Thread(target=wrong, args=("fast", given[number]))
        compiling.start()
        sleep(0.03)
        child = os.fork()
        if child == 0:
            signal.alarm(LIMIT // 3)
            # What the parent compiles at this moment, and another; then all others.
            os._exit(int(any(all_executors([given[number], given[number + 1]]))))
        right += os.waitpid(child, 0)[1] == 0
        compiling.join()
    return count, right


def main() -> int:
    signal.alarm(LIMIT)
    if "SNN2HW_CACHE" not in os.environ:  # an empty one, so that everything is compiled
        os.environ["SNN2HW_CACHE"] = tempfile.mkdtemp(prefix="snn2hw-stress-")
    kind, count = sys.argv[1], int(sys.argv[2])
    begun = perf_counter()
    total, right = {"threads": threads, "processes": processes, "forks": forks, "one": one}[kind](count)
    print(f"{kind}: {right} of {total} right")
    print(f"{perf_counter() - begun:.1f} s, executors {', '.join(e.name for e in RUNS)}", file=sys.stderr)
    if kind != "one":
        left = [p.name for p in Path(os.environ["SNN2HW_CACHE"]).rglob("*") if p.name.startswith(".")]
        print(f"{len(left)} leftovers", file=sys.stderr)
        return int(right != total or bool(left))
    return int(right != total)


if __name__ == "__main__":
    sys.exit(main())
