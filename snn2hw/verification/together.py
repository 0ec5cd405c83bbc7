"""Readouts of an executor that runs several samples together where no traces are wanted: other code, which is compared, too."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends import Executor
from snn2hw.backends.base import Together
from snn2hw.backends.running import run_executor
from snn2hw.trace import Ints
from snn2hw.verification.differential import Difference, check_readout

CAUSE = "with traces every integer is equal; without them, this executor runs up to {} samples together, by other code"
NOTE = "compared without traces, too, where up to {} samples run together"


@dataclass(frozen=True)
class Untraced:
    """What a run without traces gave.

    Args:
        readout: of the samples, and of the first ones again where they are fewer than run together. samples: how many that are.
        together: how many run together. seconds: it took.
    """

    readout: Ints
    samples: int
    together: int
    seconds: float

    @property
    def note(self) -> str:
        """What was done, in one line."""
        return NOTE.format(self.together)

    def differing(self, name: str, expected: Ints) -> tuple[int, int, Difference | None]:
        """How many integers were compared, how many differ, and the first that does.

        Args:
            name: of the executor. expected: readout [N, classes] of the reference.

        Raises:
            ArtefactError: the readout is of another shape.
        """
        right = expected[np.arange(self.samples) % len(expected)]
        check_readout(name, self.readout, right)
        where = np.argwhere(self.readout != right)
        if not len(where):
            return right.size, 0, None
        sample, *index = (int(n) for n in where[0])
        at = sample, *index
        first = Difference(
            name, "readout", -1, sample % len(expected), tuple(index), int(self.readout[at]), int(right[at]),
            CAUSE.format(self.together),
        )  # fmt: skip
        return right.size, len(where), first


def untraced(e: Executor, artefact: Artefact, payloads: Ints) -> Untraced | None:
    """A run without traces; None where the executor runs each sample as with them.

    Samples that are fewer than run together enter again and again, for few are run one by one.

    Args:
        e: the executor. artefact: with the network. payloads: [T, N, ...].

    Raises:
        Snn2hwError: it failed.
    """
    together = e.together(artefact.network) if isinstance(e, Together) else 1
    if together < 2:
        return None
    count = payloads.shape[1]
    given = payloads if count >= together else payloads[:, np.arange(together) % count]
    begun = perf_counter()
    readout = run_executor(e, artefact, given, traces=False).readout
    return Untraced(readout, given.shape[1], together, perf_counter() - begun)
