"""`python -m bench.budget`: whether the widths that an error budget proposes keep the accuracy; of docs/how-to/explore.md.

A small network for Fashion-MNIST (that of bench.scale) is trained; the budget is made on training images that it was not
trained on; then the network is trained on its integers with all weights in 8 bits and with those of the proposal, from the same
start and for as long, and both are measured on all 10,000 test images.

Fashion-MNIST is read from ../shared/data/real/fashion_mnist.npz, or the file that --data names.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import snn2hw
from bench.scale import DATA, STEPS, TRAINED, train, trained

MEASURED = 1_000  # images that the budget is made on
RATE = 5e-4
SEEDS = (0, 1, 2)


def images(data: Path, start: int, stop: int) -> tuple[Any, Any]:
    """Training images and their classes."""
    with np.load(data) as given:
        x, y = given["x_train"][start:stop], given["y_train"][start:stop].astype(np.int64)
    return (x.reshape(-1, 1, 28, 28) / 255).astype(np.float32), y


def on_integers(model: Any, data: Path, sample: Any, layer_bits: dict[str, int], epochs: int, seed: int) -> snn2hw.Artefact:
    """The network with these widths, trained on its integers."""
    import torch

    from snn2hw import nn
    from snn2hw.quantize import prepare

    torch.manual_seed(seed)
    prepared = prepare(model, sample, steps=STEPS, options=snn2hw.Options(layer_bits=layer_bits))
    x, y = (torch.as_tensor(each) for each in images(data, 0, TRAINED))
    adam = torch.optim.Adam(prepared.parameters(), RATE)
    for epoch in range(epochs):
        for group in adam.param_groups:
            group["lr"] = RATE * (1 - epoch / epochs)
        for at in torch.split(torch.randperm(TRAINED), 100):
            loss = torch.nn.functional.cross_entropy(prepared(nn.repeat(x[at], STEPS)).mean(0), y[at])
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
    return snn2hw.compile(prepared.eval(), sample)


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--folder", type=Path, default=Path("build/scale"))
    said.add_argument("--data", type=Path, default=DATA)
    said.add_argument("--memory", type=float, default=0.6)
    said.add_argument("--epochs", type=int, default=3)
    said.add_argument("--seeds", type=int, default=len(SEEDS))
    given = said.parse_args()
    if not (given.folder / "weights.pt").is_file():
        train(given.folder, given.data)
    model, sample = trained(given.folder), np.load(given.folder / "sample.npy")
    x, y = images(given.data, TRAINED, TRAINED + MEASURED)
    start = perf_counter()
    found = snn2hw.budget(model, x, y, steps=STEPS, sample=sample, memory=given.memory)
    seconds = perf_counter() - start
    (given.folder / "budget.json").write_text(json.dumps(found.to_document(), indent=1))
    p = found.proposal
    print(f"budget on {found.samples} images in {seconds:.0f} s: {dict(p.layer_bits)}, {100 * p.share:.1f} % of the bits")
    print(f"untrained, on those images: {100 * p.accuracy:.2f} %, with 8 bits {100 * p.uniform:.2f} %", flush=True)
    test, labels = np.load(given.folder / "x.npy"), np.load(given.folder / "y.npy")
    rows: dict[str, list[float]] = {"8 bits": [], "mixed": []}
    for seed in SEEDS[: given.seeds]:
        for name, widths in (("8 bits", {}), ("mixed", dict(p.layer_bits))):
            artefact = on_integers(model, given.data, sample, widths, given.epochs, seed)
            rows[name].append(100 * (snn2hw.evaluate(artefact, test, labels).accuracy or 0))
            print(f"seed {seed}, {name}: {rows[name][-1]:.2f} % of the test images", flush=True)
    for name, widths in (("8 bits", {}), ("mixed", dict(p.layer_bits))):
        artefact = snn2hw.compile(model, sample, STEPS, options=snn2hw.Options(layer_bits=widths))
        print(f"{name}, untrained: {100 * (snn2hw.evaluate(artefact, test, labels).accuracy or 0):.2f} % of the test images")
    lost = np.mean(rows["8 bits"]) - np.mean(rows["mixed"])
    print(f"mean: 8 bits {np.mean(rows['8 bits']):.2f} %, mixed {np.mean(rows['mixed']):.2f} %: {lost:.2f} points lost")


if __name__ == "__main__":
    main()
