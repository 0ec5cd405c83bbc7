"""A browser draws every part of a page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from snn2hw.artefact import Artefact
from snn2hw.ir.network import Network
from tests.reporting.pages import data_of

TABS = ("Summary", "Network", "Layers", "Activity", "Causes", "Proof", "Cost", "Provenance")
SAID = {  # one name for a layer everywhere, as messages have it
    "Summary": "<td>lnm (LNM)</td>", "Network": ">lnm (LNM)  [", "Layers": "<h2>lnm (LNM)</h2>",
    "Activity": "layer lnm (LNM): firing rate ",
    "Causes": "<h3>layer lnm (LNM): ", "Proof": "<h3>layer lnm (LNM)</h3>", "Cost": "<td>lnm (LNM)</td>",
}  # fmt: skip


@pytest.mark.slow
def test_a_phase_portrait_draws_itself_in_a_browser(two_states: Path, tmp_path: Path) -> None:
    part = opened(two_states, "Layers", tmp_path).split('data-name="Layers">')[1].split("<section")[0]
    assert 'aria-label="phase portrait without input, channel 0"' in part
    assert 'aria-label="width of the surrogate gradient"' in part
    (named,) = re.findall(r"<h2>(1 \(\w+\))</h2>", part)
    assert part.count(named) == 1  # its source says the same
    (c, *_) = data_of(two_states)["layers"]["1"]["dynamics"]["channels"]
    assert f"integers, from {c['tried']:,} of {c['all_states']:,} states" in part


@pytest.mark.slow
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_draws_itself_in_a_browser(made: tuple[Artefact, Network, Any, Path], tmp_path: Path, tab: str) -> None:
    shown_page = opened(made[3], tab, tmp_path)
    shown = re.findall(r'<section data-name="(\w+)"(?: hidden="")?>', shown_page)
    assert shown == list(TABS)
    (open_,) = re.findall(r'<section data-name="(\w+)">', shown_page)
    assert open_ == tab
    part = shown_page.split(f'data-name="{tab}">')[1].split("<section")[0]
    assert len(re.sub(r"<[^>]*>", "", part)) > 100
    assert SAID.get(tab, "") in part
    assert "not public" not in part  # the target is generic: it has no secrets


@pytest.mark.slow
def test_the_neuron_whose_states_are_shown_beside_the_float_models_is_chosen(
    made: tuple[Artefact, Network, Any, Path], tmp_path: Path
) -> None:
    """The one farthest off first; then the second of them, of which the page is told as by a hand."""
    (first, *_) = data_of(made[3])["activity"]
    found = first["layers"]["lnm"]["membranes"]
    (state,) = found["apart"]
    numbers = [m["neuron"] for m in found["neurons"]]
    other = next(k for k, n in enumerate(numbers) if n != found["apart"][state]["neuron"])
    choice = "document.querySelector('select[aria-label=\"neuron of lnm\"]')"
    for chosen, neuron in (("", found["apart"][state]["neuron"]), (f"choice.selectedIndex = {other};", numbers[other])):
        script = (
            f"<script>const choice = {choice}; {chosen} choice.dispatchEvent(new Event('change'));</script>" if chosen else ""
        )
        page = tmp_path / "chosen.html"
        page.write_text(made[3].read_text(encoding="utf-8") + script, encoding="utf-8")
        part = opened(page, "Activity", tmp_path).split('data-name="Activity">')[1].split("<section")[0]
        assert f'aria-label="state {state} of neuron {neuron}"' in part
        assert f'aria-label="state {state}: integers minus float model"' in part
        assert "float model, dashed" in part
        assert 'stroke-dasharray="4 3"' in part


def opened(page: Path, tab: str, folder: Path) -> str:
    """The page as a browser has drawn it."""
    browser = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
    if browser is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={folder}", "--enable-logging=stderr",
             "--virtual-time-budget=4000", "--dump-dom"]  # fmt: skip
    done = subprocess.run([browser, *flags, f"file://{page}#{tab}"], capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    return done.stdout
