"""Rows of words that are added in vectors: the reference's readouts with every number of lanes, and which number is chosen."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c.text import template
from snn2hw.backends.c.words import LANES, words
from snn2hw.backends.reference import interpret
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.native.compiler import compiler
from snn2hw.native.replay import FLAGS, replay
from tests.backends.c.folders import texts, written
from tests.backends.c.test_folder import STRICT
from tests.backends.c.test_words import spikes_at_every_density
from tests.backends.c.widths import every_width
from tests.native.compiling import needs_compiler

ZIG = [sys.executable, "-m", "ziglang", "cc"] if find_spec("ziglang") else []
needs_zig = pytest.mark.skipif(not ZIG, reason="no zig here to compile for other processors: pip install ziglang")
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="-march=x86-64 is for this processor alone")


def laid(net: IntegerNetwork) -> dict[str, tuple[int, int]]:
    """(lanes, vectors that are summed at a time) of the layers that add words."""
    named = {n.name: n for n in net.nodes}
    synapses = [n for n in net.nodes if isinstance(n, IntConv2d | IntLinear)]
    found = {n.name: words(n, named[n.inputs[0]]) for n in synapses}
    return {name: (w.lanes, w.vectors) for name, w in found.items() if w is not None}


def test_a_vector_is_as_long_as_a_row_can_be_divided_by() -> None:
    assert laid(every_width(8)) == {
        "conv64": (8, 2), "groups32": (8, 1), "conv8": (2, 1), "linear48": (4, 1), "loop48": (4, 1),
    }  # fmt: skip
    assert laid(every_width(4)) == {
        "conv64": (8, 1), "groups32": (4, 1), "conv8": (1, 1), "linear48": (2, 1), "loop48": (2, 1),
    }  # fmt: skip
    assert laid(every_width(2)) == {
        "conv64": (4, 1), "groups32": (2, 1), "linear48": (1, 1), "loop48": (1, 1),
    }  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("lanes", [1, 4, 8])
def test_a_folder_gives_the_reference_with_every_number_of_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lanes: int, bits: int, streaming: bool
) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {STRICT} -DSNN_LANES={lanes}")
    net, given = every_width(bits), spikes_at_every_density()
    assert len(np.unique(interpret(net, given).readout)) > 10  # what goes wrong in a layer can change a readout
    done = replay(written(tmp_path / "c", texts(net, given, streaming=streaming)))
    assert done.equal, done.report


EMULATED = {"aarch64": "aarch64-linux-musl", "aarch64_be": "aarch64_be-linux-musl", "arm": "arm-linux-musleabihf"}


@pytest.mark.slow  # zig builds musl for it
@needs_zig
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("machine", EMULATED)
def test_neon_gives_the_reference(tmp_path: Path, machine: str, bits: int) -> None:
    """Also where the bytes of a word lie the other way round."""
    emulator = shutil.which(f"qemu-{machine}-static") or shutil.which(f"qemu-{machine}")
    if emulator is None:
        pytest.skip("nothing here runs programs for ARM: apt-get install qemu-user-static")
    folder = written(tmp_path / "c", texts(every_width(bits), spikes_at_every_density()))
    cpu = ["-mcpu=cortex_a9"] if machine == "arm" else []
    target = ["-target", EMULATED[machine], *cpu]
    assert chosen(tmp_path, [*ZIG, *target]) == 4
    subprocess.run([*ZIG, *target, "-static", *FLAGS.split(), "snn.c", "main.c", "-o", "replay"], cwd=folder, check=True)
    done = subprocess.run([emulator, str(folder / "replay")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4 samples, 40 readouts, 0 differ\n")


# which number of lanes


def chosen(folder: Path, command: list[str]) -> int:
    """SNN_LANES, as a compiler with these flags takes it."""
    (folder / "lanes.c").write_text(template("folder/lanes.c"))
    done = subprocess.run([*command, "-E", "-dM", "lanes.c"], cwd=folder, capture_output=True, text=True, check=True)
    (found,) = re.findall(r"#define SNN_LANES (\d+)", done.stdout)
    return int(found)


@needs_compiler
@on_x86
@pytest.mark.parametrize(
    ("flags", "lanes"),
    [
        ("-march=x86-64", 4),
        ("-march=x86-64 -mavx2", 8),
        ("-march=x86-64 -mavx2 -U__GNUC__", 1),
        ("-march=x86-64 -mavx2 -DSNN_LANES=1", 1),
    ],
)
def test_lanes_of_x86(tmp_path: Path, flags: str, lanes: int) -> None:
    assert chosen(tmp_path, [*(compiler() or ()), *flags.split()]) == lanes


@needs_zig
@pytest.mark.parametrize("cpu", ["cortex_m0", "cortex_m4", "cortex_m7", "cortex_m55"])
def test_a_microcontroller_adds_word_by_word(tmp_path: Path, cpu: str) -> None:
    assert chosen(tmp_path, [*ZIG, "-target", "thumb-freestanding-eabi", f"-mcpu={cpu}"]) == 1


@needs_compiler
def test_another_number_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", "-DSNN_LANES=16")
    folder = written(tmp_path / "c", texts(every_width(8), spikes_at_every_density()))
    with pytest.raises(ExecutorUnavailableError, match="snn_lanes_are_1_4_or_8"):
        replay(folder)


def test_the_lanes_are_all_that_asks_for_a_compiler_or_a_processor() -> None:
    """Whatever is of one of them alone is behind `SNN_LANES`, and the plain form of a layer stands beside every vector."""
    files = texts(every_width(8), spikes_at_every_density())
    before, switch, after = files["snn.c"].partition(template("folder/lanes.c").strip())
    assert switch
    plain = re.sub(r"#if SNN_LANES > 1 .*?#else\n(.*?)#endif\n", r"\1", before + after, flags=re.DOTALL)
    assert plain.count("uint32_t pair0 = 0") == files["snn.c"].count("vector_size(") == len(laid(every_width(8)))
    rest = plain + "".join(text for name, text in files.items() if name.endswith(".h"))
    assert not re.findall(r"#\s*(?:if|elif|else|pragma)\b|__\w+__|SNN_LANES", rest)
    assert max(LANES) == 8  # the most that templates/folder/lanes.c takes
