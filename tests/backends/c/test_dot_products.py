"""The instructions that this machine may not have: VNNI's by its documented meaning, and what compilers make of it."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c.runtime import runtime
from snn2hw.backends.c.to_c import to_c
from snn2hw.backends.fast.crossover import ALWAYS, NEVER
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.errors import Snn2hwError
from snn2hw.native.compiler import compiler
from snn2hw.store import make_artefact
from tests.backends.c.driving import drive
from tests.backends.c.folders import random_network
from tests.random_networks import compiled, payloads_of, random_case, reproducer

QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
ZIG = importlib.util.find_spec("ziglang") is not None
DOT = Path(__file__).with_name("dot.h")
X86 = platform.machine().lower() in ("x86_64", "amd64")

pytestmark = pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")


def avx2() -> bool:
    info = Path("/proc/cpuinfo")
    return info.is_file() and " avx2 " in info.read_text(encoding="utf-8")


def differing(seed: int, percent: int) -> list[str] | None:
    case = random_case(seed)
    try:
        net = compiled(case).network
    except Snn2hwError:
        return None
    payloads = payloads_of(case, net)
    wanted, got = interpret(net, payloads).arrays(), Fast(percent).run(make_artefact(net), payloads).arrays()
    return [name for name in wanted if not np.array_equal(wanted[name], got[name])]


@pytest.mark.skipif(not avx2(), reason="the path with VNNI's products is built on AVX2, which is not here")
@pytest.mark.parametrize("path", ["-DSNN_DOT=snn_dot_by_hand", "-DSNN_WIDE=snn_wide_t"], ids=["256 bits", "512 bits"])
def test_the_path_with_vnni_products_by_their_documented_meaning(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 -DSNN_NO_TILES {path} -include {DOT}")
    ran = [found for seed in range(2_040, 2_047) if (found := differing(seed, NEVER)) is not None]
    assert len(ran) >= 4
    assert not any(ran), ran


@pytest.mark.parametrize("flag", ["", "-DSNN_NO_COMPRESS"], ids=["of this machine", "without masks"])
def test_lists_of_events_with_masks_and_without(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {flag}")
    ran = [found for seed in range(2_050, 2_054) if (found := differing(seed, ALWAYS)) is not None]
    assert len(ran) >= 2
    assert not any(ran), ran


@pytest.mark.skipif(not X86, reason="another processor")
@pytest.mark.parametrize(
    ("flags", "register"),
    [
        (["-mavx512vnni", "-mavx512f", "-mavx2"], "zmm"),
        (["-mavx512vnni", "-mavx512vl", "-mavx2", "-DSNN_DOT=_mm256_dpbusd_epi32"], "ymm"),
        (["-mavxvnni", "-mavx2"], "ymm"),
    ],
    ids=["avx512", "avx512 of 256 bits", "avx"],
)
def test_compilers_make_vnni_instructions_of_it(flags: list[str], register: str, tmp_path: Path) -> None:
    command = compiler()
    assert command is not None
    source, text = tmp_path / "x.c", to_c(compiled(random_case(2_040)).network, False).text
    source.write_text(text, encoding="utf-8")
    call = [*command, "-std=c99", "-O1", *flags, "-S", "-o", str(tmp_path / "x.s"), str(source)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode and "unrecognized" in done.stderr:
        pytest.skip(f"a compiler that does not know {flags[0]}")
    assert done.returncode == 0, done.stderr
    products = [line for line in (tmp_path / "x.s").read_text(encoding="utf-8").splitlines() if "vpdpbusd" in line]
    assert products
    assert all(register in line for line in products)


@pytest.mark.skipif(not X86, reason="another processor")
def test_a_wide_tile_keeps_its_sums_in_registers(tmp_path: Path) -> None:
    """Of its innermost loop: sixteen products, and no sum that is stored or loaded again."""
    command = compiler()
    assert command is not None
    (tmp_path / "x.c").write_text(WIDE_TILE.format(runtime=runtime()), encoding="utf-8")
    call = [*command, "-std=c99", "-O3", "-mavx512vnni", "-mavx512f", "-mavx2", "-S", "-o", "x.s", "x.c"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode and "unrecognized" in done.stderr:
        pytest.skip("a compiler that does not know -mavx512vnni")
    assert done.returncode == 0, done.stderr
    pieces = re.split(r"^\.?L[\w$]+:.*$", (tmp_path / "x.s").read_text(encoding="utf-8"), flags=re.M)
    loop = max(pieces, key=lambda piece: piece.count("vpdpbusd")).partition("\tj")[0]
    assert loop.count("vpdpbusd") % 16 == 0
    assert not re.findall(r"zmm\d+, .*\(%", loop)  # AT&T: from a register into memory
    assert len(re.findall(r"vmovdq\w+\t.*\(.*zmm", loop)) == loop.count("vpdpbusd") / 8  # two of weights for eight rows


WIDE_TILE = """
#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
{runtime}
void tile(const uint8_t *const *x, const int8_t *w, const int32_t *at, int32_t *acc)
{{
    snn_tile(8, x, w, 4, 3, at, 192, 1, acc, 64);
}}
"""


@pytest.mark.slow  # zig builds musl for it
@pytest.mark.skipif(not ZIG, reason="no zig here to compile for ARM: pip install ziglang")
@pytest.mark.skipif(QEMU is None, reason="nothing here runs programs for ARM: apt-get install qemu-user-static")
@pytest.mark.parametrize("cpu", ["baseline+dotprod", "baseline"], ids=["dot products", "without them"])
def test_neon(cpu: str, tmp_path: Path) -> None:
    assert QEMU is not None
    flags = ["-target", "aarch64-linux-musl", f"-mcpu={cpu.replace('baseline', 'generic')}", "-static", "-std=c99", "-O1"]
    command, ran = [sys.executable, "-m", "ziglang", "cc", *flags], 0
    for seed in range(2_040, 2_047):
        if not (found := random_network(seed)):
            continue
        net, payloads = found
        said = drive(tmp_path / str(seed), net, payloads, interpret(net, payloads), False, command, [QEMU])
        assert said == "exit code 0: 0 differ", f"{reproducer(seed)}\n{said}"
        ran += 1
    assert ran >= 4
    source = (tmp_path / "2040" / "net.c").read_text(encoding="utf-8")
    (tmp_path / "x.c").write_text(source, encoding="utf-8")
    subprocess.run([*command[:4], *flags, "-S", "x.c", "-o", "x.s"], cwd=tmp_path, check=True)
    assert ("sdot" in (tmp_path / "x.s").read_text(encoding="utf-8")) == ("dotprod" in cpu)
