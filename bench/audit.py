"""What the audit of dynamics finds of a network that trains badly: `python -m bench.audit [--write]`.

An LNM of degree 3 on spoken digits (FSDD, T = 20, two hidden layers of 128) is trained with the default recipe, and with other
values of its `range_penalty`. Beside each other: accuracy, the share of the membranes of test samples that sit at a bound of
their range, and what `snn2hw inspect --dynamics` says of the layers without having seen a sample.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import numpy as np
import torch

import snn2hw
from bench.custom import fsdd
from bench.inserted import insert
from snn2hw import nn, train
from snn2hw.artefact import Artefact
from snn2hw.dynamics.audit import audit
from snn2hw.ir.program import declared_interval

STEPS, WIDTH, SEED = 20, 128, 0
PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "dynamics.md"


def samples(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """[N, T, bands]: every second of 40 frames, and labels."""
    x, y = fsdd.load(split)
    return x[:, ::2][:, :STEPS], y


def network() -> torch.nn.Module:
    """As a user writes it: neurons with their own defaults."""
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Linear(fsdd.BANDS, WIDTH), nn.BatchNorm1d(WIDTH), nn.LNM(degree=3),
        nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.LNM(degree=3),
        nn.Linear(WIDTH, 10),
    )  # fmt: skip


def at_bounds(artefact: Artefact, x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Of each layer, the share of membranes at an end of their range, over all steps of the samples."""
    trace = snn2hw.simulate(artefact, x, executor="auto")
    for node in artefact.network.neurons:
        for name, state in node.program.states.items():
            held = declared_interval(state)
            found = trace.states[f"{node.name}.{name}"]
            yield node.name, float(np.mean((found == held.lo) | (found == held.hi)))


def shown(lines: Iterable[str]) -> list[str]:
    """What was printed, as a block of the page that nobody is told to run."""
    return ["<!-- not run: half a minute of training; the command above prints it -->", "", "```text", *lines, "```"]


def main() -> None:
    """Train, compile, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="write docs/explanation/dynamics.md")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    (x, y), (test, labels) = samples("train"), samples("test")
    default = train.Recipe(epochs=given.epochs)
    lines: list[str] = []
    penalties = {"range_penalty=0": 0.0, "the default, range_penalty=0.1": 0.1, "range_penalty=1": 1.0}
    for says, penalty in penalties.items():
        fitted = train.fit(network(), (x, y), recipe=replace(default, range_penalty=penalty), device="cpu", progress=False)
        model = fitted.model.eval()
        lines.append(f"{says}: float accuracy {100 * train.evaluate(model, (test, labels)):.1f} %")
        artefact = snn2hw.compile(model, x[:256].transpose(0, 1))
        shares = dict(at_bounds(artefact, test.transpose(0, 1).numpy()))
        for name, layer in audit(artefact.network).items():
            (c,) = layer.channels[:1]
            points = ", ".join(f"{', '.join(f'{u:.3g}' for u in p.coordinates)} (slope {p.slope:.2f})" for p in c.fixed_points)
            lines.append(f"  layer {name}: {100 * shares[name]:.1f} % of the membranes of test samples are at a bound")
            lines.append(f"    fixed points {points}")
            lines += [f"    {line}" for said in layer.findings for line in wrap(said, 94)]
    print("\n".join(lines))
    if given.write:
        insert(PAGE, "audit", shown(lines))


if __name__ == "__main__":
    main()
