"""What compilers make vectors of, and what they did not."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from snn2hw.backends.c.neuron_code import neuron_function
from snn2hw.backends.c.plan import plan
from snn2hw.native.compiler import BEGINNING, compiler
from tests.hand_networks import circulate, compiled, counts, network, readout
from tests.native.compiling import needs_compiler

LEVELS = 4


@needs_compiler
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="counts the comparisons of AVX2")
def test_the_spikes_of_a_step_are_compared_in_vectors(tmp_path: Path) -> None:
    """A program that has no closed form looks for a spike after the other, of both signs, in eight channels at once."""
    net = compiled(network(3, counts(64, lo=-3.0, hi=3.0), circulate("n", "input", (1.0,) * LEVELS), readout("n"))).network
    (node,) = net.neurons  # as it was lowered: nothing is simplified yet
    function = neuron_function(1, node, plan(net, 0, False).values["n"], "int32_t", net.steps)
    (tmp_path / "x.c").write_text(f"{BEGINNING}#include <stdint.h>\n{function.replace('static void', 'void')}", encoding="utf-8")
    command = compiler()
    assert command is not None
    call = [*command, "-std=c99", "-O3", "-mavx2", "-S", "-o", "x.s", "x.c"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"vpcmpgtd\t.*ymm", (tmp_path / "x.s").read_text(encoding="utf-8"))
    assert len(found) >= 2 * LEVELS
