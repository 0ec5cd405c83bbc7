"""Trains the residual network on CIFAR-10: python models/cifar_small/train.py [--neuron cf|lif|lnm] [--out FOLDER].

Three trainings, each of which goes on where it was killed: of the weights, with a clamp in place of neurons and one step;
of the network at T = 4; and of its integers, in 8 and in 4 bits. After each it prints the accuracy on the test split.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

import snn2hw
from snn2hw import quantize, train
from snn2hw.data import augment
from snn2hw.files.write import write_file
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent
HELD_OUT, CALIBRATION = 5000, 64  # images: validation, and those that scales are taken of
FEW = 4000  # images of an epoch on integers

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_training  # noqa: E402
from beginnings import begin_with  # noqa: E402
from exit_codes import exit_code  # noqa: E402

MOVED = augment.Chain((augment.RandomCrop(4), augment.Flip(), augment.Cutout(8))).batch
WEIGHTS = train.Recipe(
    epochs=44, batch=128, optimiser="sgd", learning_rate=0.1, weight_decay=5e-4, warmup=0.2, label_smoothing=0.05, clip=None,
    amp="bf16", augment=MOVED, guard="off", drop_last=True,
)  # fmt: skip
NEURONS = train.Recipe(
    epochs=2, batch=100, learning_rate=5e-4, weight_decay=1e-4, label_smoothing=0.05, amp="bf16", augment=MOVED, drop_last=True
)
# Epochs at T = 4, and images of one: there each costs eight times as much as with a clamp. Circulate firing sends what the
# clamp let through, but for the steps; the others send at most one spike a step, and have more to learn.
SPIKING = {"cf": (2, 20000), "lif": (5, 45000), "lnm": (5, 45000)}
INTEGERS = replace(NEURONS, epochs=1, learning_rate=2e-4, amp="off")
BITS = (8, 4)

Data = tuple[Tensor, Tensor]


class Once(torch.nn.Module):
    """The network, whose first layer is computed once for all steps of an image that does not move."""

    def __init__(self, model: torch.nn.Sequential) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Logits [T, N, classes] of [T, N, ...], the same at every step."""
        still = self.model[0](images[:1])
        logits: Tensor = self.model[1:](still.expand(len(images), *still.shape[1:]))
        return logits


def run(arguments: list[str]) -> None:
    """Train, say what every training reaches on the test split, and write the weights of floats and of integers.

    Raises:
        DataError: the data are not there. CheckpointError: the folder holds another training.
    """
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    images, labels = source.train_data()
    used = images[:-HELD_OUT], labels[:-HELD_OUT]
    held = images[-HELD_OUT:], labels[-HELD_OUT:]
    with train.seeded(options.seed):
        begun, model = source.build("clamp").to(memory_format=torch.channels_last), source.build(options.neuron)
    recipe = WEIGHTS if options.epochs is None else replace(WEIGHTS, epochs=options.epochs)
    train.fit(begun, used, held, steps=1, recipe=recipe, seed=options.seed, out=options.out / "clamp")
    begin_with(model, begun.to(memory_format=torch.contiguous_format))
    tests = source.test_data()
    print(f"clamp: {train.evaluate(begun, tests, 1):.4f} of {len(tests[1])}", flush=True)
    folder, steps = options.out / options.neuron, source.STEPS
    epochs, some_of_them = SPIKING[options.neuron]
    some, check = (used[0][:some_of_them], used[1][:some_of_them]), (held[0][:1000], held[1][:1000])
    recipe = replace(NEURONS, epochs=epochs)
    train.fit(Once(model), some, check, steps=steps, recipe=recipe, seed=options.seed, out=folder / "floats")
    print(f"floats: {train.evaluate(model.eval(), tests, steps):.4f} of {len(tests[1])}", flush=True)
    write_file(folder / "weights.safetensors", save(model.state_dict()), force=True)
    shown = images[:CALIBRATION]
    for bits in BITS:
        widths = replace(source.OPTIONS, weight_bits=bits)
        print(f"integers of {bits} bits, of these floats: {_integers(model, shown, widths, tests):.4f}", flush=True)
        prepared = quantize.prepare(model, shown, steps=steps, options=widths)
        out = folder / f"integers-{bits}"
        train.fit(prepared, (used[0][-FEW:], used[1][-FEW:]), steps=steps, recipe=INTEGERS, seed=options.seed, out=out)
        trained = source.build(options.neuron)
        trained.load_state_dict(model.state_dict())
        recorded_training.deployed(trained, prepared)
        write_file(folder / f"weights-{bits}.safetensors", save(trained.state_dict()), force=True)
        print(f"integers of {bits} bits, trained on: {_integers(trained, shown, widths, tests):.4f}", flush=True)
        print(f"their weights as floats: {train.evaluate(trained, tests, steps):.4f}", flush=True)


def _integers(model: torch.nn.Module, shown: Tensor, widths: snn2hw.Options, tests: Data) -> float:
    artefact = snn2hw.compile(model, shown, source.STEPS, options=widths)
    trace = snn2hw.simulate(artefact, tests[0], traces=False)
    return float((trace.predictions == tests[1].numpy()).mean())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train cifar_small. Interrupted or killed, the same command goes on.")
    add = parser.add_argument
    add("--out", type=Path, default=Path("build/cifar_small"), help="folder of checkpoints and weights (default %(default)s)")
    add("--neuron", default="cf", choices=[name for name in source.NEURONS if name != "clamp"], help="(default cf)")
    add("--epochs", type=int, help=f"of the weights, with a clamp in place of neurons (default {WEIGHTS.epochs})")
    add("--seed", type=int, default=0, help="of weights, order and augmentation")
    return parser


def main() -> int:
    """The command line; exit code 0, 2 after an error's message, 130 where it was interrupted."""
    return exit_code(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
