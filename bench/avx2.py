"""`--avx2`: both sides without wider instructions than AVX2, and without its dot products, on a processor that has more.

Libraries read the variables once, while they are imported, so the process begins again with them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import torch

from bench.ceilings import PATHS, VECTORS_OF_AVX2, instructions
from snn2hw.errors import UsageError
from snn2hw.native.compiler import FLAGS_VARIABLE

# PyTorch's own loops, its convolutions (oneDNN), and its matrix products (MKL).
VARIABLES = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
FLAGS = ("-mno-avx512f", "-mno-avxvnni", "-DSNN_NO_TILES")  # of the generated C; each takes what is built upon it along


def missing(there: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that have to have another value, with that value."""
    flags = there.get(FLAGS_VARIABLE, "").split()
    wanted = VARIABLES | {FLAGS_VARIABLE: " ".join([*flags, *(f for f in FLAGS if f not in flags)])}
    return {name: value for name, value in wanted.items() if there.get(name) != value}


def begin_again() -> None:
    """Run this process's command anew with the variables, where they are not set."""
    if changed := missing(os.environ):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | changed)


def limited() -> dict[str, str]:
    """What the table of the machine says of it.

    Raises:
        UsageError: the generated C or PyTorch takes other instructions than AVX2.
    """
    ours, theirs = instructions(), torch.backends.cpu.get_cpu_capability()
    if (ours, theirs) != (PATHS[VECTORS_OF_AVX2], "AVX2"):
        raise UsageError(
            "this run is not limited to AVX2",
            got=f"the generated C: {ours}; PyTorch: {theirs}",
            expected=f"the generated C: {PATHS[VECTORS_OF_AVX2]}; PyTorch: AVX2",
            do="start it as `python -m bench.run --avx2`, on an x86 processor that has AVX2",
        )
    return {"instructions": "at most AVX2 for the generated C and PyTorch (`--avx2`); `onnxruntime` takes the widest there are"}
