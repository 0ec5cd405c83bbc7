"""One function for each kind of plot. Each draws on the axes that it is given, or on new ones, and returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.dynamics.maps import Maps, maps_of
from snn2hw.dynamics.portrait import portrait, shortened
from snn2hw.errors import MissingExtraError, UsageError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import declared_interval, values_of
from snn2hw.shown import meant, plain
from snn2hw.trace import Trace
from snn2hw.verification.accuracy import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 2001  # of the curve of an update
BINS = 64  # of a histogram
BUSIEST = 4  # neurons whose membrane is drawn where none are named


def raster(artefact: Artefact, trace: Trace, layer: str, sample: int = 0, ax: Axes | None = None) -> Axes:
    """What a layer fired: steps to the right, neurons upwards, the spike value as colour.

    Args:
        artefact: the compiled model. trace: of it, with spikes (`snn2hw.simulate`). layer: a neuron layer. sample: of the trace.
        ax: to draw on; new ones by default.

    Raises:
        UsageError: no such layer or sample, or a trace without spikes. MissingExtraError: matplotlib is not installed.
    """
    node = _layer(artefact, layer)
    fired = _of(trace.spikes, layer, sample).T * 2.0**-node.format.frac
    axes = new_axes(ax)
    most = max(1.0, float(np.abs(fired).max()))
    lowest = -most if fired.min() < 0 else 0.0
    drawn = axes.imshow(
        fired,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        vmin=lowest,
        vmax=most,
        cmap="RdBu_r" if lowest else "Greys",
    )
    axes.figure.colorbar(drawn, ax=axes, label="spike value")
    axes.set_xlabel("step")
    axes.set_ylabel("neuron, channel by channel")
    _title(axes, f"{layer}: {node.program.kind}, sample {sample}, rate {100 * np.mean(fired != 0):.1f} %")
    return axes


def membrane(
    artefact: Artefact,
    trace: Trace,
    layer: str,
    state: str | None = None,
    neurons: Sequence[int] | None = None,
    sample: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """A state of a few neurons after each step, with the range that it is held in, and thresholds where they are constants.

    Args:
        artefact, trace, layer, sample, ax: as in `raster`.
        state: its name; the first by default. neurons: numbers within the layer; the four that fire most by default.

    Raises:
        UsageError: besides, no such state or neuron.
    """
    node = _layer(artefact, layer)
    name = _state(node, state)
    declared = node.program.states[name]
    unit, held = 2.0**-declared.format.frac, declared_interval(declared)
    values = _of(trace.states, f"{layer}.{name}", sample) * unit
    fired = _of(trace.spikes, layer, sample)
    chosen = np.argsort(-np.count_nonzero(fired, axis=0), kind="stable")[:BUSIEST].tolist() if neurons is None else list(neurons)
    if not chosen or min(chosen) < 0 or max(chosen) >= values.shape[1]:
        raise UsageError(
            "there is no such neuron",
            where=layer,
            got=str(chosen)[:200],
            expected=f"0 to {values.shape[1] - 1}",
            do="name others",
        )
    axes, steps = new_axes(ax), np.arange(len(values))
    for neuron in chosen:
        (line,) = axes.plot(steps, values[:, neuron], label=f"neuron {neuron}")
        at = np.flatnonzero(fired[:, neuron])
        axes.plot(at, values[at, neuron], "^", color=line.get_color())
    for threshold in _thresholds(node):
        axes.axhline(threshold, color="0.5", ls="--", lw=1)
    for end in (held.lo, held.hi):
        axes.axhline(end * unit, color="0.8", lw=1)
    axes.set_xlabel("step")
    axes.set_ylabel(f"{name} after the step, real units")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="triangle: fired\ndashed: threshold\ngrey: range")
    _title(axes, f"{layer}: state {name}, {declared.format}, sample {sample}")
    return axes


def update_map(artefact: Artefact, layer: str, channel: int = 0, ax: Axes | None = None) -> Axes:
    """The state after a step without input over the state before it, real and in integers, with the line u' = u.

    Args:
        artefact, layer, ax: as in `raster`. channel: of the layer.

    Raises:
        UsageError: besides, no such channel, or a neuron that has no state, or several.
    """
    node, m = _maps(artefact, layer, channel)
    if len(m.states) != 1:
        raise UsageError(
            "an update is drawn of a neuron with one state", where=layer, got=", ".join(m.states) or "none", expected="one state",
            do="draw the phase portrait of two, snn2hw.plot.phase_portrait, or ask `snn2hw inspect --dynamics`",
        )  # fmt: skip
    (state,) = m.states
    raw = np.unique(np.linspace(*m.range(state), POINTS).astype(np.int64))
    u = np.asarray(raw * m.unit(state), np.float64)
    axes = new_axes(ax)
    axes.plot(u, u, color="0.8", label="u' = u")
    axes.plot(u, m.reals({state: u})[1][state], lw=3, alpha=0.4, color="C1", label="real")
    axes.plot(u, m.integers({state: raw})[1][state] * m.unit(state), lw=1, color="C0", label="integers")
    axes.set_xlabel(f"{state} before the step")
    axes.set_ylabel(f"{state} after the step, no input")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _title(axes, f"{layer}: {node.program.kind}, channel {channel}")
    return axes


def phase_portrait(artefact: Artefact, layer: str, channel: int = 0, ax: Axes | None = None) -> Axes:
    """Where a step without input takes the two states of a neuron, real and in integers, and paths of the integers.

    An arrow ends at the next state, or at the edge of its cell where a step goes further; a circle fires in that step.

    Args:
        artefact, layer, ax: as in `raster`. channel: of the layer.

    Raises:
        UsageError: besides, no such channel, or a neuron that has not two states.
    """
    node, m = _maps(artefact, layer, channel)
    found = portrait(m)
    if found is None:
        raise UsageError(
            "a phase portrait is of two states", where=layer, got=", ".join(m.states) or "none", expected="two states",
            do="draw the update of one, snn2hw.plot.update_map, or ask `snn2hw inspect --dynamics`",
        )  # fmt: skip
    axes = new_axes(ax, (7.0, 5.0))
    for path in found.paths:
        axes.plot(path[:, 0], path[:, 1], "-", color="0.8", lw=1, zorder=1)
    axes.plot([], [], "-", color="0.8", lw=1, label="paths of the integers")
    for ends, color, width, name in ((found.real, "C1", 0.006, "real"), (found.integers, "C0", 0.0025, "integers")):
        step = shortened(found, ends)
        axes.quiver(
            found.start[:, 0], found.start[:, 1], step[:, 0], step[:, 1], angles="xy", scale_units="xy", scale=1, color=color,
            width=width, alpha=0.5 if name == "real" else 1.0, label=name, zorder=2,
        )  # fmt: skip
    fires = found.start[found.fires]
    axes.plot(fires[:, 0], fires[:, 1], "o", mfc="none", color="C3", ms=5, label="fires", zorder=3)
    (one, other), (across, up) = found.states, found.ranges
    axes.set_xlim(*_wider(across))
    axes.set_ylim(*_wider(up))
    axes.set_xlabel(f"{one}, real units")
    axes.set_ylabel(f"{other}, real units")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _title(axes, f"{layer}: {node.program.kind}, channel {channel}, no input")
    return axes


def _wider(ends: tuple[float, float]) -> tuple[float, float]:
    more = 0.04 * (ends[1] - ends[0])
    return ends[0] - more, ends[1] + more


def _maps(artefact: Artefact, layer: str, channel: int) -> tuple[IntNeuron, Maps]:
    node = _layer(artefact, layer)
    if not 0 <= channel < max(1, node.shape[0]):
        raise UsageError(
            "there is no such channel",
            where=layer,
            got=str(channel),
            expected=f"0 to {node.shape[0] - 1}",
            do="choose one of these channels",
        )
    return node, maps_of(node, min(channel, node.program.channels - 1))


def histogram(artefact: Artefact, trace: Trace, layer: str, state: str | None = None, ax: Axes | None = None) -> Axes:
    """How often a state took which values, over all samples, steps and neurons, against its range.

    Args:
        artefact, trace, layer, ax: as in `raster`. state: its name; the first by default.
    """
    node = _layer(artefact, layer)
    name = _state(node, state)
    declared = node.program.states[name]
    unit, held = 2.0**-declared.format.frac, declared_interval(declared)
    values = trace.states.get(f"{layer}.{name}")
    if values is None:
        raise _no_trace(layer)
    axes = new_axes(ax)
    axes.hist((values * unit).ravel(), bins=BINS, range=(held.lo * unit, held.hi * unit), color="C0")
    ends = [100 * float(np.mean(values == end)) for end in (held.lo, held.hi)]
    axes.set_xlabel(f"{name}, real units")
    axes.set_ylabel("values")
    axes.set_yscale("log")
    _title(axes, f"{layer}: state {name}, {ends[0]:.2f} % at the lower bound, {ends[1]:.2f} % at the upper")
    return axes


def mismatch(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Of every layer the share of spike values that differ from the float model, and what of it begins in the layer.

    Args:
        evaluation: of `snn2hw.evaluate` with the float model. ax: as in `raster`.

    Raises:
        UsageError: it was made without the float model.
    """
    layers = {name: e for name, e in evaluation.layers.items() if e.spike_mismatch is not None}
    if not layers:
        raise UsageError(
            "nothing was compared with a float model", got="an evaluation without one", expected="spike_mismatch of some layer",
            do="evaluate with model=",
        )  # fmt: skip
    axes, places = new_axes(ax), np.arange(len(layers))
    axes.bar(places, [100 * (e.spike_mismatch or 0.0) for e in layers.values()], color="C0", label="differ")
    axes.bar(places, [100 * (e.own_mismatch or 0.0) for e in layers.values()], width=0.4, color="C1", label="begin here")
    axes.set_xticks(places, [plain(name) for name in layers], rotation=45, ha="right", parse_math=False)
    axes.set_ylabel("spike values [%]")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _title(axes, f"integers against float, {evaluation.samples} samples")
    return axes


def pareto(
    points: Mapping[str, tuple[float, float]],
    x: str,
    y: str,
    ax: Axes | None = None,
    *,
    x_lower: bool = True,
    y_lower: bool = False,
) -> Axes:
    """Named points, with a line through those that no other beats on both axes.

    Args:
        points: name -> (x, y). x, y: labels of the axes, with units. ax: as in `raster`.
        x_lower, y_lower: whether less is better.
    """
    axes = new_axes(ax)
    signs = np.array([1 if x_lower else -1, 1 if y_lower else -1])
    every = np.array(list(points.values()), np.float64).reshape(-1, 2)
    costs = every * signs
    best = [k for k, c in enumerate(costs) if not any((o <= c).all() and (o < c).any() for o in costs)]
    front = sorted(best, key=lambda k: every[k][0])
    axes.plot(every[:, 0], every[:, 1], "o", color="0.6")
    axes.plot(every[front, 0], every[front, 1], "o-", color="C0", label="not beaten on both axes")
    for name, (px, py) in points.items():
        axes.annotate(plain(name), (px, py), xytext=(4, 4), textcoords="offset points", fontsize=8, parse_math=False)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14))
    return axes


def new_axes(ax: Axes | None, size: tuple[float, float] = (7.0, 3.6)) -> Axes:
    """The axes that were given, else new ones of a size in inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report", "plots") from error
    made: Axes = Figure(figsize=size, layout="constrained").subplots()
    return made


def _title(axes: Any, text: str) -> None:
    axes.set_title(plain(text), fontsize=10, parse_math=False)


def _layer(artefact: Artefact, name: str) -> IntNeuron:
    known = {n.name: n for n in artefact.network.neurons}
    if name not in known:
        raise UsageError(
            "no neuron layer of this name",
            got=repr(name)[:200],
            expected=", ".join(known),
            do=meant(name, known) + "name one of these",
        )
    return known[name]


def _state(node: IntNeuron, name: str | None) -> str:
    states = list(node.program.states)
    chosen = states[0] if name is None and states else name
    if chosen not in states:
        raise UsageError(
            "no state of this name",
            where=node.name,
            got=repr(chosen)[:200],
            expected=", ".join(states) or "none",
            do="choose one of these states" if states else "choose a layer that has a state",
        )
    return str(chosen)


def _of(signals: Mapping[str, Any], name: str, sample: int) -> Any:
    """[T, neurons] of one sample."""
    if name not in signals:
        raise _no_trace(name)
    values = signals[name]
    if not 0 <= sample < values.shape[1]:
        raise UsageError(
            "there is no such sample",
            where=name,
            got=str(sample),
            expected=f"0 to {values.shape[1] - 1}",
            do="choose one of these samples",
        )
    return values[:, sample].reshape(len(values), -1)


def _no_trace(name: str) -> UsageError:
    return UsageError(
        "the trace holds only the readout", where=name, got="no spikes and no states", expected="a trace with both",
        do="simulate with traces=True",
    )  # fmt: skip


def _thresholds(node: IntNeuron) -> list[float]:
    """Those that hold for the whole layer and all steps, real units."""
    roles = node.program.roles
    if roles is None or roles.firing is None or roles.firing.counter is not None:
        return []
    constants = [node.program.by_name[t.constant] for t in roles.firing.thresholds]
    return [
        values_of(c)[0] * 2.0**-c.format.frac for c in constants if c.args == () and len(c.attrs) == 1 and len(values_of(c)) == 1
    ]
