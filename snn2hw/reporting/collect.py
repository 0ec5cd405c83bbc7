"""Everything that a report shows, as plain data: numbers, texts, lists and dictionaries."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import CERTIFICATE, Artefact
from snn2hw.diagnosis.result import Diagnosis
from snn2hw.dynamics.audit import audit
from snn2hw.dynamics.maps import Maps, maps_of
from snn2hw.dynamics.portrait import portrait, shortened
from snn2hw.estimation.estimate import Estimate
from snn2hw.files.read import read_bytes
from snn2hw.files.record import sha256
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Network
from snn2hw.ir.program_text import program_to_text
from snn2hw.layers import IntSynapse
from snn2hw.reporting.activity import activity, histograms
from snn2hw.reporting.digits import DRAWN, EVERY, significant
from snn2hw.shown import brief
from snn2hw.trace import Ints, Trace
from snn2hw.verification.accuracy import Evaluation
from snn2hw.verification.verdict import Verdict
from snn2hw.version import __version__

CURVE = 401  # states of the curve of an update
CURVES = 4  # channels of it
WEIGHT_BINS = 64


@dataclass(frozen=True, eq=False)
class Shown:
    """What is known of a model, and is shown.

    Args:
        payloads: [T, 1, ...] of each sample that is shown. x: the same, real. labels: classes of all samples.
        trace: of a batch of them. readout, float_readout: [N, classes] of all of them.
        real: the float network. evaluation, estimate, verdict, causes: as their functions return them.
        numbers: which samples are shown step by step. widths: of the surrogate gradient of each layer, one or one for each step.
    """

    artefact: Artefact
    payloads: Sequence[Ints]
    trace: Trace
    readout: npt.NDArray[Any]
    numbers: Sequence[int]
    x: Sequence[npt.NDArray[Any]] | None = None
    labels: npt.NDArray[Any] | None = None
    float_readout: npt.NDArray[Any] | None = None
    real: Network | None = None
    evaluation: Evaluation | None = None
    estimate: Estimate | None = None
    verdict: Verdict | None = None
    causes: Sequence[Diagnosis] = ()
    widths: Mapping[str, Sequence[float]] = field(default_factory=dict)

    __repr__ = brief


def collect(s: Shown, title: str, command: str) -> dict[str, Any]:
    """The data of the page.

    Args:
        s: what is known. title: of the page. command: that made it.
    """
    net, artefact = s.artefact.network, s.artefact
    known = {n.name: n for n in net.nodes}
    dynamics = audit(net)
    claims = {c["layer"]: c for c in _certificate(artefact).get("layers", [])}
    shapes = histograms(net, s.trace)
    layers = {n.name: _neuron(n, shapes[n.name], claims.get(n.name), dynamics.get(n.name), s) for n in net.neurons}
    nodes = [
        {
            "name": n.name, "kind": n.program.kind if isinstance(n, IntNeuron) else type(n).__name__.removeprefix("Int"),
            "inputs": list(n.inputs), "shape": list(n.shape), "format": str(n.format), "interval": [n.interval.lo, n.interval.hi],
            "source": n.source, "neuron": isinstance(n, IntNeuron),
            "weights": _weights(n, known[n.inputs[0]].shape) if isinstance(n, IntSynapse) else None,
        }
        for n in net.nodes
    ]  # fmt: skip
    shown = activity(net, s.payloads, s.real, s.x, s.numbers, artefact.scale)
    for each in shown:
        each["label"] = None if s.labels is None else int(s.labels[each["sample"]])
        each["prediction"] = int(np.argmax(s.readout[each["sample"]]))
        each["float_prediction"] = None if s.float_readout is None else int(np.argmax(s.float_readout[each["sample"]]))
    return {
        "title": title, "steps": net.steps, "target": net.target, "samples": len(s.readout), "scale": artefact.scale,
        "nodes": nodes, "layers": layers, "activity": shown, "confusion": _confusion(s),
        "evaluation": None if s.evaluation is None else s.evaluation.to_document(),
        "estimate": None if s.estimate is None else _estimate(s.estimate), "verdict": _verdict(s.verdict),
        "causes": [c.to_document() for c in s.causes],
        "warnings": list(artefact.manifest.get("warnings", [])), "provenance": _provenance(artefact, command),
    }  # fmt: skip


def _certificate(artefact: Artefact) -> Mapping[str, Any]:
    if artefact.folder is None or not (artefact.folder / CERTIFICATE).is_file():
        return {}
    found: Mapping[str, Any] = json.loads(read_bytes(artefact.folder / CERTIFICATE))
    return found


def _weights(node: IntSynapse, entering: tuple[int, ...]) -> dict[str, Any]:
    low, high = int(node.weight.min()), int(node.weight.max())
    counts, edges = np.histogram(node.weight, min(WEIGHT_BINS, high - low + 1), (low, high + 1))
    return {
        "number": node.weight.size, "zeros": node.weight.size - int(np.count_nonzero(node.weight)), "lo": low, "hi": high,
        "counts": counts.tolist(), "edges": edges.tolist(), "macs": node.macs(entering),
    }  # fmt: skip


def _neuron(node: IntNeuron, shapes: list[dict[str, Any]], claim: Any, dynamics: Any, s: Shown) -> dict[str, Any]:
    """One layer of neurons."""
    measured = None if s.evaluation is None else s.evaluation.layers.get(node.name)
    values, numbers = np.unique(s.trace.spikes[node.name], return_counts=True)
    return {
        "kind": node.program.kind, "source": node.source, "program": program_to_text(node.program), "states": shapes,
        "spikes": {"values": (values * 2.0**-node.format.frac).tolist()[:64], "counts": numbers.tolist()[:64]},
        "claim": None if claim is None else _claim(claim), "curves": _curves(node), "portraits": _portraits(node),
        "widths": list(s.widths.get(node.name, ())),
        "measured": None if measured is None else {k: v for k, v in asdict(measured).items() if v is not None},
        "dynamics": None if dynamics is None else {
            "findings": list(dynamics.findings), "channels": [_channel(c) for c in dynamics.channels[:CURVES]],
            "total": dynamics.total,
        },
    }  # fmt: skip


def _channel(c: Any) -> dict[str, Any]:
    ends = {
        name: [{"period": a.period, "low": dict(a.low), "high": dict(a.high), "basin": a.basin, "fires": a.fires,
                "bounds": list(a.bounds)} for a in found[:8]]
        for name, found in (("integers", c.integers), ("reals", c.reals))
    }  # fmt: skip
    points = [*map(str, c.fixed_points), *["and more"] * c.more_fixed_points]
    return {
        "channel": c.channel, **ends, "integer_ends": c.integer_ends, "real_ends": c.real_ends, "tried": c.tried,
        "all_states": c.all_states, "fixed_points": points, "escapes": c.escapes, "real_escapes": c.real_escapes,
    }  # fmt: skip


def _claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    """What is proved of a layer, in the words of `snn2hw check`."""
    acting = [{"name": k, **{part: c[part] for part in ("before", "bounds", "witness") if part in c}}
              for k, c in claim["clamps"].items() if c["acts"]]  # fmt: skip
    return {
        "widest_bits": claim["widest_bits"],
        "errors": claim["errors"],
        "clamps": acting,
    }


def _curves(node: IntNeuron) -> list[dict[str, Any]]:
    """The update without input over the state, real and in integers, of a neuron with one state."""
    found = []
    for channel in _picked(node):
        m = maps_of(node, channel)
        if len(m.states) == 1:
            found.append(_curve(m))
    return found


def _portraits(node: IntNeuron) -> list[dict[str, Any]]:
    """Where steps without input lead a neuron with two states."""
    found = (portrait(maps_of(node, channel)) for channel in _picked(node))
    return [
        {
            "channel": p.channel, "states": list(p.states), "ranges": [list(ends) for ends in p.ranges],
            "start": significant(p.start, DRAWN), "real": significant(shortened(p, p.real), DRAWN),
            "integers": significant(shortened(p, p.integers), DRAWN),
            "fires": np.flatnonzero(p.fires).tolist(), "paths": [significant(path, DRAWN) for path in p.paths],
        }
        for p in found if p is not None
    ]  # fmt: skip


def _picked(node: IntNeuron) -> list[int]:
    """Channels that are drawn."""
    channels: list[int] = np.unique(
        np.linspace(0, node.program.channels - 1, min(CURVES, node.program.channels)).astype(int)
    ).tolist()
    return channels


def _curve(m: Maps) -> dict[str, Any]:
    (state,) = m.states
    unit = m.unit(state)
    raw = np.unique(np.linspace(*m.range(state), CURVE).astype(np.int64))
    _, integers = m.integers({state: raw})
    _, reals = m.reals({state: np.asarray(raw * unit, np.float64)})
    off = integers[state] - reals[state] / unit
    return {
        "channel": m.channel, "state": state, "unit": unit, "u": significant(raw * unit, EVERY),
        "integer": significant(integers[state] * unit, EVERY), "real": significant(reals[state], EVERY),
        "off": significant(off, DRAWN),
    }  # fmt: skip


def _confusion(s: Shown) -> dict[str, Any] | None:
    """How often each class was taken for each, integers and float."""
    if s.labels is None or not np.issubdtype(s.labels.dtype, np.integer) or len(s.artefact.network.readout.places) > 1:
        return None
    classes = s.readout.shape[1]
    found: dict[str, Any] = {}
    for name, readout in (("integers", s.readout), ("float", s.float_readout)):
        if readout is not None:
            table = np.zeros((classes, classes), np.int64)
            inside = (s.labels >= 0) & (s.labels < classes)
            np.add.at(table, (s.labels[inside], np.argmax(readout, axis=1)[inside]), 1)
            found[name] = table.tolist()
    return found


def _estimate(e: Estimate) -> dict[str, Any]:
    def number(q: Any) -> Any:
        return None if q is None else {**asdict(q), "says": str(q)}

    return {
        "target": e.target, "says": e.says, "fits": e.fits, "reasons": list(e.reasons), "cores": e.cores, "chips": e.chips,
        "memory": {k: {**asdict(u), "share": u.share} for k, u in e.memory.items()}, "operations": dict(e.operations),
        "energy": number(e.energy_joules), "latency": number(e.latency_seconds), "relative_only": e.relative_only,
        "notes": list(e.notes), "not_public": list(e.not_public), "on": e.on,
        "layers": {k: {"operations": v.operations, "rate": v.rate, "energy": number(v.energy)} for k, v in e.layers.items()},
    }  # fmt: skip


def _verdict(v: Verdict | None) -> dict[str, Any] | None:
    if v is None:
        return None
    return {
        "equal": v.equal, "compared": dict(v.compared), "different": {k: v.different.get(k, 0) for k in v.compared},
        "not_run": dict(v.not_run), "differences": [f"{d}: {d.cause}" for d in v.differences],
    }  # fmt: skip


def _provenance(artefact: Artefact, command: str) -> dict[str, Any]:
    manifest = artefact.manifest
    said = {k: manifest[k] for k in ("options", "calibration", "origin", "packages", "trained_on_integers") if k in manifest}
    return {
        "model.onnx": sha256(artefact.model), "files": dict(manifest.get("files", {})),
        "compiled by snn2hw": manifest.get("snn2hw"), "reported by snn2hw": __version__, "machine": platform.platform(),
        "command": command, **said,
    }  # fmt: skip
