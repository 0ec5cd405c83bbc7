"""The C folder a step at a time: its runs are the reference's, for as many steps and streams as one likes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.replay import replay
from snn2hw.trace import Ints
from snn2hw.verification.stimuli import conformance_payloads
from tests.backends.c.folders import SANITIZERS, random_network, sanitizers_run, texts, written
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.native.compiling import needs_compiler
from tests.random_networks import STEPPED

STRICT = "-O1 -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wstrict-prototypes"

TWO_STREAMS = """
#include <stdio.h>
#include <string.h>

#include "snn.h"
#include "vectors.h"

/* All vectors at once, each a stream with a memory of its own, their steps in turns. */
int main(void)
{
    static snn_memory memory[VECTORS];
    static int32_t total[VECTORS][SNN_CLASSES], logits[SNN_CLASSES];
    int differing = 0;
    memset(memory, 0x5A, sizeof memory);
    for (int n = 0; n < VECTORS; ++n) snn_start(&memory[n]);
    for (int t = 0; t < SNN_STEPS; ++t)
        for (int n = 0; n < VECTORS; ++n) {
            snn_step(vector_input[n] + (SNN_INPUT == SNN_STEP_INPUT ? 0 : t * SNN_STEP_INPUT), logits, &memory[n]);
            for (int c = 0; c < SNN_CLASSES; ++c) total[n][c] = SUM ? total[n][c] + logits[c] : logits[c];
        }
    for (int n = 0; n < VECTORS; ++n)
        for (int c = 0; c < SNN_CLASSES; ++c) differing += total[n][c] != vector_readout[n][c];
    printf("%d samples, %d readouts, %d differ\\n", VECTORS, VECTORS * SNN_CLASSES, differing);
    return differing != 0;
}
"""


def cases(count: int) -> dict[int, tuple[IntegerNetwork, Ints]]:
    """Random networks, as many with recurrent edges as without."""
    seeds = (*range(2_300, 2_300 + count), *range(STEPPED + 40, STEPPED + 40 + count))
    return {seed: found for seed in seeds if (found := random_network(seed))}


@needs_compiler
@pytest.mark.parametrize("count", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_a_run_of_single_steps_is_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", STRICT)
    found = cases(count)
    assert len(found) >= count
    for seed, case in found.items():
        done = replay(written(tmp_path / str(seed), texts(*case, streaming=True)))
        assert done.equal, f"python -m tests.random_networks {seed}\n{done.report}"


@needs_compiler
@pytest.mark.parametrize("count", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_streams_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    images = compiled(every_kind(), every_kind_sample(8)).network
    for seed, (net, payloads) in {**cases(count), 0: (images, conformance_payloads(images, every_kind_sample(8)))}.items():
        monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 -DSUM={int(net.readout.kind == 'sum')}")
        files = texts(net, payloads, most=5, streaming=True)
        done = replay(written(tmp_path / str(seed), {**files, "main.c": TWO_STREAMS}))
        assert done.equal, f"python -m tests.random_networks {seed}\n{done.report}"


@needs_compiler
@pytest.mark.parametrize("count", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_stream_goes_on_beyond_the_steps_of_a_sample(tmp_path: Path, count: int) -> None:
    for seed, (net, payloads) in cases(count).items():
        if net.input.static:
            continue
        longer = replace(net, steps=3 * net.steps)
        again = np.concatenate([payloads, payloads[::-1], payloads])
        files = texts(longer, again, streaming=True)
        of_a_step = [text["snn.c"].partition("void snn_start(")[2] for text in (files, texts(net, payloads, streaming=True))]
        assert of_a_step[0] == of_a_step[1]  # nothing in it knows how many steps a sample has
        assert replay(written(tmp_path / str(seed), files)).equal, f"python -m tests.random_networks {seed}"


def test_memory_holds_one_step() -> None:
    """The default holds all steps of a layer, which grows with T."""
    net, payloads = next(iter(cases(1).values()))
    bytes_of = {}
    for steps in (net.steps, 8 * net.steps):
        many = replace(net, steps=steps)
        stimulus = np.resize(payloads, (steps, *payloads.shape[1:]))
        for streaming in (False, True):
            header = texts(many, stimulus, 1, streaming)["snn.h"]
            bytes_of[streaming, steps] = int(header.partition("#define SNN_MEMORY ")[2].split()[0])
    assert bytes_of[True, net.steps] == bytes_of[True, 8 * net.steps] < bytes_of[False, 8 * net.steps]


@pytest.mark.parametrize("streaming", [False, True])
def test_the_header_says_what_the_readout_is_and_what_a_run_leaves(streaming: bool) -> None:
    net, payloads = next(iter(cases(1).values()))
    for kind, said in (("sum", "the sum over the steps of the logits"), ("last", "the logit of the last step")):
        other = replace(net, nodes=(*net.nodes[:-1], replace(net.readout, kind=kind)))
        header = texts(other, payloads, 1, streaming)["snn.h"]
        assert f"readout[c] is {said} of class c;" in header
        assert ("Needs no setup, as it calls snn_start: a stream in the same memory is lost" in header) == streaming
        assert ("Needs no setup, keeps nothing." in header) == (not streaming)


def test_no_line_of_the_readme_is_long() -> None:
    """Rows of tables, paths and checksums apart."""
    net, payloads = next(iter(cases(1).values()))
    lines = texts(net, payloads, 1, streaming=True)["README.md"].splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith("|")] == []


@pytest.mark.slow
def test_sanitizers_have_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sanitizers_run(tmp_path / "probe"):
        pytest.skip("the compiler here has no sanitizers")
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 -g {SANITIZERS}")
    for seed, case in cases(30).items():
        assert replay(written(tmp_path / str(seed), texts(*case, streaming=True))).equal, (
            f"python -m tests.random_networks {seed}"
        )
