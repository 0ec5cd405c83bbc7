"""Random networks through C with the address and undefined behaviour sanitizers in it: the C folder's, and that of `fast`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from snn2hw.backends.c import folder as room
from snn2hw.backends.c import team
from snn2hw.backends.c.memory import Memory, memory, sums_elements
from snn2hw.backends.c.plan import state_types
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.native.compiler import compiler
from snn2hw.native.replay import Replay, replay
from snn2hw.trace import Ints, Trace
from tests.backends.c.driving import drive
from tests.backends.c.folders import SANITIZERS, random_network, sanitizers_run, texts, written
from tests.backends.c.test_words import behind_spikes, spikes_at_every_density
from tests.backends.c.widths import every_width, random_width
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.native.compiling import needs_compiler
from tests.random_networks import RECURRENT, reproducer

FLAGS = ["-std=c99", "-O1", "-march=native", "-DSNN_LAST_FIRST", *SANITIZERS.split()]
FIRST, FEW, MANY, MANY_RECURRENT = 5_000, 3, 300, 60
pytestmark = needs_compiler


@pytest.fixture(autouse=True)
def sanitizers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {SANITIZERS}")
    monkeypatch.setattr(team, "PART", 1)  # whatever can be divided is
    if not sanitizers_run(tmp_path_factory.getbasetemp() / "probe"):
        pytest.skip("the C compiler here has no sanitizers: install libasan and libubsan")


# payloads


def at_the_ends(net: IntegerNetwork, payloads: Ints, seed: int) -> Ints:
    """The payloads, and two samples of which every payload is the lowest or the highest, one of them the same at every step."""
    ends = [net.input.interval.lo, net.input.interval.hi]
    more = np.random.default_rng(seed).choice(ends, (payloads.shape[0], 2, *payloads.shape[2:]))
    more[:, 0] = more[0, 0]
    return np.concatenate([payloads, more.astype(np.int64)], axis=1)


# the C folder


def apart(net: IntegerNetwork, cut: str = "") -> tuple[Memory, str]:
    """Every value in an array of its own, so that one element too far is seen, and the declarations. `cut` loses one."""
    laid, pointers, sums, declared = memory(net), dict[str, str](), dict[str, str](), list[str]()
    for k, node in enumerate(net.nodes):
        if laid.pointers.get(node.name, "input") not in ("input", "readout"):
            pointers[node.name] = f"value_{k}"
            size = laid.values[node.name].steps * prod(node.shape) - (node.name == cut)
            declared.append(f"static {laid.values[node.name].type} value_{k}[{size}];")
        if isinstance(node, IntConv2d | IntLinear):
            sums[node.name] = f"sums_{k}"
            declared.append(f"static int32_t sums_{k}[{sums_elements(node, laid.values[node.inputs[0]])}];")
    states = {name: [f"state_{k}_{n}" for n in range(len(at))] for k, (name, at) in enumerate(laid.states.items())}
    for node in (n for n in net.neurons if n.name in states):
        for kind, name in zip(state_types(node), states[node.name], strict=True):
            declared.append(f"static {kind} {name}[{prod(node.shape)}];")
    return replace(laid, pointers={**laid.pointers, **pointers}, sums=sums, states=states), "\n".join(declared)


def replayed(folder: Path, net: IntegerNetwork, payloads: Ints, monkeypatch: pytest.MonkeyPatch, cut: str = "") -> Replay:
    laid, declared = apart(net, cut)
    monkeypatch.setattr(room, "memory", lambda *_: laid)
    files = texts(net, payloads)
    before, after = files["snn.c"].split('#include "weights.h"\n')
    files["snn.c"] = f'{before}#include "weights.h"\n{declared}\n{after}'
    return replay(written(folder, files))


def sweep_folders(seeds: range, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = 0
    for seed in seeds:
        if found := random_network(seed):
            net, payloads = found
            done = replayed(folder / str(seed), net, at_the_ends(net, payloads, seed), monkeypatch)
            assert done.equal, f"{reproducer(seed)}\n{done.report}"
            assert re.fullmatch(r"\d+ samples, \d+ readouts, 0 differ", done.report), f"{reproducer(seed)}\n{done.report}"
            ran += 1
    assert ran >= 2 / 3 * len(seeds)


def test_a_few_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_folders(range(FIRST, FIRST + FEW), tmp_path, monkeypatch)
    sweep_folders(range(RECURRENT, RECURRENT + 1), tmp_path / "recurrent", monkeypatch)


@pytest.mark.slow
def test_many_recurrent_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_folders(range(RECURRENT + 1, RECURRENT + MANY_RECURRENT), tmp_path, monkeypatch)


@pytest.mark.slow
def test_many_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_folders(range(FIRST + FEW, FIRST + MANY), tmp_path, monkeypatch)


def test_one_element_too_few_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = compiled(every_kind(), every_kind_sample()).network
    payloads = np.ones((3, 1, 1, 6, 6), np.int64)
    assert replayed(tmp_path / "whole", net, payloads, monkeypatch).equal
    short = replayed(tmp_path / "short", net, payloads, monkeypatch, cut="lnm")
    assert not short.equal
    assert re.search("insufficient space|AddressSanitizer: global-buffer-overflow", short.report)  # whichever sees it first


@pytest.mark.parametrize("lanes", [1, 4, 8])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_lists_of_active_inputs_and_vectors_stay_within_their_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lanes: int, bits: int
) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {SANITIZERS} -DSNN_LANES={lanes}")
    assert replayed(tmp_path / "c", behind_spikes(), spikes_at_every_density(), monkeypatch).equal
    assert replayed(tmp_path / "widths", every_width(bits), spikes_at_every_density(), monkeypatch).equal


@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 60), marks=pytest.mark.slow)], ids=["few", "many"])
def test_rows_of_random_widths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: range) -> None:
    ran = 0
    for seed in seeds:
        monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {SANITIZERS} -DSNN_LANES={(1, 4, 8)[seed % 3]}")
        net, payloads = random_width(seed)
        done = replayed(tmp_path / str(seed), net, payloads, monkeypatch)
        assert done.equal, f"random_width({seed})\n{done.report}"
        ran += "snn_lanes" in (tmp_path / str(seed) / "snn.c").read_text()
    assert ran >= 2 / 3 * len(seeds)


# the C of `fast`


def driven(folder: Path, net: IntegerNetwork, payloads: Ints, trace: Trace, still: bool, scratch: int = 0) -> str:
    """What the driver says of a network with the sanitizers in it. `scratch` bytes are added."""
    command = compiler()
    assert command is not None
    return drive(folder, net, payloads, trace, still, [*command, *FLAGS], scratch=scratch)


def sweep_fast(seeds: range, folder: Path) -> None:
    ran = 0
    for seed in seeds:
        if not (found := random_network(seed)):
            continue
        net, payloads = found[0], at_the_ends(*found, seed)
        still = net.input.static and seed % 2 == 0  # images, and stimuli that change, are two programs
        if still:
            same: npt.NDArray[np.bool_] = (payloads == payloads[:1]).all(axis=(0, *range(2, payloads.ndim)))
            payloads = payloads[:, same]
        said = driven(folder / str(seed), net, payloads, interpret(net, payloads), still)
        assert said == "exit code 0: 0 differ", f"{reproducer(seed)}\n{said}"
        ran += 1
    assert ran >= 2 / 3 * len(seeds)


def test_a_few_networks_of_fast(tmp_path: Path) -> None:
    sweep_fast(range(FIRST, FIRST + FEW), tmp_path)


@pytest.mark.slow
def test_many_networks_of_fast(tmp_path: Path) -> None:
    sweep_fast(range(FIRST + FEW, FIRST + MANY), tmp_path)


@pytest.mark.slow
def test_many_recurrent_networks_of_fast(tmp_path: Path) -> None:
    sweep_fast(range(RECURRENT, RECURRENT + MANY_RECURRENT), tmp_path)


def test_scratch_that_is_too_small_and_wrong_results_are_reported(tmp_path: Path) -> None:
    net = compiled(every_kind(), every_kind_sample()).network
    payloads = np.ones((3, 1, 1, 6, 6), np.int64)
    trace = interpret(net, payloads)
    assert "AddressSanitizer: heap-buffer-overflow" in driven(tmp_path / "a", net, payloads, trace, False, scratch=-256)
    trace.readout[0, 0] += 1
    assert driven(tmp_path / "b", net, payloads, trace, False) == "exit code 1: 8 differ"


def raced(folder: Path, net: IntegerNetwork, payloads: Ints, planted: Callable[[str], str] = str) -> str:
    """What the driver says with the sanitizer of threads in it, which does not know the matrix unit."""
    command = compiler()
    assert command is not None
    flags = ["-std=c99", "-O1", "-g", "-march=native", "-DSNN_NO_TILES", "-fsanitize=thread"]
    return drive(folder, net, payloads, interpret(net, payloads), False, [*command, *flags], planted=planted)


@pytest.mark.slow
def test_threads_on_one_sample_race_for_nothing(tmp_path: Path) -> None:
    ran = 0
    for seed in (*range(FIRST, FIRST + 8), *range(RECURRENT, RECURRENT + 2)):
        if found := random_network(seed):
            said = raced(tmp_path / str(seed), found[0], found[1][:, :2])
            assert said == "exit code 0: 0 differ", f"{reproducer(seed)}\n{said}"
            ran += 1
    assert ran >= 6


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["__ATOMIC_ACQUIRE", "__ATOMIC_RELEASE"])
def test_a_phase_that_begins_before_the_last_has_ended_is_reported(fault: str, tmp_path: Path) -> None:
    net = compiled(every_kind(), every_kind_sample()).network
    said = raced(tmp_path / "a", net, np.ones((3, 1, 1, 6, 6), np.int64), lambda text: text.replace(fault, "__ATOMIC_RELAXED"))
    assert "ThreadSanitizer: data race" in said
