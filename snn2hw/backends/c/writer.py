"""c: the network as a folder of plain C99 for embedded targets, with a test of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snn2hw.artefact import EXPORTED_C, Artefact
from snn2hw.backends.base import Exported
from snn2hw.backends.c.fits import folder_lacks
from snn2hw.backends.c.folder import C_FOLDER, MADE, c_folder
from snn2hw.files.record import recorded, sha256
from snn2hw.files.write import check_folder, write_folder
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.native.replay import Replay, replay
from snn2hw.vectors import read_vectors
from snn2hw.version import __version__


class CWriter:
    """snn.h, snn.c, weights.h for a microcontroller; vectors.h, main.c, a Makefile and a README for its test."""

    name = "c"
    description = "a folder of plain C99: no allocation, no dependency, memory stated, its own test"
    writes = EXPORTED_C

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Layers that the C has no function for, and more memory than an int can count even where a call takes one step."""
        lacks = folder_lacks(network)
        return lacks if lacks and folder_lacks(network, streaming=True) else []

    def emit(self, artefact: Artefact, out: Path, *, vectors: int = 4, streaming: bool = False, force: bool = False) -> Exported:
        """Write the C folder, which replays some samples of the artefact's vectors.npz.

        Args:
            artefact: with the network and vectors.npz. out: the folder to write, made where there is none.
            vectors: how many samples. streaming: whether a call can take one step, see `c_folder`.
            force: whether an earlier C folder is replaced although its files were edited.

        Raises:
            UnsupportedError: more memory than an int can count, in the form that is asked for.
            ArtefactError: no vectors. UsageError: fewer than one vector, or a folder that holds something else, was edited,
                or cannot be written; nothing is left half-written.
        """
        check_folder(out, C_FOLDER, force=force)
        payloads, trace = read_vectors(artefact)
        model = sha256(artefact.model)
        files = c_folder(artefact.network, model, payloads, trace.readout, vectors, streaming)
        facts = {"snn2hw": __version__, "model": model}
        write_folder(out, recorded({n: t.encode() for n, t in files.items()}, facts, MADE), C_FOLDER, force=force)
        return Exported(out, next=("make", "-C", str(out), "test"))

    def replay(self, path: Path) -> Replay:
        """Compile the folder with the C compiler of this machine, and replay its vectors.

        Raises:
            UsageError: no such folder. ExecutorUnavailableError: no compiler, or one that fails. ArtefactError: it crashes.
        """
        return replay(path)
