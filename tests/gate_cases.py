"""What is no input of a network, and every way in which somebody could hand it to an executor.

python -m tests.gate_cases      prints how many ways x kinds were tried, how many were accepted, and how many ended raw
"""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import snn2hw
from snn2hw import api
from snn2hw.artefact import VECTORS, Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.errors import Snn2hwError
from snn2hw.files.write import write_npz
from snn2hw.passes.findings import LossWarning
from snn2hw.trace import read_npz
from tests.hand_networks import counts, lif, linear, network, readout

REAL = (  # numbers within the range, of whatever type: as samples nothing is wrong with them
    "whole floats", "float16", "bool", "bfloat16", "a float8 tensor", "a sparse tensor of floats", "a tensor with a gradient",
)  # fmt: skip
STEPS, FEATURES, TOP = 3, 4, 255
Way = Callable[[Artefact, Any], object]


def event_counts(folder: Path | None = None) -> Artefact:
    """T = 3, four inputs from 0 to 255, in a folder where one is given."""
    weight = np.array([[0.5, -0.25, 0.125, 0.25], [0.25, 0.5, -0.5, 0.125]])
    net = network(STEPS, counts(FEATURES, hi=TOP), linear("fc", "input", weight), lif("fire", "fc"), readout("fire"))
    with warnings.catch_warnings():  # what the samples are matters here, not that such counts saturate the layer
        warnings.simplefilter("ignore", LossWarning)
        return snn2hw.compile(net, good(), out=folder)


def good(samples: int = 2) -> Any:
    return np.random.default_rng(0).integers(0, TOP + 1, (STEPS, samples, FEATURES))


def _with(value: Any, dtype: Any = np.int64) -> Any:
    x = good().astype(dtype)
    x[1, 0, 2] = value
    return x


def _masked(x: Any) -> Any:
    return np.ma.masked_greater(x, 100)


def bad_arrays() -> dict[str, Any]:
    """What a file can hold, by what is wrong with it; as payloads."""
    x = good()
    fields = np.zeros((STEPS, 2, FEATURES), np.dtype([("a", np.int64), ("b", np.int64)]))
    return {
        "above the range": _with(300), "below the range": _with(-1), "one above it": _with(TOP + 1),
        "far above it": _with(2**62), "the least integer": _with(-(2**63)), "uint64 beyond int64": _with(2**64 - 12, np.uint64),
        "twice the steps": np.concatenate([x, x]), "a step less": x[1:], "one step": x[:1], "no steps": x[:0],
        "samples first": good(5).swapaxes(0, 1), "a feature more": np.concatenate([x, x], 2), "a feature less": x[..., 1:],
        "an axis more": x[..., None], "an axis less": x[0], "one number": np.array(7), "nothing": np.array([]),
        "no samples": x[:, :0], "fractions": x + 0.5, "whole floats": x.astype(np.float64), "float16": x.astype(np.float16),
        "NaN": _with(np.nan, np.float64), "Inf": _with(np.inf, np.float32), "bool": x > 100, "complex": x.astype(np.complex64),
        "strings": x.astype(str), "times": x.astype("datetime64[s]"), "fields": fields, "bytes": x.astype("S4"),
    }  # fmt: skip


def bad_objects() -> dict[str, Any]:
    """What only Python can hand over."""
    x = good()
    large = x.astype(object)
    large[0, 0, 0] = 2**70
    found: dict[str, Any] = {
        "masked": _masked(x), "a list of masked": [_masked(x[t]) for t in range(STEPS)], "None": None, "a word": "x",
        "a dictionary": {"payloads": x}, "a ragged list": [[[1, 2], [3]], [4]], "objects": x.astype(object),
        "an integer beyond int64": large, "a set": {1, 2}, "an empty list": [], "a function": good, "an iterator": iter(x),
    }  # fmt: skip
    try:
        import torch
    except ModuleNotFoundError:
        return found
    t = torch.from_numpy(x).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own: both are on their way out
        quantised, nested = torch.quantize_per_tensor(t, 1.0, 0, torch.quint8), torch.nested.nested_tensor([t[0], t[1]])
    return found | {
        "a meta tensor": t.to("meta"), "a quantised tensor": quantised, "a float8 tensor": t.to(torch.float8_e4m3fn),
        "a conjugate": torch.complex(t, t).conj(), "a negated part": torch.complex(t, t).conj().imag, "bfloat16": t.bfloat16(),
        "a sparse tensor of floats": t.to_sparse(), "a tensor with a gradient": t.requires_grad_(),
        "a nested tensor": nested,
    }  # fmt: skip


def bad_samples() -> dict[str, Any]:
    """As samples: of any type, so whole floats, booleans and dense tensors of them are no faults."""
    cases = {**bad_arrays(), **bad_objects()}
    return {name: x for name, x in cases.items() if name not in REAL}


def payload_ways() -> Iterator[tuple[str, Way]]:
    """By which payloads enter an executor."""
    for name, executor in {**EXECUTORS, **SIDE_EXECUTORS}.items():
        yield f"simulate_payloads({name})", lambda a, x, name=name: api.simulate_payloads(a, x, name)
        yield f"{name}.run", executor.run
        yield f"{name}.run(traces=False)", partial(_without_traces, executor)


def _without_traces(executor: Any, artefact: Artefact, x: Any) -> object:
    return executor.run(artefact, x, traces=False)


def file_ways() -> Iterator[tuple[str, Way]]:
    """By which payloads of a file enter one: the conformance vectors of an artefact's folder."""
    yield "verify's vectors", _from_vectors(lambda a: api.verify(a, executors=("reference", "onnx-reference")))
    yield "simulate's vectors", _from_vectors(lambda a: api.stimulus(a, None))
    yield "vectors of the C export", _from_vectors(lambda a: api.export_c(a, vectors=1))


def _from_vectors(use: Callable[[Artefact], object]) -> Way:
    def way(artefact: Artefact, x: Any) -> object:
        assert artefact.folder is not None
        path = artefact.folder / VECTORS
        kept = path.read_bytes()
        try:
            write_npz(path, {**read_npz(path), "payloads": x})
            return use(artefact)
        finally:
            path.write_bytes(kept)

    return way


def sample_ways() -> Iterator[tuple[str, Way]]:
    """By which samples enter one."""
    for name in EXECUTORS:
        yield f"simulate({name})", lambda a, x, name=name: api.simulate(a, x, name)
        yield f"simulate({name}, iterator)", lambda a, x, name=name: api.simulate(a, iter([good(), x]), name)
    yield "verify", lambda a, x: api.verify(a, x, ("reference", "onnx-reference"))
    yield "verify(iterator)", lambda a, x: api.verify(a, iter([x]), ("reference", "onnx-reference"))
    yield "stimulus", lambda a, x: api.stimulus(a, _not_none(x))


def _not_none(x: Any) -> Any:
    return np.array(None) if x is None else x  # without samples these take the stored vectors


def attempts() -> Iterator[tuple[str, str, Way, Any]]:
    """(way, what is wrong, the way, what is handed over), all of them."""
    for name, way in payload_ways():
        yield from ((name, kind, way, x) for kind, x in {**bad_arrays(), **bad_objects()}.items())
    for name, way in file_ways():
        yield from ((name, kind, way, x) for kind, x in bad_arrays().items() if kind != "times")
    for name, way in sample_ways():
        allowed = ("None", "an iterator") if name == "verify" else ("an iterator",)
        yield from ((name, kind, way, x) for kind, x in bad_samples().items() if kind not in allowed)


def outcome(artefact: Artefact, way: Way, x: Any) -> str:
    """'refused' with all that a user needs, or what happened instead."""
    try:
        way(artefact, x)
    except Snn2hwError as error:
        lacking = [part for part in ("what", "where", "got", "expected", "do") if not getattr(error, part)]
        return f"a message without {', '.join(lacking)}" if lacking else "refused"
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return f"raw {type(error).__name__}: {error}"
    return "accepted"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        artefact = event_counts(Path(folder) / "net")
        tried = [(way, kind, outcome(artefact, use, x)) for way, kind, use, x in attempts()]
    ways, kinds = {way for way, _, _ in tried}, {kind for _, kind, _ in tried}
    found = Counter("raw" if o.startswith("raw") else o for _, _, o in tried)
    for way, kind, what in tried:
        if what != "refused":
            print(f"{way}: {kind}: {what}")
    print(f"{len(ways)} ways into an executor, {len(kinds)} kinds of bad input, {len(tried)} tries:")
    print(f"{found['refused']} refused, {found['accepted']} accepted, {found['raw']} raw")


if __name__ == "__main__":
    main()
