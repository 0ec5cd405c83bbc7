"""Rich dynamics in integers and in floats: few steps of everything, and what the page says of numbers made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neurons are torch modules")

from bench.dynamics import page
from bench.dynamics.__main__ import measured
from bench.dynamics.cases import cases
from bench.dynamics.measure import WIDTHS, Compared, Run, Width, compare, median_rms_max
from bench.inserted import inserted

NAMES = ("Izhikevich, regular spiking", "Izhikevich, intrinsically bursting", "Izhikevich, chattering", "resonate-and-fire")


@pytest.fixture(scope="module")
def found() -> list[Compared]:
    """300 steps of the last two neurons, in the narrowest and the widest numbers."""
    return [compare(case, width) for case in cases(300)[2:] for width in (WIDTHS[0], WIDTHS[-1])]


@pytest.mark.slow
def test_spikes_of_all_neurons_are_those_of_the_float_model() -> None:
    found = measured(1000)
    assert [(c.case.name, c.width) for c in found] == [(n, w) for n in NAMES for w in WIDTHS]
    assert_near(found)


def test_spikes_of_the_integers_are_those_of_the_float_model(found: list[Compared]) -> None:
    assert_near(found)


def assert_near(found: list[Compared]) -> None:
    assert not page.unexplained(found)
    for c in found:
        assert max(c.floats.counts) >= 3, c.case.name
        if c.width == Width(24, 24):
            assert c.shift == 0
            assert c.count_errors == [0] * len(c.case.stimuli)
            assert c.together.all()
        assert median_rms_max(c.error[c.together])[0] < 1e-4


def test_the_float_run_is_the_published_equation(found: list[Compared]) -> None:
    """Euler's rule for Izhikevich 2003, in his units: mV and ms; with the parameters as float32 holds them."""
    a, b, c, d = (float(np.float32(p)) for p in (0.02, 0.2, -0.5, 0.02))
    run, case = next((c.floats, c.case) for c in found if c.case.name == NAMES[2])
    v, u = np.full(8, -65.0), np.full(8, -13.0)
    for t, (state, fired) in enumerate(zip(run.state, run.fired, strict=True)):
        current = 100.0 * case.weight * case.events[t, :, 0].numpy()
        v, u = v + 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + current), u + 0.5 * a * (b * v - u)
        spikes = v >= 30.0
        v, u = np.where(spikes, 100.0 * c, v), u + 100.0 * d * spikes
        assert np.array_equal(fired, spikes)
        np.testing.assert_allclose(100.0 * state, v, atol=1e-6)


def made(floats: list[list[int]], integers: list[list[int]], nudged: list[list[int]]) -> Compared:
    """Two stimuli that fire where the lists say."""

    def run(at: list[list[int]]) -> Run:
        fired = np.zeros((10, 2), dtype=bool)
        for n, steps in enumerate(at):
            fired[steps, n] = True
        return Run(fired.astype(float), fired)

    case = replace(cases(10)[0], stimuli=("weak", "strong"))
    return Compared(case, Width(16, 16), 0.5, run(floats), run(integers), (run(nudged), run(floats)))


def test_shifts_counts_and_errors() -> None:
    c = made([[2, 5], [1, 3]], [[2, 7], [1, 3]], [[2, 5], [1, 3]])
    assert (c.count_errors, c.own_errors, c.shift) == ([0, 0], [0, 0], 2)
    assert c.together.sum(0).tolist() == [5, 10]
    assert median_rms_max(c.error) == (0.0, pytest.approx((2 / 20) ** 0.5), 1.0)
    assert median_rms_max(c.error[c.together]) == (0.0, 0.0, 0.0)
    assert median_rms_max(c.error[:0]) == (0.0, 0.0, 0.0)
    assert not list(page.verdicts([c]))


def test_a_count_that_is_off_is_explained_by_floats_or_fails() -> None:
    lost = made([[2, 5, 7], []], [[2], []], [[2, 5, 7], []])
    assert list(page.verdicts([lost])) == ["Izhikevich, regular spiking, weak, 16 / 16 bits: -2 spikes; NOT EXPLAINED"]
    assert page.unexplained([lost])
    chaotic = made([[2, 5, 7], [4]], [[2], [4, 5]], [[5], [4]])
    assert not page.unexplained([chaotic])
    text = "\n".join(page.lines([chaotic], ["izhikevich.svg"]))
    assert "| Izhikevich, regular spiking | 16 / 16 | 4 | 3 | 2; 1 where floats agree with themselves | 0 steps |" in text
    assert "| 3 / 1 (1, 3) | 1 / 2 |" in text
    assert "![Float and integer trace of izhikevich](custom/izhikevich.svg)" in text


def test_a_part_of_a_page_is_replaced() -> None:
    text = "# A\n<!-- begin x -->\nold\n<!-- end x -->\nrest\n"
    assert inserted(text, "x", ["new"]) == "# A\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nrest\n"
    assert inserted(inserted(text, "x", ["a"]), "x", ["new"]) == inserted(text, "x", ["new"])
    for wrong in ("", text + text, "<!-- end x -->\n<!-- begin x -->\n"):
        with pytest.raises(ValueError, match="one part between <!-- begin x --> and <!-- end x -->"):
            inserted(wrong, "x", [])


def test_plots_are_small_and_say_what_they_show(found: list[Compared], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots are matplotlib's")
    from bench.dynamics.plots import draw

    names = draw(found, tmp_path)
    assert names == ["izhikevich.svg", "resonate_and_fire.svg"]
    for name in names:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert len(text) < 250_000
        assert all(label in text for label in ("integers, 16-bit states", "spikes, float", "24 / 24 bits", "error ["))
