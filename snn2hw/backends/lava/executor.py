"""lava: the artefact as Lava processes; runs them in the side environment and brings their trace back."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any, ClassVar

from snn2hw import errors
from snn2hw.artefact import MODEL, Artefact
from snn2hw.backends.base import gated
from snn2hw.backends.lava.environment import outside_variables, package_copy, side_python, why_unavailable
from snn2hw.backends.lava.fits import check_network, lava_lacks
from snn2hw.errors import Snn2hwError
from snn2hw.files.write import write_npz
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.run.tools import run
from snn2hw.shown import Lines
from snn2hw.trace import Ints, Trace, read_npz

SECONDS = 900
SECONDS_VARIABLE = "SNN2HW_LAVA_SECONDS"


@dataclass
class LavaExecutor:
    """Runs samples through Lava's CPU simulation of Loihi 2.

    Args:
        samples_per_run: 0 streams all samples through in one run; n > 0 starts fresh processes for every n samples, and
            lets these drain the pipeline.
        report: of the last call of `run`: runs, processes (of one run), steps (of all runs); seconds for the environment
            (looking it up or making it, starting it, importing Lava), for mapping, for starting processes, for all steps
            but the first of every run, and for stopping.

    Raises:
        UsageError: samples_per_run is no whole number >= 0.
    """

    name: str = "lava"
    description: str = "Lava 0.10.0's fixed-point processes, in a Python 3.10 of their own"
    samples_per_run: int = 0
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.samples_per_run, int) or self.samples_per_run < 0:
            raise errors.UsageError(
                "samples_per_run is no number of samples",
                where="LavaExecutor",
                got=repr(self.samples_per_run),
                expected="a whole number; 0 streams all samples through in one run",
                do="give 0, or how many samples go through in one run",
            )

    on_request: ClassVar[bool] = True  # its environment is made on first use, which takes a minute

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Layers without a Lava process, values that are too wide for its ports, loops that it cannot close."""
        return lava_lacks(network)

    def unavailable(self) -> str:
        """Why no side environment can be had, where none can."""
        return why_unavailable()

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...], shifted back to steps without delay.

        Arguments as `Executor.run`.

        Raises:
            WidthError, UnsupportedError: the network does not fit Lava; names the layer.
            ExecutorUnavailableError: the side environment cannot be made.
            Snn2hwError: Lava failed, or took longer than $SNN2HW_LAVA_SECONDS.
        """
        check_network(artefact.network)
        begun = time()
        python = side_python(lambda text: print(text, file=sys.stderr))
        with tempfile.TemporaryDirectory(prefix="snn2hw-lava-") as name:
            folder = Path(name)
            (folder / MODEL).write_bytes(artefact.model)
            write_npz(folder / "payloads.npz", {"payloads": payloads})
            command = [str(python), "-m", "snn2hw.backends.lava.side", str(folder), str(self.samples_per_run)]
            run_side(command, folder, seconds())
            report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            # Wall-clock time is the one clock that both processes have.
            self.report = {"seconds_environment": report.pop("imported_at") - begun, **report}
            trace = Trace.from_arrays(read_npz(folder / "trace.npz"), "lava")
        return trace if traces else Trace(trace.readout)

    def measured(self) -> str:
        """What the last call of `run` cost beside the arithmetic, in one line."""
        r = self.report
        started = r["seconds_start"] / r["runs"]
        steps = max(r["steps"] - r["runs"], 1)
        return (
            f"{r['processes']} processes, started in {started:.2f} s ({started / r['processes']:.2f} s a process)"
            f"{', ' + str(r['runs']) + ' times' if r['runs'] > 1 else ''}; {1e3 * r['seconds_run'] / steps:.1f} ms a step;"
            f" environment {r['seconds_environment']:.1f} s"
        )


def seconds() -> float:
    """The time limit of one run."""
    given = os.environ.get(SECONDS_VARIABLE, str(SECONDS))
    try:
        return float(given)
    except ValueError as error:
        raise errors.UsageError(
            f"{SECONDS_VARIABLE} is no number of seconds",
            got=repr(given),
            expected="such as 900",
            do=f"set {SECONDS_VARIABLE} to a number, or unset it",
        ) from error


def run_side(command: list[str], folder: Path, limit: float) -> None:
    """Run the side process in `folder` with nothing of this environment on its path; whatever happens, it and all its
    children are gone afterwards.

    Args:
        command: the side environment's Python first. folder: with the model; also gets the log and the report.
        limit: seconds.

    Raises:
        Snn2hwError: what the side process reported, how it died, or that it took too long.
    """
    environment = {**outside_variables(), "PYTHONPATH": str(package_copy())}
    log = folder / "side.log"
    ran = run(command, limit, folder=folder, variables=environment, log=log)
    if ran.stopped:
        raise Snn2hwError(
            "Lava took too long", got=f"more than {limit:g} s", do=f"use fewer samples, or set {SECONDS_VARIABLE} to more seconds"
        )
    if (folder / "error.json").is_file():
        raise _reported(json.loads((folder / "error.json").read_text(encoding="utf-8")))
    if ran.code != 0:
        raise Snn2hwError(
            "Lava's side process died",
            got=Lines(f"exit code {ran.code}\n{ran.output.strip()[-1500:]}"),
            expected="exit code 0",
            do="run it again; if it dies again, report this output",
        )


def _reported(parts: Mapping[str, str]) -> Snn2hwError:
    kind = getattr(errors, parts["type"], Snn2hwError)
    made: Snn2hwError = kind(parts["what"], where=parts["where"], got=parts["got"], expected=parts["expected"], do=parts["do"])
    return made
