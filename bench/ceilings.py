"""What this machine can do at most, measured: products and sums in registers only, and reading memory. One thread.

The int8 ceiling runs what the inner loop of the dense path runs, on as many accumulators, without its loads, its padding and its
neurons: the widest product of int8 that this machine has, in tiles of its matrix unit or in vectors (`tiles.h` and `dense.h` in
`snn2hw/backends/c/templates/fast`; of int16 sums there also without their widening). Where there are tiles, the ceiling of
vectors stands beside it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn2hw.backends.c.runtime import head
from snn2hw.backends.c.text import template
from snn2hw.backends.fast.built import aligned
from snn2hw.native.compiler import library

INT8, VECTORS = "int8 dot product", "int8 dot product in vectors"
FLOAT, MEMORY, CACHE = "float FMA", "memory, 256 MB", "cache, 256 KB"
PATHS = (
    "portable C",
    "AVX2 (vpmaddubsw, vpaddw)",
    "AVX2 + VNNI (vpdpbusd, 256 bits)",
    "NEON (sdot)",
    "AVX-512 + VNNI (vpdpbusd, 512 bits)",
    "AMX (tdpbusd, 16 x 16 sums), beside AVX-512 + VNNI",
)
VECTORS_OF_AVX2, TILES = 1, 5  # of PATHS

_C = f"""#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
{head()}
{template("fast/tiles.h")}
#if defined(SNN_WIDE)
#define PATH 4
#elif defined(SNN_AVX2) && defined(SNN_DOT)
#define PATH 2
#elif defined(SNN_AVX2)
#define PATH 1
#elif defined(SNN_NEON)
#define PATH 3
#else
#define PATH 0
#endif
/* The compiler may not know that a value stays as it is, nor that two are the same, else it takes a product out of the loop. */
#if defined(SNN_WIDE)
#define HIDE(v) __asm__ volatile("" : "+v"(v))
#elif defined(SNN_AVX2)
#define HIDE(v) __asm__ volatile("" : "+x"(v))
#elif defined(SNN_NEON)
#define HIDE(v) __asm__ volatile("" : "+w"(v))
#else
#define HIDE(v) __asm__ volatile("" : "+r"(v))
#endif

#if defined(SNN_TILES)
int path(void) {{ return SNN_TILES_GRANTED() ? 5 : PATH; }}

/* Products and sums done in tiles, with as many in flight as in the dense path. */
int64_t dot_in_tiles(int64_t count, int32_t *kept)
{{
    static const struct snn_tile_shapes shapes = SNN_TILE_SHAPES(16, 64);
    SNN_TILES_BEGIN(&shapes);
    SNN_TILE_LOAD(4, kept, 64);
    SNN_TILE_LOAD(5, kept, 64);
    SNN_TILE_LOAD(6, kept, 64);
    SNN_TILE_LOAD(7, kept, 64);
    for (int64_t n = 0; n < count; ++n) {{
        SNN_TILE_DOT(0, 4, 6);
        SNN_TILE_DOT(1, 4, 7);
        SNN_TILE_DOT(2, 5, 6);
        SNN_TILE_DOT(3, 5, 7);
    }}
    SNN_TILE_STORE(0, kept, 64);
    SNN_TILES_END();
    return count * 4 * 16 * 16 * 64;
}}
#else
int path(void) {{ return PATH; }}
int64_t dot_in_tiles(int64_t count, int32_t *kept) {{ (void)kept; return count; }}
#endif

#if defined(SNN_AVX2)
/* By name, not in an array, for hidden elements of arrays are kept in memory; the weights of two registers take turns. */
#define EIGHT(f) f(0, a) f(1, b) f(2, a) f(3, b) f(4, a) f(5, b) f(6, a) f(7, b)
#if defined(SNN_WIDE)
#define EACH(f) EIGHT(f) f(8, a) f(9, b) f(10, a) f(11, b) f(12, a) f(13, b) f(14, a) f(15, b)
#define ZERO(i, w) SNN_WIDE sum##i = SNN_WIDE_FOUR(0); HIDE(sum##i);
#define STORED(i, w) SNN_WIDE_STORE(kept + i * 16, sum##i);
#define ADDED(i, w) HIDE(p); SNN_WIDE_DOT(sum##i, p, w);
#else
#define EACH(f) EIGHT(f)
#define ZERO(i, w) __m256i sum##i = _mm256_setzero_si256(); HIDE(sum##i);
#define STORED(i, w) _mm256_storeu_si256((__m256i *)(kept + i * 8), sum##i);
#endif
#if defined(SNN_WIDE)
#elif defined(SNN_DOT)
#define ADDED(i, w) HIDE(p); sum##i = SNN_DOT(sum##i, p, w);
#else
#define ADDED(i, w) HIDE(p); sum##i = _mm256_add_epi16(sum##i, _mm256_maddubs_epi16(p, w));
#endif
#endif

/* Products and sums done; `kept` is written so that they are. */
int64_t dot(int64_t count, int32_t *kept)
{{
#if defined(SNN_AVX2)
#if defined(SNN_WIDE)
    SNN_WIDE p = SNN_WIDE_FOUR(0x01010101), a = p, b = p;
#else
    __m256i p = _mm256_set1_epi8(1), a = p, b = p;
#endif
    HIDE(a);
    HIDE(b);
    EACH(ZERO)
    for (int64_t n = 0; n < count; ++n) {{
        EACH(ADDED)
    }}
    EACH(STORED)
    return count * (PATH == 4 ? 16 * 64 : 8 * 32);
#elif defined(SNN_NEON)
    int8x16_t p = vdupq_n_s8(1), w[4] = {{p, p, p, p}};
    int32x4_t sum[4][4];
    for (int i = 0; i < 4; ++i) HIDE(w[i]);
    for (int i = 0; i < 16; ++i) {{
        sum[i / 4][i % 4] = vdupq_n_s32(0);
        HIDE(sum[i / 4][i % 4]);
    }}
    for (int64_t n = 0; n < count; ++n)
        for (int i = 0; i < 4; ++i) {{
            HIDE(p);
            for (int h = 0; h < 4; ++h) sum[i][h] = vdotq_s32(sum[i][h], p, w[h]);
        }}
    for (int i = 0; i < 16; ++i) vst1q_s32(kept + i * 4, sum[i / 4][i % 4]);
    return count * 16 * 16;
#else
    int32_t sum[64] = {{0}};
    int8_t w[64];
    memset(w, 3, 64);
    for (int64_t n = 0; n < count; ++n) {{
        int32_t v = 1;
        HIDE(v);
        for (int c = 0; c < 64; ++c) sum[c] += v * w[c];
    }}
    memcpy(kept, sum, sizeof sum);
    return count * 64;
#endif
}}

#if !defined(SNN_PORTABLE) && defined(__AVX512F__)
#include <immintrin.h>
#define FLOATS __m512
#define LOADED(v) _mm512_set1_ps(v)
#define MULTIPLIED(s, a, b) _mm512_fmadd_ps(a, b, s)
#define HIDDEN(v) __asm__ volatile("" : "+v"(v))
#elif defined(SNN_AVX2) && defined(__FMA__)
#define FLOATS __m256
#define LOADED(v) _mm256_set1_ps(v)
#define MULTIPLIED(s, a, b) _mm256_fmadd_ps(a, b, s)
#define HIDDEN(v) HIDE(v)
#elif defined(SNN_NEON)
#define FLOATS float32x4_t
#define LOADED(v) vdupq_n_f32(v)
#define MULTIPLIED(s, a, b) vfmaq_f32(s, a, b)
#define HIDDEN(v) HIDE(v)
#else
#define FLOATS float
#define LOADED(v) (v)
#define MULTIPLIED(s, a, b) ((s) + (a) * (b))
#define HIDDEN(v) __asm__ volatile("" : "+m"(v))
#endif
int64_t fma_floats(int64_t count, float *kept)
{{
    FLOATS sum[12], a = LOADED(0.5f), b = LOADED(0.25f);
    for (int i = 0; i < 12; ++i) {{
        sum[i] = LOADED(0.0f);
        HIDDEN(sum[i]);
    }}
    for (int64_t n = 0; n < count; ++n) {{
        HIDDEN(a);
        for (int i = 0; i < 12; ++i) sum[i] = MULTIPLIED(sum[i], a, b);
    }}
    memcpy(kept, sum, sizeof sum);
    return count * 12 * (int64_t)(sizeof sum[0] / sizeof(float));
}}

int64_t read_all(const uint32_t *from, int64_t bytes, int64_t times, uint32_t *kept)
{{
    uint32_t sum[64] = {{0}};
    for (int64_t n = 0; n < times; ++n) {{
        __asm__ volatile("" : : "r"(from) : "memory"); /* it may have changed: read it again */
        for (int64_t k = 0; k < bytes / 4; k += 64)
            for (int i = 0; i < 64; ++i) sum[i] += from[k + i];
    }}
    memcpy(kept, sum, sizeof sum);
    return bytes * times;
}}
"""


@dataclass(frozen=True)
class Ceiling:
    """One of them.

    Args:
        run: does `work`. unit: of work: products with their sums, or bytes.
    """

    run: Callable[[], object]
    work: int
    unit: str


def ceilings(scale: float = 1.0) -> dict[str, Ceiling]:
    """All of them; `scale` shortens them for a smoke test."""
    c = _loaded()
    kept = aligned(4096)
    far, near = aligned(int((256 << 20) * scale) // 4096 * 4096), aligned(256 << 10)
    for memory in (far, near):
        memory[...] = 1  # so that there is memory, not a promise of it
    count = int(4_000_000 * scale)

    def registers(function: Any) -> Ceiling:
        return Ceiling(lambda: function(count, _at(kept)), function(count, _at(kept)), "MAC")

    def reading(memory: np.ndarray[Any, np.dtype[np.uint8]], times: int) -> Ceiling:
        def read() -> int:  # which holds the memory
            return int(c.read_all(_at(memory), memory.size, times, _at(kept)))

        return Ceiling(read, read(), "byte")

    tiles = c.path() == TILES
    return {
        **({INT8: registers(c.dot_in_tiles), VECTORS: registers(c.dot)} if tiles else {INT8: registers(c.dot)}),
        FLOAT: registers(c.fma_floats),
        MEMORY: reading(far, 1),
        CACHE: reading(near, int(2000 * scale) + 1),
    }


def instructions() -> str:
    """The path of instructions that the generated C takes with this compiler and these flags."""
    return PATHS[_loaded().path()]


def _loaded() -> Any:
    c = library(_C)
    number, address = ctypes.c_int64, ctypes.c_void_p
    c.dot.argtypes = c.dot_in_tiles.argtypes = c.fma_floats.argtypes = [number, address]
    c.read_all.argtypes = [address, number, number, address]
    c.dot.restype = c.dot_in_tiles.restype = c.fma_floats.restype = c.read_all.restype = number
    return c


def _at(memory: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    return memory.ctypes.data
