"""Plots show the numbers that they are given, on the axes that they are given, with a label on every axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw import plot
from snn2hw.artefact import Artefact
from snn2hw.errors import MissingExtraError, UsageError
from snn2hw.ir.network import Current, Network
from snn2hw.trace import Trace
from tests.hand_networks import artefact_of, counts, lif, linear, network, readout
from tests.small_networks import two_layer_network

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def made() -> tuple[Artefact, Network, Any, Trace]:
    network, images = two_layer_network()
    artefact = snn2hw.compile(network, images, steps=3)
    return artefact, network, images, snn2hw.simulate(artefact, images)


def labelled(axes: Any) -> None:
    assert axes.get_xlabel() or axes.get_xticklabels()
    assert axes.get_ylabel()
    axes.figure.canvas.draw()
    legend = axes.get_legend()
    if legend is not None:  # it hides no data
        assert not legend.get_window_extent().overlaps(axes.get_window_extent().shrunk(0.999, 0.999))


def test_a_raster_is_the_spikes(made: tuple[Artefact, Network, Any, Trace]) -> None:
    artefact, _, _, trace = made
    axes = plot.raster(artefact, trace, "lnm", sample=5)
    (image,) = axes.get_images()
    assert image.get_array().tolist() == trace.spikes["lnm"][:, 5].reshape(3, -1).T.tolist()
    labelled(axes)
    assert [a.get_ylabel() for a in axes.figure.axes][-1] == "spike value"
    assert plot.raster(artefact, trace, "cf", ax=axes) is axes


def test_a_membrane_is_the_state_in_real_units(made: tuple[Artefact, Network, Any, Trace]) -> None:
    artefact, _, _, trace = made
    node = next(n for n in artefact.network.neurons if n.name == "lnm")
    axes = plot.membrane(artefact, trace, "lnm", neurons=[7], sample=2)
    unit = 2.0 ** -node.program.states["u"].format.frac
    assert axes.get_lines()[0].get_ydata().tolist() == (trace.states["lnm.u"][:, 2].reshape(3, -1)[:, 7] * unit).tolist()
    levels = {round(float(line.get_ydata()[0]), 3) for line in axes.get_lines()[2:]}
    assert 1.0 in levels  # the threshold
    labelled(axes)
    assert len(plot.membrane(artefact, trace, "cf").get_legend().get_texts()) == 4


def test_a_phase_portrait_of_two_states() -> None:
    net = network(
        2, counts(1), linear("fc", "input", [[1.0]]), lif("n", "fc", current=Current(np.array([0.75]), (-2.0, 2.0))),
        linear("out", "n", [[1.0], [-1.0]]), readout("out"),
    )  # fmt: skip
    artefact = artefact_of(net, np.ones((2, 3, 1)))
    axes = plot.phase_portrait(artefact, "n")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["paths of the integers", "real", "integers", "fires"]
    assert "real units" in axes.get_xlabel()
    labelled(axes)
    with pytest.raises(UsageError, match="phase portrait of two"):
        plot.update_map(artefact, "n")


def test_updates_histograms_and_mismatches(made: tuple[Artefact, Network, Any, Trace]) -> None:
    artefact, network, images, trace = made
    axes = plot.update_map(artefact, "lnm")
    real, integers = (line.get_ydata() for line in axes.get_lines()[1:3])
    assert np.median(np.abs(real - integers)) < 2e-4
    labelled(axes)
    axes = plot.histogram(artefact, trace, "lnm")
    assert sum(p.get_height() for p in axes.patches) == trace.states["lnm.u"].size
    labelled(axes)
    found = snn2hw.evaluate(artefact, images, model=network)
    axes = plot.mismatch(found)
    assert axes.patches[0].get_height() == pytest.approx(100 * (found.layers["lnm"].spike_mismatch or 0))
    labelled(axes)


def test_a_front_has_the_points_that_no_other_beats() -> None:
    points = {"a": (1.0, 0.5), "b": (2.0, 0.9), "c": (3.0, 0.8), "d": (4.0, 0.95)}
    axes = plot.pareto(points, "bytes", "accuracy")
    assert axes.get_lines()[1].get_xdata().tolist() == [1.0, 2.0, 4.0]
    assert plot.pareto(points, "bytes", "error", y_lower=True).get_lines()[1].get_xdata().tolist() == [1.0]
    labelled(axes)


def test_what_there_is_not(made: tuple[Artefact, Network, Any, Trace], monkeypatch: pytest.MonkeyPatch) -> None:
    artefact, _, images, trace = made
    readout = snn2hw.simulate(artefact, images, traces=False)
    wrong: list[tuple[Any, str]] = [
        (lambda: plot.raster(artefact, trace, "conv"), "no neuron layer of this name"),
        (lambda: plot.raster(artefact, trace, "lnm", sample=12), "there is no such sample.*\n  do: .*one of these samples"),
        (lambda: plot.raster(artefact, readout, "lnm"), "the trace holds only the readout"),
        (lambda: plot.histogram(artefact, readout, "lnm"), "the trace holds only the readout"),
        (lambda: plot.membrane(artefact, trace, "lnm", state="v"), "no state of this name.*\n  do: .*one of these states"),
        (lambda: plot.membrane(artefact, trace, "lnm", neurons=[144]), "there is no such neuron"),
        (lambda: plot.update_map(artefact, "lnm", channel=4), "there is no such channel.*\n  do: .*these channels"),
        (lambda: plot.phase_portrait(artefact, "lnm"), "a phase portrait is of two states"),
        (lambda: plot.mismatch(snn2hw.evaluate(artefact, images)), "nothing was compared with a float model"),
    ]
    for call, says in wrong:
        with pytest.raises(UsageError, match=f"(?s){says}"):
            call()
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="plots needs the package 'matplotlib'"):
        plot.raster(artefact, trace, "lnm")
