"""The C folder compiles without a warning and replays its vectors; what is wrong is named."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c.folder import c_folder
from snn2hw.errors import ArtefactError, UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.replay import replay
from snn2hw.trace import Ints
from snn2hw.verification.stimuli import conformance_payloads
from snn2hw.version import __version__
from tests.backends.c.folders import random_network, texts, written
from tests.golden import Golden
from tests.hand_networks import compiled, every_kind, every_kind_sample, lif, one_neuron, sample_of
from tests.native.compiling import needs_compiler
from tests.random_networks import STEPPED
from tests.refused import refused

FILES = ["Makefile", "README.md", "main.c", "snn.c", "snn.h", "vectors.h", "weights.h"]
STRICT = "-Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wstrict-prototypes"
needs_make = pytest.mark.skipif(not (shutil.which("make") and shutil.which("cc")), reason="no make and cc here")


def small() -> tuple[IntegerNetwork, Ints]:
    real = one_neuron(lif("fire", "fc"))
    net = compiled(real).network
    return net, conformance_payloads(net, sample_of(real))


def images() -> tuple[IntegerNetwork, Ints]:
    net = compiled(every_kind(), every_kind_sample(8)).network
    return net, conformance_payloads(net, every_kind_sample(8))


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "CC", "CFLAGS")}  # `make test` runs this
    return subprocess.run(["make", *arguments], cwd=folder, env=own, capture_output=True, text=True, check=False)


@needs_compiler
def test_the_folder_of_a_small_network(golden: Golden, tmp_path: Path) -> None:
    files = texts(*small(), most=3)
    assert sorted(files) == FILES
    kept = [f"==== {name}\n{files[name].replace(__version__, 'VERSION')}" for name in FILES]
    golden("c_folder.txt", "\n".join(kept))
    assert replay(written(tmp_path / "c", files)).report == "3 samples, 6 readouts, 0 differ"


@needs_make
def test_its_makefile_builds_tests_and_cleans(tmp_path: Path) -> None:
    folder = written(tmp_path / "c", texts(*images()))
    done = make(folder, "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-std=c99 -O2 -Wall -Wextra -Werror -pedantic -c -o snn.o snn.c" in done.stdout
    assert done.stdout.splitlines()[-1] == "10 samples, 40 readouts, 0 differ"
    assert make(folder, "clean").returncode == 0
    assert sorted(p.name for p in folder.iterdir()) == FILES


@needs_make
def test_a_wrong_expectation_is_named(tmp_path: Path) -> None:
    files = texts(*images(), most=4)
    head, table = files["vectors.h"].split("vector_readout")
    lines = table.splitlines()
    wrong = lines[2].replace(lines[2].split(",")[1], " 12345", 1)
    files["vectors.h"] = f"{head}vector_readout" + "\n".join([*lines[:2], wrong, *lines[3:], ""])
    folder = written(tmp_path / "c", files)
    number = int(re.findall(r"vector_sample\[4\] = \{\n(.*)\n", files["vectors.h"])[0].split(",")[1])
    assert make(folder).returncode == 0
    done = subprocess.run([str(folder / "replay")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    first, last = done.stdout.splitlines()
    assert re.fullmatch(rf"sample {number}, class 1: got -?\d+, expected 12345", first)
    assert last.endswith("readouts, 1 differ")
    assert replay(folder).report == done.stdout.strip()


@needs_compiler
def test_strict_warnings_have_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {STRICT}")
    for name, case in {"small": small(), "images": images()}.items():
        assert replay(written(tmp_path / name, texts(*case))).equal


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="no zig here: pip install ziglang")
@pytest.mark.parametrize(
    "target",
    [pytest.param("", id="here"), pytest.param(" -target x86-linux-musl", id="32 bits", marks=pytest.mark.slow)],  # builds musl
)
def test_zig_builds_it(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """clang's warnings, and a build whose undefined behaviour traps."""
    if target and (platform.machine(), platform.system()) != ("x86_64", "Linux"):
        pytest.skip("programs of 32-bit x86 Linux do not run here")
    monkeypatch.setenv("SNN2HW_CC", f"{sys.executable} -m ziglang cc{target}")
    monkeypatch.setenv("SNN2HW_CFLAGS", "-O0 -Wconversion -Wsign-conversion -Wshadow")
    for name, case in {"small": small(), "images": images()}.items():
        assert replay(written(tmp_path / name, texts(*case))).equal


@needs_compiler
@pytest.mark.parametrize("count", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_random_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {STRICT}")
    cases = {
        seed: found
        for seed in (*range(2_100, 2_100 + 2 * count), *range(STEPPED, STEPPED + count))
        if (found := random_network(seed))
    }
    assert len(cases) >= 2 * count
    for seed, case in cases.items():
        done = replay(written(tmp_path / str(seed), texts(*case)))
        assert done.equal, f"python -m tests.random_networks {seed}\n{done.report}"


def test_there_is_nothing_of_one_compiler_or_one_machine_in_it(tmp_path: Path) -> None:
    for case in (small(), images()):
        files = texts(*case)
        code = "\n".join(text for name, text in files.items() if name.endswith((".c", ".h")))
        assert not re.findall(r"#\s*(?:if|elif|else|pragma)\b|__\w+__|_Alignas|intrin|_mm|malloc", code)
        assert set(re.findall(r"#include (.*)", files["snn.c"] + files["snn.h"] + files["weights.h"])) == {
            "<stdint.h>", "<string.h>", '"snn.h"', '"weights.h"',
        }  # fmt: skip
        assert all(text.isascii() for text in files.values())
        assert files == texts(*case)


def test_the_samples_are_spread_over_those_that_can_be_replayed() -> None:
    """A network of still images is replayed on stimuli that do not change over the steps."""

    def samples(case: tuple[IntegerNetwork, Ints], most: int) -> list[int]:
        (found,) = re.findall(r"vector_sample\[\d+\] = \{\n(.*?)\n\};", texts(*case, most=most)["vectors.h"], re.DOTALL)
        return [int(n) for n in found.split(",")]

    assert samples(images(), 1000) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert samples(images(), 4) == [0, 3, 6, 9]
    assert samples(images(), 1) == [0]
    total = small()[1].shape[1]
    assert samples(small(), 1000) == list(range(total))
    assert samples(small(), 2) == [0, total - 1]


def test_no_samples_are_refused() -> None:
    with refused(
        UsageError,
        """
        the C folder replays at least one sample
          got:      0
          expected: 1 or more
          do:       replay one sample or more (--vectors, vectors=)
        """,
    ):
        texts(*small(), most=0)


def test_vectors_that_all_change_are_refused() -> None:
    net, payloads = images()
    changing = payloads[:, 10:]
    assert (changing != changing[:1]).any()
    with refused(
        ArtefactError,
        f"""
        none of the vectors can be replayed in C
          got:      {changing.shape[1]} samples that change over the steps
          expected: one that is shown at every step, as the network's input is
          do:       compile the trained model again
        """,
    ):
        c_folder(net, "0" * 64, changing, np.zeros((changing.shape[1], 5), np.int64), 4)


def test_larger_objects_than_c99_promises_are_named() -> None:
    rng = np.random.default_rng(0)
    net = compiled(one_neuron(lif("fire", "fc"), rng.normal(0, 1, (300, 300)))).network
    readme = texts(net, conformance_payloads(net, sample_of(one_neuron(lif("fire", "fc"), np.ones((300, 300))))), 1)["README.md"]
    assert readme.endswith("C99 promises objects of 65,535 bytes; larger, in bytes, are: `weight_1` 90,000, `weight_3` 90,000.\n")
    assert "C99 promises" not in texts(*small())["README.md"]
