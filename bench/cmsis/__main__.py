"""Instructions of single layers on a Cortex-M: CMSIS-NN's int8 kernels beside the generated C with LIF neurons.

python -m bench.cmsis PATH                       PATH: a checkout of CMSIS-NN, which is yours to clone
python -m bench.cmsis PATH --target cortex-m7
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cmsis import ours, theirs
from bench.cmsis.layers import LAYERS, Counted, Layer
from bench.cmsis.table import table
from bench.commit import commit
from snn2hw.cli import console
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError
from snn2hw.estimation.emulated import unavailable
from snn2hw.target import load_chip

TARGETS = ("cortex-m4", "cortex-m7")


def counted(layer: Layer, cpu: str, path: Path) -> Counted:
    """Both on one layer."""
    instructions, code = theirs.run(layer, cpu, path)
    by_activity, update, own = ours.run(layer, cpu)
    return Counted(layer, instructions, by_activity, update, code, own)


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
    except Snn2hwError as error:
        console.print_error(error)
        return 1
    print(f"{given.target}; CMSIS-NN {theirs.version(path)}, snn2hw {commit()}; instructions a MAC, of a neuron; bytes of code")
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
