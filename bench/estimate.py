"""What estimates say, and what they can be held against: `python -m bench.estimate [--write]`, about five minutes.

targets      digits_lnm on every target, compiled for it where it can be
large        ResNet-18 and PilotNet on Loihi 2's public limits, and how long the estimate takes
neurobench   NeuroBench's harness on a snnTorch network and on its integers, key by key
held         what is published or measured elsewhere, beside the estimate
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

import snn2hw
from bench.inserted import insert
from bench.networks import NEURONS, WIDTHS, resnet18, settle
from snn2hw.artefact import Artefact
from snn2hw.errors import Snn2hwError
from snn2hw.estimation.estimate import Estimate, estimate
from snn2hw.estimation.quantity import Quantity
from snn2hw.runs import stimulus
from snn2hw.target import load_chip, target_names
from snn2hw.user_models import find_model

ROOT = Path(__file__).resolve().parent.parent
PAGE, SHARED = ROOT / "docs" / "how-to" / "estimate.md", ROOT.parent / "shared" / "data"
SAMPLES, STEPS, SIZE, PILOTNET_STEPS = 32, 4, 32, 24
Row = list[str]


def digits_on(target: str, folder: Path) -> tuple[Artefact, str, Any]:
    """digits_lnm compiled for a target, for the generic one where it cannot be; which it was; and test images."""
    found = find_model("digits_lnm")
    assert found.source is not None
    assert found.sample is not None
    images = found.source.test_data()[0][:SAMPLES].numpy()
    for name in (target, "generic"):
        try:
            made = snn2hw.compile(found.module, found.sample, found.steps, target=name, out=folder / f"{target}-{name}")
        except Snn2hwError:
            continue
        return made, name, images
    raise AssertionError("digits_lnm compiles for the generic target")


def targets() -> Iterator[Row]:
    """digits_lnm everywhere."""
    yield ["target", "compiled for", "fits", "cores", "energy of a sample", "latency"]
    with TemporaryDirectory() as folder:
        for name in target_names():
            artefact, made_for, images = digits_on(name, Path(folder))
            e = estimate(artefact, name, images)
            relative = " (relative)" * bool(e.relative_only and e.energy_joules)
            why = "yes" if e.fits else "not known" if e.fits is None else f"no: {e.reasons[0]}" + _more(e)
            cores = "" if e.cores is None else str(e.cores)
            yield [name, made_for, why, cores, _said(e.energy_joules) + relative, _said(e.latency_seconds)]


def _more(e: Estimate) -> str:
    return f"; and {len(e.reasons) - 1} more" if len(e.reasons) > 1 else ""


def _said(q: Quantity | None) -> str:
    return "not known" if q is None else str(q)


def resnet() -> tuple[Artefact, Any]:
    """ResNet-18 for 32 x 32 images with random weights, and one image."""
    import torch

    from bench.learned import give_learned_polynomials
    from snn2hw import nn

    torch.manual_seed(0)
    model, images = resnet18(NEURONS["LNM"], WIDTHS), torch.rand(4, 3, SIZE, SIZE)
    give_learned_polynomials(model)
    settle(model, nn.repeat(images, STEPS), 10)
    return snn2hw.compile(model, images[:1].numpy(), STEPS, target="loihi2"), images[:1].numpy()


def pilotnet(out: Path | None = None) -> tuple[Artefact, Any]:
    """Intel's PilotNet, as it was trained, and the frame that was recorded with it; compiled into a folder where one is named."""
    folder = SHARED / "pilotnet_lif"
    frame = np.load(folder / "image.npy").transpose(2, 1, 0)[None].astype(float)  # [W, H, C] -> [1, C, H, W]
    network = snn2hw.read_network(folder / "network.net", steps=PILOTNET_STEPS)
    return snn2hw.compile(network, frame, target="loihi2", out=out), frame


def large() -> Iterator[Row]:
    """Networks of another size."""
    yield ["network", "neurons", "weights kept once", "fits loihi2", "cores", "spikes between cores", "at least", "seconds"]
    networks: Mapping[str, Callable[[], tuple[Artefact, Any]]] = {
        f"ResNet-18, T = {STEPS}": resnet,
        f"PilotNet, T = {PILOTNET_STEPS}": pilotnet,
    }
    for name, make in networks.items():
        artefact, samples = make()
        stimulus(artefact, samples)
        estimate(artefact, "generic", samples)  # what the executor compiles is not the estimate
        before = perf_counter()
        e = estimate(artefact, "loihi2", samples)
        seconds = perf_counter() - before
        neurons = sum(int(np.prod(layer.shape)) for layer in e.layers.values() if layer.rate is not None)
        bits = e.memory["weights, kernels once"].used
        m = e.mapping
        sent = ["", ""] if m is None else [f"{m.spikes_between_cores:,.0f}", f"{m.fewest:,.0f}"]
        fits = "yes" if e.fits else f"no: {e.reasons[0]}" + _more(e)
        yield [name, f"{neurons:,}", f"{bits / 8 / 1024:,.0f} KiB", fits, str(e.cores or ""), *sent, f"{seconds:.1f}"]


def neurobench() -> Iterator[Row]:
    """The harness on both."""
    import torch
    from neurobench.models import SNNTorchModel

    from snn2hw.ir.encode import encode
    from snn2hw.neurobench import IntegerModel
    from tests.estimation.test_neurobench import KEYS, Loop, Net, harness, ours

    torch.manual_seed(0)
    net, x = Net(), (torch.rand(64, 10, 20) < 0.3).float()
    theirs = harness(SNNTorchModel(net), x)
    artefact = snn2hw.compile(Loop(net), x.transpose(0, 1), steps=10)
    integers = harness(IntegerModel(artefact), x)
    counted = ours(artefact, encode(artefact.network, x.transpose(0, 1).numpy()))
    yield ["key", "snnTorch network", "its integers", "`snn2hw.estimate`"]
    for key in KEYS:
        cells = [found[key] for found in (theirs, integers, counted)]
        if isinstance(cells[0], dict):
            yield from ([f"{key}.{part}", *(f"{c[part]:,.3f}" for c in cells)] for part in cells[0])
        else:
            yield [key, *(f"{c:,.4f}" if isinstance(c, float) else f"{c:,}" for c in cells)]


def held() -> Iterator[Row]:
    """Cycles that the generator expects against those that Verilator counts."""
    from snn2hw.backends.reference import interpret
    from snn2hw.backends.rtl.estimate import Activity, latency
    from snn2hw.backends.rtl.executor import Rtl
    from snn2hw.backends.rtl.folding import fastest
    from snn2hw.backends.rtl.options import of_fpga

    yield ["network on ecp5-85k", "cycles expected", "Verilator, mean of 8 samples", "ratio"]
    fpga = load_chip("ecp5-85k").fpga
    assert fpga is not None
    for name in ("digits_lnm", "mnist_lif", "mnist_cf", "nmnist_cnn"):
        found = find_model(name)
        assert found.source is not None
        artefact = snn2hw.compile(found.module, found.sample, found.steps)
        given = found.source.test_data()[0]
        given = given[:8] if artefact.network.input.static else given[:, :8]
        payloads = stimulus(artefact, given.numpy())
        activity = Activity.of(artefact.network, payloads, interpret(artefact.network, payloads))
        chosen = fastest(artefact.network, of_fpga(fpga), activity, 100.0)
        back_end = Rtl()
        back_end.folding = chosen.folding
        machine = back_end.made(artefact, artefact.network.input.static)
        alone = [float(machine.run(payloads[:, n : n + 1], False, threads=1).cycles.mean()) for n in range(payloads.shape[1])]
        expected = latency(chosen.design, activity)
        yield [name, f"{expected:,.0f}", f"{np.mean(alone):,.0f}", f"{np.mean(alone) / expected:.2f}"]


TABLES: Mapping[str, Callable[[], Iterator[Row]]] = {"targets": targets, "large": large, "neurobench": neurobench, "held": held}


def main() -> None:
    """Print every table; with --write put it into docs/how-to/estimate.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/how-to/estimate.md")
    parser.add_argument("--only", choices=TABLES, help="one table")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, make in TABLES.items():
        if given.only not in (None, name):
            continue
        rows = list(make())
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
        print(f"\n{name}\n" + "\n".join(lines), flush=True)
        if given.write:
            insert(PAGE, name, lines)


if __name__ == "__main__":
    main()
