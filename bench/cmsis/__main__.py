"""Instructions, RAM and flash on a Cortex-M: single layers of CMSIS-NN beside the generated C with LIF neurons, then networks.

python -m bench.cmsis PATH                       PATH: a checkout of CMSIS-NN, which is yours to clone
python -m bench.cmsis PATH --target cortex-m7
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cmsis import ours, theirs
from bench.cmsis.layers import LAYERS, WEIGHTS, Counted, Layer
from bench.cmsis.steps import NETWORKS, stepwise
from bench.cmsis.table import instructions, room, steps
from bench.commit import commit
from snn2hw.cli import console
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError
from snn2hw.estimation.emulated import unavailable
from snn2hw.target import load_chip

TARGETS = ("cortex-m4", "cortex-m7")


def counted(layer: Layer, cpu: str, path: Path) -> Counted:
    """Both on one layer."""
    return Counted(layer, theirs.run(layer, cpu, path), {bits: ours.run(layer, cpu, bits) for bits in WEIGHTS})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, metavar="PATH", help="a checkout of CMSIS-NN")
    parser.add_argument("--target", choices=TARGETS, default=TARGETS[0])
    given = parser.parse_args(arguments)
    try:
        path = theirs.checkout(given.path)
        if problem := unavailable():
            raise ExecutorUnavailableError("instructions cannot be counted here", got=problem)
        controller = load_chip(given.target).microcontroller
        assert controller is not None
        found = [counted(layer, controller.cpu, path) for layer in LAYERS]
        networks = [stepwise(name, controller.cpu) for name in NETWORKS]
    except Snn2hwError as error:
        console.print_error(error)
        return 1
    print(f"{given.target}; CMSIS-NN {theirs.version(path)}, snn2hw {commit()}")
    for title, lines in (
        ("instructions a MAC, of a neuron's update, and of a synaptic operation", instructions(found)),
        ("bytes of a layer", room(found)),
        ("instructions and bytes of a network", steps(networks)),
    ):
        print("\n".join(["", f"{title}:", "", *lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
