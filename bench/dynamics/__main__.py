"""Izhikevich's neuron with three sets of parameters and the resonate-and-fire neuron: 1,000 steps, integers against floats.

python -m bench.dynamics               prints the tables, draws the plots, writes both into docs/how-to/custom.md
python -m bench.dynamics --print       only prints
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.commit import ROOT
from bench.dynamics import page
from bench.dynamics.cases import STEPS, cases
from bench.dynamics.measure import WIDTHS, Compared, compare
from bench.dynamics.plots import draw
from bench.inserted import insert


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="write nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "how-to", help="folder of custom.md (default docs/how-to)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = measured(STEPS)
    pictures = [] if options.print else draw(found, options.out / "custom")
    text = list(page.lines(found, pictures))
    if not options.print:
        insert(options.out / "custom.md", "dynamics", text)
    print("\n".join([*text, *page.verdicts(found)]))
    return int(page.unexplained(found))


def measured(steps: int) -> list[Compared]:
    """Every case in every width."""
    return [compare(case, width) for case in cases(steps) for width in WIDTHS]


if __name__ == "__main__":
    sys.exit(main())
