"""`python -m bench.run --avx2`: the process begins again with what holds libraries to AVX2, or it says why it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from snn2hw.backends.fast.executor import Fast
from snn2hw.errors import UsageError

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}"),
]


def test_flags_of_the_user_stay_and_what_is_there_is_not_set_again() -> None:
    from bench.avx2 import missing

    there = {"SNN2HW_CFLAGS": "-O1 -mno-avxvnni"}
    found = missing(there)
    assert found["SNN2HW_CFLAGS"] == "-O1 -mno-avxvnni -mno-avx512f -DSNN_NO_TILES"
    assert set(found) == {"SNN2HW_CFLAGS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS"}
    assert missing(there | found) == {}


def test_the_process_begins_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import avx2

    calls: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *given: calls.append(given))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "bench.run", "--avx2"])
    for name in (*avx2.VARIABLES, "SNN2HW_CFLAGS"):
        monkeypatch.delenv(name, raising=False)
    avx2.begin_again()
    ((program, command, environment),) = calls
    assert (program, command) == (sys.executable, [sys.executable, "-m", "bench.run", "--avx2"])
    assert environment["PATH"] == os.environ["PATH"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    avx2.begin_again()
    assert len(calls) == 1


def test_with_the_variables_both_sides_keep_to_avx2() -> None:
    """In a process of its own, for libraries read them while they are imported."""
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        pytest.skip("no x86 processor with AVX2")
    code = "from bench import avx2; avx2.begin_again(); print(avx2.limited()['instructions'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("at most AVX2 for the generated C and PyTorch")


def test_what_is_not_held_to_avx2_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import avx2
    from bench.ceilings import PATHS

    monkeypatch.setattr(avx2, "instructions", lambda: PATHS[4])
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    with pytest.raises(UsageError) as raised:
        avx2.limited()
    assert str(raised.value) == (
        "this run is not limited to AVX2\n"
        "  got:      the generated C: AVX-512 + VNNI (vpdpbusd, 512 bits); PyTorch: AVX512\n"
        "  expected: the generated C: AVX2 (vpmaddubsw, vpaddw); PyTorch: AVX2\n"
        "  do:       start it as `python -m bench.run --avx2`, on an x86 processor that has AVX2"
    )


def test_other_parts_than_the_networks_are_refused() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    from bench.run import main

    with pytest.raises(UsageError) as raised:
        main(["--avx2", "--only", "networks", "layers"])
    assert str(raised.value) == (
        "--avx2 measures the networks alone\n"
        "  got:      --only networks layers\n"
        "  expected: --only networks\n"
        "  do:       leave --only out"
    )


@pytest.mark.parametrize(
    ("used", "wider"),
    [
        (1, "AVX-512 + VNNI (512 bits), AVX-VNNI (256 bits)"),
        (2, "AVX-512 + VNNI (512 bits)"),
        (4, ""),
    ],
)
def test_the_page_says_which_products_are_not_used(monkeypatch: pytest.MonkeyPatch, used: int, wider: str) -> None:
    from bench import machine
    from bench.ceilings import PATHS

    monkeypatch.setattr(machine, "_known", lambda: {"flags": "fpu avx2 avx_vnni avx512f avx512_vnni"})
    assert ", ".join(machine._wider(PATHS[used])) == wider


def test_numpy_has_one_thread_whatever_the_environment_says() -> None:
    pytest.importorskip("threadpoolctl")
    code = "import bench, numpy, threadpoolctl; print([p['num_threads'] for p in threadpoolctl.threadpool_info()])"
    two = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    ran = subprocess.run([sys.executable, "-c", code], env=os.environ | two, capture_output=True, text=True, check=True)
    assert ran.stdout == "[1]\n"
