"""`python -m bench.scale`: what several processes and a cluster gain, and that they say the same; of docs/how-to/scale.md.

    python -m bench.scale train --folder F     a small network for Fashion-MNIST, trained for five epochs and compiled into F
    python -m bench.scale same --folder F      verify and evaluate of the test images on 1 and 2 processes, and on Dask
    python -m bench.scale memory --folder F    memory of the workers of verify over a million samples from a file
    python -m bench.scale killed --folder F    explore, killed in the middle and continued, beside one that was not
    python -m bench.scale dask --folder F      what Dask adds to a batch; workers and the scheduler are killed

Fashion-MNIST is read from ../shared/data/real/fashion_mnist.npz, or the file that --data names.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.run.job import Job, results

DATA = Path("../shared/data/real/fashion_mnist.npz")
STEPS, TRAINED, EPOCHS = 4, 12_000, 5
EXECUTORS = ("reference", "fast")
PORT = 8791


def build() -> Any:
    """Two convolutions, and neurons that leak."""
    import torch

    from snn2hw import nn

    torch.manual_seed(0)
    first, second = nn.Conv2d(1, 8, 5, stride=2), nn.Conv2d(8, 16, 3, stride=2)
    with torch.no_grad():  # so that neurons fire from the start
        first.weight.mul_(3)
        second.weight.mul_(3)
    return torch.nn.Sequential(first, nn.LIF(0.5), second, nn.LIF(0.5), nn.Flatten(), nn.Linear(400, 10))


def trained(folder: Path) -> Any:
    import torch

    model = build()
    model.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    return model.eval()


def train(folder: Path, data: Path) -> None:
    import torch

    from snn2hw import nn

    torch.set_num_threads(1)
    with np.load(data) as given:
        x, y = given["x_train"][:TRAINED], given["y_train"][:TRAINED].astype(np.int64)
        test, labels = given["x_test"], given["y_test"].astype(np.int64)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", (test.reshape(-1, 1, 28, 28) / 255).astype(np.float32))
    np.save(folder / "y.npy", labels)
    images, classes = torch.tensor(x.reshape(-1, 1, 28, 28) / 255, dtype=torch.float32), torch.tensor(y)
    model = build()
    adam = torch.optim.Adam(model.parameters(), 4e-3)
    for epoch in range(EPOCHS):
        order, right = torch.randperm(TRAINED), 0
        for at in torch.split(order, 100):
            logits = model(nn.repeat(images[at], STEPS)).mean(0)
            loss = torch.nn.functional.cross_entropy(logits, classes[at])
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
            right += int((logits.argmax(1) == classes[at]).sum())
        print(f"epoch {epoch}: {right / TRAINED:.4f} of the training images", flush=True)
    torch.save(model.state_dict(), folder / "weights.pt")
    np.save(folder / "sample.npy", images[:256].numpy())
    snn2hw.compile(model.eval(), images[:256].numpy(), STEPS, target="loihi2", out=folder / "net")


def timeless(verdict: snn2hw.Verdict) -> snn2hw.Verdict:
    return replace(verdict, seconds=dict.fromkeys(verdict.seconds, 0.0))


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """A scheduler and workers of this machine, as a user would start them."""
    address = f"tcp://127.0.0.1:{PORT}"
    started: list[Any] = [scheduler(), worker(workers)]
    try:
        wait_for(address, workers)
        yield address
    finally:
        for process in reversed(started):
            end(process)


def scheduler() -> Any:
    return dask("scheduler", "--host", "127.0.0.1", "--port", str(PORT), "--no-dashboard")


def worker(workers: int) -> Any:
    return dask("worker", f"tcp://127.0.0.1:{PORT}", "--nthreads", "1", "--nworkers", str(workers), "--no-dashboard")


def dask(*words: str) -> Any:
    command = [str(Path(sys.executable).with_name("dask")), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def end(process: Any) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=120)


def timed(label: str, call: Callable[[], Any]) -> tuple[Any, float]:
    begun = perf_counter()
    found = call()
    took = perf_counter() - begun
    print(f"{label:34} {took:8.1f} s", flush=True)
    return found, took


def same(folder: Path, most: int | None, four: bool) -> None:
    """Verdicts and measurements of every way to run, against one process."""
    artefact, model = snn2hw.load(folder / "net"), snn2hw.trace_model(trained(folder), np.load(folder / "sample.npy"), STEPS)
    x, y = np.load(folder / "x.npy", mmap_mode="r")[:most], np.load(folder / "y.npy")[:most]

    def both(label: str, **how: Any) -> tuple[Any, Any, float]:
        verdict, a = timed(f"verify, {label}", lambda: snn2hw.verify(artefact, x, EXECUTORS, **how))
        measured, b = timed(f"evaluate, {label}", lambda: snn2hw.evaluate(artefact, x, y, model, "fast", **how))
        return timeless(verdict), measured.to_document(), a + b

    print(f"{len(x)} images")
    one = both("1 process")
    print(f"equal: {one[0].equal}, {sum(one[0].compared.values())} integers; accuracy {one[1]['accuracy']}")
    ways: list[tuple[str, Any, float]] = [("2 processes", *_told(both("2 processes", workers=2), one))]
    for workers in (2, 4) if four else (2,):
        with cluster(workers) as address:
            label = f"Dask, {workers} workers"
            ways.append((label, *_told(both(label, cluster=address), one)))
    for label, alike, took in ways:
        print(f"{label:34} identical: {alike}; {one[2] / took:.2f} times as fast")


def _told(found: tuple[Any, Any, float], one: tuple[Any, Any, float]) -> tuple[bool, float]:
    return found[:2] == one[:2], found[2]


def resident(pid: int) -> tuple[float, float]:
    """MB of a process: its own, and all that is resident, of which pages of the file can go at any time."""
    said = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return tuple(int(said[k].split()[0]) / 1024 for k in ("RssAnon", "VmRSS"))  # type: ignore[return-value]


def memory(folder: Path, samples: int) -> None:
    """Resident memory of all processes of verify over many samples, every few seconds."""
    import multiprocessing

    import torch

    from snn2hw import nn

    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    few = draw.random((1000, 64), np.float32)
    small = torch.nn.Sequential(nn.Linear(64, 16), nn.LIF(0.5), nn.Linear(16, 4)).eval()
    artefact, path = snn2hw.compile(small, few[:64], 2), folder / "many.npy"
    whole = np.lib.format.open_memmap(path, "w+", np.float32, (samples, 64))
    for start in range(0, samples, 1000):
        whole[start : start + 1000] = draw.permutation(few)[: min(1000, samples - start)]
    whole.flush()
    del whole
    seen: list[tuple[float, float, float]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(2.0):
            with suppress(OSError, KeyError):
                mine, others = resident(os.getpid()), [resident(c.pid or 0) for c in multiprocessing.active_children()]
                seen.append((mine[0], max((o[0] for o in others), default=0.0), max((o[1] for o in others), default=0.0)))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    verdict, took = timed(
        f"{samples} samples", lambda: snn2hw.verify(artefact, np.load(path, mmap_mode="r"), EXECUTORS, workers=2)
    )
    stop.set()
    path.unlink()
    print(f"equal: {verdict.equal}, {verdict.samples} samples, {verdict.samples / took:,.0f} samples a second")
    for k, label in enumerate(("this process, own", "a worker, own", "a worker, all that is resident")):
        series = [s[k] for s in seen][2:]
        half = len(series) // 2
        print(
            f"{label:34} MB: largest {max(series):.0f}; first half {max(series[:half]):.0f}, second half {max(series[half:]):.0f}"
        )


def killed(folder: Path, most: int | None) -> None:
    """Explore as a process of its own that is killed again and again, until it ends; against one that is left alone."""
    x, y = folder / "some_x.npy", folder / "some_y.npy"
    np.save(x, np.load(folder / "x.npy", mmap_mode="r")[:most])
    np.save(y, np.load(folder / "y.npy")[:most])
    found = []
    for name, limits in (("whole", [None]), ("killed", [20, 70, None])):
        out = folder / f"{name}.jsonl"
        out.unlink(missing_ok=True)
        command = [
            str(Path(sys.executable).with_name("snn2hw")),
            "explore",
            "bench.scale:made",
            "--samples",
            str(x),
            "--labels",
            str(y),
        ]
        command += ["--steps", str(STEPS), "--weight-bits", "2,3,4,8", "--state-bits", "8,10,12,16", "--out", str(out), "--json"]
        begun = perf_counter()
        for limit in limits:
            said = _until(command, out, limit, {**os.environ, "SCALE_FOLDER": str(folder)})
        found.append(json.loads(said))
        print(f"{name:34} {perf_counter() - begun:8.1f} s, {len(out.read_bytes().splitlines()) - 1} results")
    front = [p for p in found[0]["points"] if p["pareto"]]
    files = [(folder / f"{name}.jsonl").read_bytes() for name in ("killed", "whole")]
    print(f"identical points and front: {found[0] == found[1]}; identical files: {files[0] == files[1]}")
    ran, every = sum(p["samples"] for p in found[0]["points"]), found[0]["samples"] * len(found[0]["points"])
    print(f"{ran} samples run of {every}; the front:")
    for p in front:
        widths, kept = f"w{p['weight_bits']} s{p['state_bits']}", f"{100 * p['accuracy']:.2f} %"
        print(f"  {widths}: {kept}, {p['memory']} bits, {p['operations']:.0f} operations")


def _until(command: list[str], out: Path, limit: int | None, variables: dict[str, str]) -> str:
    """What a command prints; or it is killed when the results file has so many lines."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as run:
        while limit is not None and run.poll() is None and _lines(out) <= limit:
            sleep(0.05)
        if limit is not None:
            run.kill()
            print(f"killed with {_lines(out) - 1} results on the disk", flush=True)
        return run.communicate()[0]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def made() -> Any:
    """The trained network and its calibration samples, for `snn2hw explore bench.scale:made`."""
    folder = Path(os.environ["SCALE_FOLDER"])
    return trained(folder), np.load(folder / "sample.npy")


def nothing(given: Any) -> Callable[[Any], Any]:
    return lambda part: part


def overhead(folder: Path) -> None:
    """Seconds that a batch costs beside its work; then what is killed, and what that changes."""
    artefact: Artefact = snn2hw.load(folder / "net")
    x = np.load(folder / "x.npy", mmap_mode="r")
    parts = list(range(400))
    with cluster(2) as address:
        for label, how in (("Dask", {"cluster": address}), ("2 processes", {"workers": 2})):
            with results(Job("nothing", nothing, None), iter(parts), **how) as each:
                next(each)
                begun = perf_counter()
                assert list(each) == parts[1:]
                print(
                    f"{label}: {1e3 * (perf_counter() - begun) / (len(parts) - 1):.2f} ms a batch that does nothing", flush=True
                )
        _, took = timed("verify of 640 images, 1 process", lambda: snn2hw.verify(artefact, x[:640], EXECUTORS))
        print(f"a batch of 64 takes {1e3 * took / 10:.0f} ms in one process")
    right = timeless(snn2hw.verify(artefact, x[:6000], EXECUTORS))
    started = [scheduler(), worker(2)]
    wait_for(f"tcp://127.0.0.1:{PORT}", 2)

    def kill() -> None:
        sleep(5)
        end(started[1])
        started[1] = worker(2)
        sleep(6)
        end(started[0])
        end(started[1])
        started[:] = [scheduler(), worker(2)]

    threading.Thread(target=kill, daemon=True).start()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        verdict, _ = timed(
            "workers, then the scheduler killed",
            lambda: snn2hw.verify(artefact, x[:6000], EXECUTORS, cluster=f"tcp://127.0.0.1:{PORT}"),
        )
    print(f"identical: {timeless(verdict) == right}; warnings: {[str(w.message).splitlines()[0] for w in told]}")
    for process in started:
        end(process)


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("what", choices=("train", "same", "memory", "killed", "dask"))
    said.add_argument("--folder", type=Path, default=Path("build/scale"))
    said.add_argument("--data", type=Path, default=DATA)
    said.add_argument("--samples", type=int)
    said.add_argument("--four", action="store_true", help="also four workers of Dask")
    given = said.parse_args()
    if given.what == "train":
        train(given.folder, given.data)
    elif given.what == "same":
        same(given.folder, given.samples, given.four)
    elif given.what == "memory":
        memory(given.folder, given.samples or 1_000_000)
    elif given.what == "killed":
        killed(given.folder, given.samples)
    else:
        overhead(given.folder)


if __name__ == "__main__":
    main()
