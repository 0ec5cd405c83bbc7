"""What is written of an artefact besides its own folder: the forms of the registered back ends, a run's trace."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.artefact import Artefact, check_compiled
from snn2hw.backends import Exported, Writer, writer
from snn2hw.backends.running import run_writer
from snn2hw.errors import UsageError
from snn2hw.files.kinds import TRACE
from snn2hw.files.record import sha256
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, write_npz
from snn2hw.trace import MODEL_HASH, Ints, Trace


def write_export(artefact: Artefact, to: str | Writer, out: str | Path | None, options: Mapping[str, Any]) -> Exported:
    """Have a back end write the artefact. Arguments as `snn2hw.export`, its options as one mapping."""
    check_compiled(artefact)
    chosen = writer(to)
    known = options_of(chosen)
    if known is not None and (unknown := [name for name in options if name not in known]):
        raise UsageError(
            f"the back end '{chosen.name}' has no such option",
            got=", ".join(unknown),
            expected=", ".join(known) or "no options",
            do="leave out what it does not have",
        )
    return run_writer(chosen, artefact, (artefact.folder or Path()) / chosen.writes if out is None else Path(out), options)


def options_of(chosen: Writer) -> list[str] | None:
    """The names of a writer's options: what its `emit` takes behind the artefact and the place; None where it takes any."""
    given = list(inspect.signature(chosen.emit).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in given):
        return None
    return [p.name for p in given[2:] if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]


def write_trace(artefact: Artefact, payloads: Ints, trace: Trace, path: Path) -> None:
    """Write a run's stimulus and its integers to an .npz file, where there is none or an earlier one of ours.

    Args:
        artefact: that ran; its hash is written, too. payloads: [T, N, ...]. trace: of them. path: of the .npz file.

    Raises:
        UsageError: the file is somebody else's or of another kind, or cannot be written.
    """
    check_file(path, TRACE)
    arrays = {MODEL_HASH: np.array(sha256(artefact.model)), "payloads": payloads, **trace.arrays()}
    write_npz(path, arrays, comment=BLANK, force=False)
