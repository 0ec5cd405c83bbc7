"""The ways to run a network that are set side by side, each with one thread, from payloads to readout."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter

import numpy as np
import torch

from bench.im2col import Im2col
from bench.networks import Compiled
from bench.peers import PEERS, installed, peer
from bench.without import InBlocks, OneByOne
from snn2hw import nn
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.fast.executor import THREADS_VARIABLE, Fast
from snn2hw.ir.onnx_terms import payload_dtype
from snn2hw.runs import simulate_payloads, verify
from snn2hw.trace import Ints, Trace

FAST, DENSE, EVENTS, TWO = "fast", "fast, dense", "fast, event-driven", "fast, two threads"
TRACED, AGAIN = "fast, with traces", "fast, once more"
ONE_BY_ONE, IN_BLOCKS = "fast, one by one", "fast, depthwise in blocks"  # see `without`
REFERENCE, ONNX, FLOATS, INTEGERS, PLAIN = "reference", "onnxruntime", "torch float32", "torch, integers", "plain im2col C"
ALL = (FAST, DENSE, EVENTS, TWO, TRACED, AGAIN, PLAIN, ONNX, FLOATS, *PEERS, INTEGERS, REFERENCE)
EVERY = (FAST, ONE_BY_ONE, IN_BLOCKS, *ALL[1:])  # the order in which they are shown
# Kept from one network to the next, so that a network's C is built once for each.
_FASTS = {FAST: Fast(), DENSE: Fast(0), EVENTS: Fast(101), TWO: Fast(), TRACED: Fast(), AGAIN: Fast(), PLAIN: Im2col()}
_FASTS |= {ONE_BY_ONE: OneByOne(), IN_BLOCKS: InBlocks()}

Way = Callable[[], object]


def ways(made: Compiled, batch: int, names: tuple[str, ...] = ALL) -> dict[str, Way]:
    """Those of `names` that there are; each has given the reference's integers, float32 apart, which has its own arithmetic.

    Two calls are compared, for threads share the work in another way once it is known how long it takes. Sessions are opened
    and C is compiled before anything is timed. A peer that is not installed is none.
    """
    payloads, law = made.payloads(batch), EXECUTORS[REFERENCE]
    found: dict[str, Way] = {}
    wanted = law.run(made.artefact, payloads, TRACED in names).held()
    for name in names:
        if name in PEERS and not installed(name):
            continue
        if name in (FLOATS, *PEERS):
            found[name] = partial(_float, made, made.model if name == FLOATS else peer(made.model, name), batch)
            continue
        run = _integers(name, made.artefact, payloads)
        for call in () if name == REFERENCE else (1, 2):
            got = run().held()
            for array in wanted if name == TRACED else ("readout",):
                if array not in got or (got[array] != wanted[array]).any():
                    title = f"{made.name}, {made.kind}"
                    raise AssertionError(f"{name} gives another {array} than the reference for {title}, in call {call}")
        found[name] = run
    return found


def calls(made: Compiled, samples: int) -> dict[str, Way]:
    """`simulate_payloads` of so many samples, without and with traces, in batches as users have them, on one thread.

    Images are repeated where there are fewer; the traces have been compared with the reference's.
    """
    few = made.payloads(len(made.images))
    payloads = np.resize(few.transpose(1, 0, *range(2, few.ndim)), (samples, len(few), *few.shape[2:])).swapaxes(0, 1)

    def call(traces: bool) -> Trace:
        with threads_of_fast(1):
            return simulate_payloads(made.artefact, payloads, _FASTS[FAST], traces=traces)

    wanted, got = (simulate_payloads(made.artefact, payloads).held(), call(True).held())
    if any((got[array] != wanted[array]).any() for array in wanted):
        raise AssertionError(f"{TRACED} gives another trace than the reference for {samples} samples of {made.name}")
    return {FAST: partial(call, False), TRACED: partial(call, True)}


def comparing(made: Compiled, samples: int, rounds: int) -> list[float]:
    """Percent of the reference's time that `verify` takes beside the executors' own: encoding, comparing, counting."""
    few, found = made.images.numpy(), list[float]()
    shown = np.resize(few, (samples, *few.shape[1:]))
    with threads_of_fast(1):
        for _ in range(1 + rounds):  # the first compiles the C
            begun = perf_counter()
            verdict = verify(made.artefact, shown, ("reference", "fast"))
            rest = perf_counter() - begun - sum(verdict.seconds.values())
            found.append(100 * rest / verdict.seconds["reference"])
    return found[1:]


def _integers(name: str, artefact: Artefact, payloads: Ints) -> Callable[[], Trace]:
    if name == ONNX:
        return _session(artefact, payloads)
    if name in _FASTS:
        return lambda: _threaded(_FASTS[name], artefact, payloads, 2 if name == TWO else 1, name == TRACED)
    executor = EXECUTORS["torch" if name == INTEGERS else name]
    return lambda: executor.run(artefact, payloads, False)


def _threaded(fast: Fast, artefact: Artefact, payloads: Ints, threads: int, traces: bool) -> Trace:
    with threads_of_fast(threads):
        return fast.run(artefact, payloads, traces)


@contextmanager
def threads_of_fast(number: int) -> Iterator[None]:
    """So many in the block, as a user would say it."""
    before = os.environ.get(THREADS_VARIABLE)
    os.environ[THREADS_VARIABLE] = str(number)
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS_VARIABLE]
        else:
            os.environ[THREADS_VARIABLE] = before


def _session(artefact: Artefact, payloads: Ints) -> Callable[[], Trace]:
    """ONNX Runtime with its session kept: the executor opens one for each call, which takes longer than the network."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(artefact.model, options, providers=["CPUExecutionProvider"])
    x = payloads.astype(payload_dtype(artefact.network.input.format))

    return lambda: Trace(session.run(["readout"], {"x": x})[0])


def _float(made: Compiled, model: torch.nn.Module, batch: int) -> torch.Tensor:
    with torch.inference_mode():
        out: torch.Tensor = model(nn.repeat(made.images[:batch], made.artefact.network.steps))
        return out
