"""The C folder: what an embedded engineer compiles, with the vectors that show it right. Pure: text in, text out."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from snn2hw.backends.c.memory import POOLS, memory, of_a_step
from snn2hw.backends.c.neuron_code import constant_bytes, state_bytes
from snn2hw.backends.c.plan import type_bytes
from snn2hw.backends.c.portable import lanes_text, run_text, weight_arrays, weights_text
from snn2hw.backends.c.portable_sums import AT_ONCE
from snn2hw.backends.c.text import fragment, rows, table, template
from snn2hw.files.read import read_bytes
from snn2hw.files.record import Kind, is_regular
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.replay import FLAGS
from snn2hw.native.templates import filled
from snn2hw.simplification import simplified_network
from snn2hw.trace import Ints
from snn2hw.vectors import replayed
from snn2hw.version import __version__

WRITTEN = "/* Written by snn2hw"  # how snn.h begins, by which a folder is known as one of ours
NAMES = ("snn.h", "snn.c", "weights.h", "vectors.h", "main.c", "Makefile", "README.md")
MADE = ("replay", "snn.o", "main.o")  # by its Makefile
WORKED_IN = "What a run works in. It may hold anything before and holds nothing of use after."
LASTS = "Between two steps: what lasts, set by snn_start, and what a step works in."
READOUTS = {"sum": "the sum over the steps of the logits", "last": "the logit of the last step"}
ANEW = "as it calls snn_start: a stream in the same memory is lost, so give it one of its own."
OBJECT = 65_535  # bytes of an object that C99 promises (5.2.4.1)


def c_folder(
    net: IntegerNetwork, model: str, payloads: Ints, readout: Ints, most: int, streaming: bool = False
) -> dict[str, str]:
    """File name -> text; the same artefact gives the same text.

    Args:
        net: an integer network; its programs are simplified for C here.
        model: sha256 of model.onnx. payloads: [T, N, ...] and readout [N, classes] of vectors.npz.
        most: samples of these that are replayed, spread over all that can be.
        streaming: whether `snn_start` and `snn_step` take one step at a time, and `snn_run` calls them.

    Raises:
        UsageError: not even one sample asked for. ArtefactError: no sample is the same at every step where the input is.
        UnsupportedError: more memory than an int can count.
    """
    roles, net = {n.name: n.program.roles for n in net.neurons}, simplified_network(net)
    called = of_a_step(net) if streaming else net
    laid = memory(called, streaming)
    samples = replayed(net, payloads, most, "C")
    source, steps = laid.values[net.input.name], 1 if net.input.static else net.steps
    payload_rows = entering(steps, payloads[:, samples])
    (height, width), size = source.size, steps * prod(net.input.shape)
    arrays = weight_arrays(net)
    lanes = lanes_text(net)
    large = [f"`{name}` {n:,}" for name, n in arrays.items() if n > OBJECT] + ["`snn_memory`"] * (laid.size > OBJECT)
    values: dict[str, object] = {
        "VERSION": __version__,
        "SHA": model,
        "LAYOUT": _layout(net),
        "PAYLOAD": _payload(net),
        "TYPE": source.type,
        "STEPS": net.steps,
        "CHANNELS": source.channels,
        "HEIGHT": height,
        "WIDTH": width,
        "INPUT": size,
        "LO": net.input.interval.lo,
        "HI": net.input.interval.hi,
        "CLASSES": net.readout.shape[0],
        "POOLS": "\n".join(f"    {POOLS[bits]} w{bits}[{n}];" for bits, n in laid.pools.items()),
        "MEMORY": laid.size,
        "MEANS": LASTS if streaming else WORKED_IN,
        "READOUT": READOUTS[net.readout.kind],
        "KEEPS": ANEW if streaming else "keeps nothing.",
        "STREAMING": _streaming(net) if streaming else "",
        "BY_STEP": template("folder/stream.md") if streaming else "",
        "CONST": sum(arrays.values()) + sum(constant_bytes(n) for n in net.neurons),
        "GIVEN": size * type_bytes(source.type) + 4 * net.readout.shape[0],
        "STACK": max([state_bytes(n, AT_ONCE) for n in net.neurons], default=0) + streaming * 4 * net.readout.shape[0],
        "LANES": lanes,
        "IN_VECTORS": fragment("folder/lanes.md") if lanes else "",
        "RUN": run_text(called, laid, roles).removesuffix("\n"),
        "ARRAYS": weights_text(net),
        "COUNT": len(samples),
        "TOTAL": payloads.shape[1],
        "SAMPLES": table("static const int vector_sample", list(map(str, samples))),
        "PAYLOADS": rows(f"static const {source.type} vector_input", payload_rows),
        "READOUTS": rows("static const int32_t vector_readout", readout[samples]),
        "FLAGS": FLAGS,
        "LARGE": f"\nC99 promises objects of {OBJECT:,} bytes; larger, in bytes, are: {', '.join(large)}." if large else "",
    }
    says = {
        "snn.h": "the network's interface",
        "snn.c": "the network",
        "weights.h": "weights and biases, for snn.c",
        "vectors.h": "samples and what they must give, for main.c",
        "main.c": "the test",
    }
    head = f"{WRITTEN} {__version__} for the model {model[:16]}: "
    heads = {name: f"{head}{says.get(name, '')} */" for name in NAMES}
    return {name: filled(template(f"folder/{name}"), {**values, "HEAD": heads[name]}) for name in NAMES}


def entering(steps: int, payloads: Ints) -> Ints:
    """One row for each sample as `snn_run` reads it: step by step, channels last.

    Args:
        steps: that it reads, 1 where one stands for all in a still input. payloads: [T, N, ...].
    """
    channels_last = np.moveaxis(payloads[:steps], 2, -1)
    rows: Ints = np.moveaxis(channels_last, 1, 0).reshape(payloads.shape[1], -1)
    return rows


def _former(folder: Path) -> bool:
    """Whether a version that kept no checksums wrote this folder."""
    header = folder / "snn.h"
    return is_regular(header) and read_bytes(header).startswith(WRITTEN.encode())


C_FOLDER = Kind("C folder", frozenset({"snn.h", "snn.c"}), frozenset({*NAMES, *MADE}), edited=True, alone=True, former=_former)


def _streaming(net: IntegerNetwork) -> str:
    """What snn.h declares of single steps."""
    whole = "their sum" if net.readout.kind == "sum" else "the last"
    layout = "".join(f"[{n}]" for n in _axes(net).values())
    return fragment("folder/stream.h", step_input=prod(net.input.shape), step_layout=layout, whole=whole)


def _axes(net: IntegerNetwork) -> dict[str, int]:
    """Those of one step of a sample, channels last."""
    shape = net.input.shape
    if len(shape) == 3:
        return {"row": shape[1], "column": shape[2], "channel": shape[0]}
    return {"place": shape[1], "channel": shape[0]} if len(shape) == 2 else {"feature": shape[0]}


def _layout(net: IntegerNetwork) -> str:
    """How a sample lies in the array."""
    axes = _axes(net)
    axes = axes if net.input.static else {"step": net.steps, **axes}
    said = f"{', '.join(axes)}{', the same at every step' if net.input.static else ''}"
    return f"{''.join(f'[{n}]' for n in axes.values())}: {said}."


def _payload(net: IntegerNetwork) -> str:
    """What the integers are."""
    source = net.input
    if source.counts:
        return "A spike value is a number of events."
    return f"A spike value is floor(x / unit + 1/2) of a real x, with unit = {source.unit!r}."
