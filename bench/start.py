"""What is done before a network runs: imports, the help, compiling, deriving a certificate's claims again.

Each is measured in a process of its own, with everything that the first call of a process pays for:
`python -m bench.start NAME [WIDTH ...]` prints the seconds of one of `INSIDE`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ROUNDS = 3
IMPORT, HELP = "`import snn2hw`, interpreter included", "`snn2hw --help`"
DIGITS, BODY, PILOTNET = "compile digits_lnm, once all is imported", "compile the ResNet-18 body, LNM", "`check` of PilotNet"
WHOLE = {IMPORT: ("-c", "import snn2hw"), HELP: ("-m", "snn2hw", "--help")}


def start(widths: Sequence[int], rounds: int, recorded: bool) -> dict[str, list[float]]:
    """Seconds by what is done, one figure for each round.

    Args:
        widths: of the ResNet-18 body. recorded: PilotNet, too, which takes longest; not where its file is not at hand.
    """
    found: dict[str, list[float]] = {}
    names = [*WHOLE, DIGITS, BODY, *[PILOTNET] * (recorded and network_file().is_file())]
    for _ in range(rounds):
        for name in names:
            found.setdefault(name, []).append(_whole(WHOLE[name]) if name in WHOLE else _printed(name, widths))
    return found


def _whole(words: Sequence[str]) -> float:
    begun = perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True, env=_environment())
    return perf_counter() - begun


def _printed(name: str, widths: Sequence[int]) -> float:
    command = [sys.executable, "-W", "ignore", "-m", "bench.start", name, *map(str, widths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())
    return float(done.stdout.split()[-1])


def _environment() -> dict[str, str]:
    """What is imported here must be importable there."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def network_file() -> Path:
    """Where PilotNet would be."""
    from bench.estimate import SHARED

    return SHARED / "pilotnet_lif" / "network.net"


def _timed(run: Callable[[], object]) -> float:
    begun = perf_counter()
    run()
    return perf_counter() - begun


def _digits(_: Sequence[int]) -> float:
    import snn2hw
    from snn2hw.user_models import find_model

    found = find_model("digits_lnm")
    compile_, sample = snn2hw.compile, found.sample  # a public name is imported when it is first asked for
    assert sample is not None
    return _timed(lambda: compile_(found.module, sample, found.steps, target="loihi2"))


def body(widths: Sequence[int]) -> tuple[torch.nn.Module, Tensor]:
    """(the ResNet-18 body with LNM neurons, an image)."""
    import torch

    from bench.learned import give_learned_polynomials
    from bench.networks import BODIES, CALIBRATION, NEURONS, SIZE, STEPS, settle
    from snn2hw import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, shown = BODIES["ResNet-18"](NEURONS["LNM"], widths), torch.rand(CALIBRATION, 3, SIZE, SIZE)
    give_learned_polynomials(model)
    settle(model, nn.repeat(shown, STEPS), None)
    return model, shown[:1]


def _body(widths: Sequence[int]) -> float:
    import snn2hw
    from bench.networks import STEPS

    (model, shown), compile_ = body(widths), snn2hw.compile
    return _timed(lambda: compile_(model, shown.numpy(), STEPS, target="loihi2"))


def _pilotnet(_: Sequence[int]) -> float:
    import snn2hw
    from bench.estimate import pilotnet

    check = snn2hw.check
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "pilotnet"
        pilotnet(folder)
        return _timed(lambda: check(folder))


INSIDE = {DIGITS: _digits, BODY: _body, PILOTNET: _pilotnet}

if __name__ == "__main__":
    print(INSIDE[sys.argv[1]]([int(w) for w in sys.argv[2:]]))
