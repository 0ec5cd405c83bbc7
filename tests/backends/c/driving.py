"""The C of the executor `fast` in a program of its own, on the stimuli and traces of the reference."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from snn2hw.backends.c.to_c import to_c
from snn2hw.backends.fast.built import PHASE
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints, Trace

DRIVER = Path(__file__).with_name("driver.c")


def drive(
    folder: Path,
    net: IntegerNetwork,
    payloads: Ints,
    trace: Trace,
    still: bool,
    command: Sequence[str],
    runner: Sequence[str] = (),
    scratch: int = 0,
    planted: Callable[[str], str] = str,
) -> str:
    """What the driver says of a network, dense and event-driven, with traces and without, by one thread and by three together.

    Args:
        command: of the compiler, with its flags. runner: what runs programs of another processor. scratch: bytes that are added.
        planted: what puts a fault into the C, if any.
    """
    source = to_c(net, still)
    text = planted(source.text)
    folder.mkdir()
    (folder / "net.c").write_text(text)
    given = np.moveaxis(payloads, 2, -1) if payloads.ndim == 5 else payloads
    given = np.ascontiguousarray(given[:1] if still else given, np.dtype(source.input_type[:-2]))
    signals = [
        np.moveaxis(trace.states[f"{layer}.{state}"] if state else trace.spikes[layer], 2, -1).astype(kind.removesuffix("_t"))
        for layer, state, kind in source.traces
    ]
    arrays = [np.ascontiguousarray(a) for a in source.arrays.values()]
    samples = range(payloads.shape[1])
    memory = source.arena + scratch, source.own, source.phases * PHASE
    words = [len(samples), given[:, 0].nbytes, trace.readout[0].nbytes, *memory, len(arrays)]
    parts = [*map(number, words), *(part for a in arrays for part in (number(a.nbytes), a.tobytes()))]
    parts += [number(len(signals)), *(number(s[:, 0].nbytes) for s in signals)]
    for n in samples:
        parts += [given[:, n].tobytes(), trace.readout[n].tobytes(), *(s[:, n].tobytes() for s in signals)]
    (folder / "data").write_bytes(b"".join(parts))
    built = subprocess.run(
        [*command, "-pthread", "net.c", str(DRIVER), "-o", "run"], cwd=folder, capture_output=True, check=False
    )
    assert built.returncode == 0, built.stderr.decode()
    done = subprocess.run([*runner, "./run", "data"], cwd=folder, capture_output=True, text=True, check=False)
    return f"exit code {done.returncode}: {(done.stdout + done.stderr).strip()}"


def number(value: int) -> bytes:
    return np.int64(value).tobytes()
