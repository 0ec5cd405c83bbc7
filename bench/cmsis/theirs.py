"""A layer in CMSIS-NN: compiled from a checkout that the user has, run on random int8, its outputs those of numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.cmsis.layers import Bytes, Kind, Layer, Theirs
from bench.commit import commit
from snn2hw.backends.c.text import table
from snn2hw.errors import ExecutorUnavailableError, UsageError
from snn2hw.estimation.emulated import Machine, compiled
from snn2hw.native.templates import template
from snn2hw.trace import Ints

ADDRESS = "https://github.com/ARM-software/CMSIS-NN"
HEADER = Path("Include", "arm_nnfunctions.h")
SOURCES = (
    "ConvolutionFunctions/*_s8*.c",
    "FullyConnectedFunctions/*_s8*.c",
    "NNSupportFunctions/*_s8*.c",
    "NNSupportFunctions/*q15*.c",
)
OPTIMISED = "-Ofast"  # as CMSIS-NN's own CMakeLists.txt has it
INPUT_OFFSET, OUTPUT_OFFSET = 128, 3  # the input is that of a layer behind a ReLU
SECTIONS = ("-ffunction-sections", "-fdata-sections")  # what the layer does not need is left out
SPREAD = 40.0  # standard deviation of the outputs, so that most lie within int8


def checkout(path: Path) -> Path:
    """The folder, once it is known to hold CMSIS-NN.

    Raises:
        UsageError: it does not.
    """
    if not (path / HEADER).is_file():
        raise UsageError(
            "the folder holds no CMSIS-NN",
            where=str(path),
            got="nothing" if not path.exists() else f"no {HEADER.as_posix()}",
            expected="a checkout of CMSIS-NN",
            do=f"git clone {ADDRESS} PATH, then python -m bench.cmsis PATH",
        )
    return path.resolve()


def version(path: Path) -> str:
    """The commit of a checkout; what is a copy without git has none that could be told."""
    return commit(path) if (path / ".git").exists() else "of unknown commit"


def run(layer: Layer, cpu: str, path: Path) -> Theirs:
    """A layer, in a buffer as large as CMSIS-NN asks for.

    Raises:
        ExecutorUnavailableError: no compiler, one that fails, or an output that is not what the layer has to give.
    """
    random = np.random.default_rng(0)
    weight = random.integers(-127, 128, (layer.outputs, layer.kernel, layer.kernel, layer.each))
    bias = random.integers(-1000, 1000, layer.outputs)
    x = random.integers(-128, 128, (layer.size, layer.size, layer.inputs))
    sums = summed(layer, x + INPUT_OFFSET, weight) + bias
    axes = None if layer.kind is Kind.LINEAR else (0, 1)  # one scale for all outputs, else one for each channel
    deviation = np.broadcast_to(sums.std(axis=axes), layer.outputs)
    fraction, exponent = np.frexp(SPREAD / deviation)
    multiplier, shift = np.round(fraction * 2**31).astype(np.int64), exponent.astype(np.int64)
    expected = np.clip(requantised(sums, multiplier, shift) + OUTPUT_OFFSET, -128, 127)
    laid_out = weight.transpose(3, 1, 2, 0) if layer.kind is Kind.DEPTHWISE else weight
    parameters = "".join(
        [
            *(f"#define {name} {value}\n" for name, value in _sizes(layer).items()),
            table("static const int8_t weight", list(map(str, laid_out.ravel().tolist()))),
            *(
                table(f"static const int32_t {name}", list(map(str, values.tolist())))
                for name, values in (("bias", bias), ("multiplier", multiplier), ("shift", shift))
            ),
        ]
    )
    asking = _machine(layer, cpu, path, parameters, "buffer", 0)
    told = asking.room(4)
    asking.run(told)
    buffer = int.from_bytes(asking.read(told, 4), "little")
    machine = _machine(layer, cpu, path, parameters, "layer", buffer)
    given, left, scratch = machine.room(x.size), machine.room(layer.neurons), machine.room(buffer)
    machine.write(given, x.astype(np.int8).tobytes())
    instructions = machine.run(given, left, scratch)
    got = np.frombuffer(machine.read(left, layer.neurons), np.int8).reshape(expected.shape)
    if (got != expected).any():
        raise ExecutorUnavailableError(
            "CMSIS-NN gives other outputs than numpy",
            where=f"{layer.name} on {cpu}", got=f"{int((got != expected).sum())} of {layer.neurons} that differ",
            expected="none", do="report it, with the commit of CMSIS-NN and the version of ziglang",
        )  # fmt: skip
    taken = Bytes(x.size + layer.neurons, 0, buffer, machine.stack, machine.flash - machine.code, machine.code)
    return Theirs(instructions, taken)


def _machine(layer: Layer, cpu: str, path: Path, parameters: str, entry: str, buffer: int) -> Machine:
    """A CPU with the layer, or with what asks how many bytes it works in."""
    main = template(Path(__file__).with_name(f"{layer.kind.value}.c"))
    sources = [str(source) for part in SOURCES for source in sorted((path / "Source").glob(part))]
    arguments = [OPTIMISED, "-w", *SECTIONS, f"-I{path / 'Include'}", f"-DBUFFER={buffer}", "main.c", *sources]
    return Machine(compiled("CMSIS-NN", cpu, entry, {"main.c": main, "parameters.h": parameters}, arguments))


def _sizes(layer: Layer) -> dict[str, int]:
    return {
        "INPUTS": layer.inputs,
        "OUTPUTS": layer.outputs,
        "KERNEL": layer.kernel,
        "SIZE": layer.size,
        "INPUT_OFFSET": INPUT_OFFSET,
        "OUTPUT_OFFSET": OUTPUT_OFFSET,
    }


def summed(layer: Layer, x: Ints, weight: Ints) -> Ints:
    """Sums [row][column][output] of inputs [row][column][input] with weights [output][row][column][input]."""
    beyond, size = layer.kernel // 2, layer.size
    padded = np.pad(x, ((beyond, beyond), (beyond, beyond), (0, 0)))
    total = np.zeros((size, size, layer.outputs), np.int64)
    for i in range(layer.kernel):
        for j in range(layer.kernel):
            seen = padded[i : i + size, j : j + size]
            total += seen * weight[:, i, j, 0] if layer.kind is Kind.DEPTHWISE else seen @ weight[:, i, j].T
    return total


def requantised(sums: Ints, multiplier: Ints, shift: Ints) -> Ints:
    """sums * multiplier * 2^(shift - 31), rounded twice as CMSIS-NN does: to nearest after the product, after the shift too.

    Halves go up after the product, away from zero after the shift.
    """
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    product: Ints = ((sums << left) * multiplier + (1 << 30)) >> 31
    half = (1 << right) >> 1
    rounded: Ints = np.sign(product) * ((np.abs(product) + half) >> right)
    return rounded
