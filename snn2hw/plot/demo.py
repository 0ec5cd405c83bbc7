"""The two pictures of the demo: what the integers do to the learned polynomial, and one neuron over time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret, step
from snn2hw.files.seal import BLANK
from snn2hw.files.write import write_file
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Delay, Network, Neuron, Node, Reals
from snn2hw.ir.program import declared_interval
from snn2hw.ir.real import neuron_step, run_real
from snn2hw.shown import plain
from snn2hw.trace import Ints

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_plots(real: Network, artefact: Artefact, payloads: Ints, sample: Any, folder: Path) -> list[Path]:
    """Write update.png and activity.png; returns their paths. Needs matplotlib.

    Args:
        real: the float network that was compiled. artefact: what became of it, drawn beside it. folder: gets both files.
        `payloads`: [T, 1, ...] of one sample; sample: the same in real units.
    """
    from matplotlib.figure import Figure

    pictures = {
        "update.png": _updates(Figure, real, artefact.network),
        "activity.png": _activity(Figure, real, artefact.network, payloads, sample),
    }
    for name, figure in pictures.items():
        png = io.BytesIO()
        figure.savefig(png, dpi=110, format="png")
        write_file(folder / name, png.getvalue() + BLANK, sealing=True)
    return [folder / name for name in pictures]


def _updates(figure_class: type[Figure], real: Network, net: IntegerNetwork) -> Figure:
    """Per neuron layer: next state over state without input, float and integer, and their distance in state LSBs."""
    pairs = _pairs(real, net)
    figure = figure_class(figsize=(4.2 * len(pairs), 5.6), layout="constrained")
    axes = figure.subplots(2, len(pairs), squeeze=False, sharex="col", height_ratios=(2, 1))
    for (above, below), (neuron, node) in zip(axes.T, pairs, strict=True):
        roles = node.program.roles
        assert roles is not None  # as of every neuron that was lowered from one of the float network
        state = node.program.states[roles.state]
        bounds, lsb = declared_interval(state), 2.0**-state.format.frac
        raw = np.unique(np.linspace(bounds.lo, bounds.hi, 4001).astype(np.int64))
        channels = node.program.channels
        u = np.broadcast_to(raw, (1, channels, len(raw))).copy()
        at_rest = {name: np.zeros_like(u) for name in node.program.states}
        _, states = step(node.program, np.zeros_like(u), {**at_rest, state.name: u})
        after = states[state.name][0]
        _, wanted = neuron_step(neuron, u * lsb, np.zeros(u.shape))
        for channel in range(min(len(neuron.coefficients), 6)):
            above.plot(
                raw * lsb, wanted[0, channel], lw=3, alpha=0.35, color=f"C{channel}", label="float" if channel == 0 else None
            )
            above.plot(
                raw * lsb,
                after[channel] * lsb,
                lw=1,
                color=f"C{channel}",
                label="integer" if channel == 0 else None,
            )
            distance = after[channel] - wanted[0, channel] / lsb
            near = np.abs(distance) < abs(bounds.lo) // 64  # at a threshold one may fire and the other not
            below.plot(raw[near] * lsb, distance[near], ".", ms=1, color=f"C{channel}")
        above.set_title(plain(f"{node.name}: {node.program.kind}, u {state.format}"), parse_math=False)
        above.grid(alpha=0.3)
        below.grid(alpha=0.3)
        below.set_xlabel("state u before the step")
    axes[0][0].set_ylabel("state after the step, x = 0")
    axes[0][0].legend()
    axes[1][0].set_ylabel("integer - float\n[state LSB]")
    return figure


def _activity(figure_class: type[Figure], real: Network, net: IntegerNetwork, payloads: Ints, sample: Any) -> Figure:
    """Spike values of every layer over the steps, integer and float, for one sample."""
    seen: dict[str, list[Reals]] = {}

    def keep(node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        if isinstance(node, Delay | Neuron):
            seen.setdefault(node.name, []).append(value)

    run_real(real, np.asarray(sample, np.float64), keep)
    trace = interpret(net, payloads)
    figure = figure_class(figsize=(11, 2.3 * len(net.neurons)), layout="constrained")
    axes = figure.subplots(len(net.neurons), 1, squeeze=False)[:, 0]
    for axis, node in zip(axes, net.neurons, strict=True):
        integer = trace.spikes[node.name].reshape(net.steps, -1) * 2.0**-node.format.frac
        by_float = np.stack(seen[node.name]).reshape(net.steps, -1)
        limit = max(1.0, float(np.abs(integer).max()))
        axis.imshow(integer, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        wrong = np.argwhere(integer != by_float)
        axis.plot(wrong[:, 1], wrong[:, 0], "kx", ms=4)
        axis.set_title(
            plain(f"{node.name}: spike values of one sample; {len(wrong)} of {integer.size} differ from the float model (x)"),
            fontsize=9,
            parse_math=False,
        )
        axis.set_ylabel("step")
        axis.set_yticks(range(net.steps))
    axes[-1].set_xlabel("neuron (channel-major)")
    return figure


def _pairs(real: Network, net: IntegerNetwork) -> list[tuple[Neuron, IntNeuron]]:
    polynomials = {n.name: n for n in real.neurons if isinstance(n, Neuron)}
    return [(polynomials[n.name], n) for n in net.neurons if n.name in polynomials]
