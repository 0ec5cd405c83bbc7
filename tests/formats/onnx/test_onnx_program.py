"""The type in which a program computes holds what its nodes make on the way, constants as well as values."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends import EXECUTORS
from snn2hw.formats.onnx.write_program import arithmetic_dtype
from snn2hw.ir.program import Program
from snn2hw.ir.program_rules import check_program
from snn2hw.ir.program_text import program_from_text
from snn2hw.store import make_artefact
from tests.ir.program_check import draws, law_trace, network_of

ROUNDINGS = ["floor", "half_up", "toward_zero"]


def shifting(value: int, bits: int, rounding: str) -> Program:
    """h = u + x + (value >> bits): a constant that is shifted when the network runs."""
    width = abs(value).bit_length() + (value < 0)
    kept = (abs(value) >> bits) + 1
    sign = "u" if value > 0 else "s"
    made = program_from_text(f"""program Shifted
  u = state lo=-128 hi=127 initial=0 : s8.0 proved
  x = input lo=-8 hi=7 : s4.0 proved
  large = const value={value} : {sign}{width}.0 proved
  small = shift_right large bits={bits} rounding={rounding} : {sign}{kept.bit_length() + (value < 0)}.-{bits} proved
  moved = shift_left small bits={bits} : {sign}{width + 1}.0 proved
  rest = sub large moved : s{bits + 2}.0 proved
  entered = add u x : s9.0 proved
  sum = add entered rest : s{max(9, bits + 2) + 1}.0 proved
  u_next = clamp sum lo=-128 hi=127 : s8.0 saturate
  next = output u_next to=u : s8.0 proved
  spikes = output u_next to=spikes : s8.0 proved
""")
    check_program(made)
    return made


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("value", [(1 << 30) - 1, 1 << 30, (1 << 30) + 5, (1 << 31) - 1, -(1 << 30) + 3, -(1 << 30) - 9])
def test_a_shifted_constant_near_the_end_of_32_bits(value: int, rounding: str) -> None:
    """Its numerator is doubled, which ONNX Runtime needs; 2**30 doubled is beyond int32."""
    program = shifting(value, 4, rounding)
    assert arithmetic_dtype(program) is np.int64 or 2 * abs(value) <= np.iinfo(np.int32).max
    payloads = draws(program.input.format.interval, np.random.default_rng(0), (3, 6, 1, 2))
    artefact, wanted = make_artefact(network_of(program)), law_trace(program, payloads)
    for name in ("reference", "onnxruntime", "onnx-reference"):
        got = EXECUTORS[name].run(artefact, payloads).arrays()
        assert {k: int((v != got[k]).sum()) for k, v in wanted.items()} == dict.fromkeys(wanted, 0), name
