"""Tiles of every number of rows, quarters of a block and pieces of the fan-in, on every path that can be tried here."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from snn2hw.backends.c.runtime import runtime
from snn2hw.backends.c.synapse_plan import ROWS, _places
from snn2hw.native.compiler import library
from tests.backends.c.test_dot_products import DOT, avx2
from tests.native.compiling import needs_compiler

pytestmark = needs_compiler

BY_HAND = pytest.mark.skipif(not avx2(), reason="the path with VNNI's products is built on AVX2, which is not here")
PATHS = [
    pytest.param("", id="of this machine"),
    pytest.param("-DSNN_PORTABLE", id="portable"),
    pytest.param("-mno-avx512f -mno-avxvnni", id="AVX2", marks=BY_HAND),
    pytest.param(f"-DSNN_DOT=snn_dot_by_hand -include {DOT}", id="256 bits", marks=BY_HAND),
    pytest.param(f"-DSNN_WIDE=snn_wide_t -include {DOT}", id="512 bits", marks=BY_HAND),
]
MOST, BLOCK = 21, 64
TILES = """
#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
{runtime}
/* The number of rows is known where a tile is called, as in the code of a layer. */
void tile(int rows, const uint8_t *const *x, const int8_t *w, int quarters, int runs, const int32_t *at, int run, int flush,
          int32_t *acc)
{{
    switch (rows) {{
{cases}
    }}
}}
"""
# Quarters, pieces, their length, the largest spike value, and whether all of them are, behind the largest weights.
CASES = (
    (4, 1, 4, 255, False), (1, 3, 12, 15, False), (3, 2, 20, 127, False), (2, 1, 64, 255, True), (4, 3, 8, 25, False),
    (1, 3, 12, 15, True), (2, 1, 64, 16, True), (1, 2, 20, 127, True),
)  # fmt: skip
FLUSHED = 32767
CASE = "    case {0}: snn_tile({0}, x, w, quarters, runs, at, run, flush, acc, 64); break;"


def aligned(size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    raw = np.zeros(size + 64, np.uint8)
    return raw[-raw.ctypes.data % 64 :][:size]


@pytest.mark.parametrize("flags", PATHS)
def test_every_number_of_rows(flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {flags}")
    cases = "\n".join(CASE.format(rows) for rows in range(1, MOST))
    tile = library(TILES.format(runtime=runtime(), cases=cases)).tile
    rng, void = np.random.default_rng(0), ctypes.c_void_p
    for rows in range(1, MOST):
        for quarters, runs, run, largest, extreme in CASES:
            flush = FLUSHED // (2 * largest * 127)  # so often two products of the largest have room in int16
            x = rng.integers(largest if extreme else 0, largest, (rows, runs * run + 8), endpoint=True).astype(np.uint8)
            at = np.array([n * run + (n > 0) * 4 for n in range(runs)], np.int32)  # pieces do not lie one behind the other
            w = aligned(quarters * runs * run * 16).view(np.int8)
            w[:] = 127 if extreme else rng.integers(-127, 128, w.size)
            acc = aligned(4 * rows * BLOCK).view(np.int32).reshape(rows, BLOCK)
            acc[:] = before = rng.integers(-(10**6), 10**6, acc.shape)
            pointers = (void * rows)(*(row.ctypes.data for row in x))
            tile(rows, pointers, void(w.ctypes.data), quarters, runs, void(at.ctypes.data), run, flush, void(acc.ctypes.data))
            taken = np.concatenate([x[:, n : n + run] for n in at], 1).astype(np.int64)
            factors = w.reshape(quarters, -1, 16, 4).transpose(1, 3, 0, 2).reshape(taken.shape[1], -1).astype(np.int64)
            before[:, : 16 * quarters] += taken @ factors
            assert np.array_equal(acc, before), f"{rows} rows, {quarters} quarters, {runs} x {run}, flush {flush}"


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 7, 10, 16, 25])
@pytest.mark.parametrize("width", [1, 2, 7, 8, 14, 28, 32, 224])
def test_few_rows_are_summed_in_vain(steps: int, width: int) -> None:
    places = _places(steps, width)
    tiles = -(-width // places)
    assert tiles * places * steps <= 1.1 * width * steps
    assert places * steps >= min(ROWS // 2 + 1, width * steps) or steps == ROWS // 2
