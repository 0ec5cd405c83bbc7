"""Random streams of a training: a function of seed and epoch alone, so that nothing of them has to be kept to resume."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

from snn2hw.arguments import whole


@contextlib.contextmanager
def seeded(seed: int, epoch: int = 0) -> Iterator[torch.Generator]:
    """In the block torch (every device), numpy and random start from (seed, epoch); after it they are as they were.

    Yields:
        a generator on the CPU with a stream of its own.

    Raises:
        UsageError, ValueRangeError: seed or epoch is no whole number >= 0.
    """
    words = stream(seed, epoch)
    before, legacy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if on_cuda() else ()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(words[0]))
        np.random.seed(np.array([words[1] & 0xFFFFFFFF, words[1] >> 32], np.uint32))
        random.seed(int(words[2]))
        try:
            yield torch.Generator().manual_seed(int(words[3]))
        finally:
            random.setstate(before)
            np.random.set_state(legacy)


def on_cuda() -> bool:
    """Whether CUDA is in use already: what asks it for more would initialise it."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def stream(seed: int, epoch: int) -> list[int]:
    """Four seeds of 63 bits.

    Raises:
        UsageError, ValueRangeError: seed or epoch is no whole number >= 0.
    """
    whole("seed", seed, 0, None, "snn2hw.train")
    whole("epoch", epoch, 0, None, "snn2hw.train")
    return [int(word) >> 1 for word in np.random.SeedSequence([seed, epoch]).generate_state(4, np.uint64)]
