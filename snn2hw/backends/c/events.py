"""Sums event by event in C: what is active is listed, then only the weights of its events are added.

The events of some places are listed first, so that the weights of a block of channels are read once for all of them. Two events
at a time: their weights are interleaved and multiplied with the pair of payloads, which adds both in int16.
"""

from __future__ import annotations

from snn2hw.backends.c.synapse_plan import BIASED, Synapse

EVENTS = r"""
enum { SNN_BINARY, SNN_UNSIGNED, SNN_SIGNED }; /* payloads; with the last, weights have 128 added and are unsigned */

/* How many of n bytes are not zero. */
SNN_INLINE int64_t snn_active(const void *bytes, int64_t n)
{
    const uint8_t *x = bytes;
    int64_t many = 0, c = 0;
#if defined(SNN_AVX2)
    for (; c + 32 <= n; c += 32) {
        const __m256i zero = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(x + c)), _mm256_setzero_si256());
        many += 32 - __builtin_popcount((unsigned)_mm256_movemask_epi8(zero));
    }
#endif
    for (; c < n; ++c) many += x[c] != 0;
    return many;
}

/* Channels and payloads of a place that are not zero; their number, and the sum of the payloads. */
SNN_INLINE int32_t snn_list(const void *bytes, int n, int kind, uint16_t *channel, int8_t *payload, int32_t *total)
{
    const int8_t *x = bytes;
    int32_t many = 0, sum = 0;
    int c = 0;
#if defined(SNN_AVX2)
    for (; c + 32 <= n; c += 32) {
        const __m256i zero = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(x + c)), _mm256_setzero_si256());
        for (uint32_t left = ~(uint32_t)_mm256_movemask_epi8(zero); left; left &= left - 1) {
            const int i = c + __builtin_ctz(left);
            channel[many] = (uint16_t)i;
            if (kind != SNN_BINARY) payload[many] = x[i];
            if (kind == SNN_SIGNED) sum += x[i];
            ++many;
        }
    }
#endif
    for (; c < n; ++c) {
        if (!x[c]) continue;
        channel[many] = (uint16_t)c;
        payload[many] = x[c];
        sum += x[c];
        ++many;
    }
    *total = sum;
    return many;
}

/* to[k] = base + from[k] * row for n events; up to seven more are written. */
SNN_INLINE void snn_offsets(uint32_t *to, const uint16_t *from, int n, uint32_t base, int row)
{
#if defined(SNN_AVX2)
    const __m256i b = _mm256_set1_epi32((int)base), r = _mm256_set1_epi32(row);
    for (int k = 0; k < n; k += 8) {
        const __m256i c = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(from + k)));
        _mm256_storeu_si256((__m256i *)(to + k), _mm256_add_epi32(b, _mm256_mullo_epi32(c, r)));
    }
#else
    for (int k = 0; k < n; ++k) to[k] = base + from[k] * (uint32_t)row;
#endif
}

/* acc[c] += sum of payload[k] * w[offset[k] + c] for vectors * 32 channels; the number of events is even. */
SNN_INLINE void snn_gather(int count, const uint32_t *offset, const int8_t *payload, const void *weights, int vectors, int kind,
                           int flush, int32_t *acc)
{
#if defined(SNN_AVX2)
    const int8_t *w = weights;
    for (int k = 0, end; k < count; k = end) {
        __m256i sum[4];
        for (int v = 0; v < 2 * vectors; ++v) sum[v] = _mm256_setzero_si256();
        end = count - k > 2 * flush ? k + 2 * flush : count;
        for (int q = k; q < end; q += 2) {
            const __m256i *a = (const __m256i *)(w + offset[q]), *b = (const __m256i *)(w + offset[q + 1]);
            __m256i p = _mm256_set1_epi8(1);
            if (kind != SNN_BINARY) {
                int16_t pair;
                memcpy(&pair, payload + q, 2);
                p = _mm256_set1_epi16(pair);
            }
            for (int v = 0; v < vectors; ++v) {
                const __m256i one = _mm256_load_si256(a + v), other = _mm256_load_si256(b + v);
                const __m256i low = _mm256_unpacklo_epi8(one, other), high = _mm256_unpackhi_epi8(one, other);
                const int s = kind == SNN_SIGNED;
                sum[2 * v] = _mm256_add_epi16(sum[2 * v], _mm256_maddubs_epi16(s ? low : p, s ? p : low));
                sum[2 * v + 1] = _mm256_add_epi16(sum[2 * v + 1], _mm256_maddubs_epi16(s ? high : p, s ? p : high));
            }
        }
        for (int v = 0; v < 4 * vectors; ++v) { /* eight channels each; the halves of an interleaved register are 16 apart */
            const __m256i s = sum[v / 4 * 2 + v % 2];
            __m256i *out = (__m256i *)(acc + v * 8);
            const __m128i half = v % 4 < 2 ? _mm256_castsi256_si128(s) : _mm256_extracti128_si256(s, 1);
            _mm256_store_si256(out, _mm256_add_epi32(_mm256_load_si256(out), _mm256_cvtepi16_epi32(half)));
        }
    }
#else
    (void)flush;
    for (int k = 0; k < count; ++k) {
        const int32_t v = kind == SNN_BINARY ? 1 : payload[k];
        if (kind == SNN_SIGNED)
            for (int c = 0; c < 32 * vectors; ++c) acc[c] += v * ((const uint8_t *)weights + offset[k])[c];
        else
            for (int c = 0; c < 32 * vectors; ++c) acc[c] += v * ((const int8_t *)weights + offset[k])[c];
    }
#endif
}
"""


def by_events(number: int, s: Synapse, parameters: str, handed: str) -> str:
    """`events_<number>`: the same sums as `dense_<number>`; 0 and nothing done where `percent` of the input or more is active."""
    (h, w), (ph, pw) = s.source.size, s.window.padding
    (kh, kw), (sy, sx), (dy, dx) = s.window.kernel, s.window.stride, s.window.dilation
    ow = s.value.size[1]
    steps, entering, listed = s.source.steps, s.entering, s.listed
    cells = steps * h * w * s.groups
    kind = "SNN_BINARY" if s.binary else "SNN_SIGNED" if s.signed else "SNN_UNSIGNED"
    channels, payloads, counts, totals, offsets, values, _ = s.list_offsets
    rows = (s.taps * entering + 1) * s.row
    start = f"bias[c] - {BIASED} * shift[p * {steps} + t]" if s.signed else "bias[c]"
    return f"""
static int events_{number}({parameters}, int percent)
{{
    uint8_t *const lists = scratch;
    uint16_t *const channel = (uint16_t *)(lists + {channels});
    int8_t *const payload = (int8_t *)(lists + {payloads});
    int32_t *const count = (int32_t *)(lists + {counts}), *const total = (int32_t *)(lists + {totals});
    uint32_t *const offset = (uint32_t *)(lists + INT64_C({offsets}));
    int8_t *const value = (int8_t *)(lists + INT64_C({values}));
    (void)traces;
    if (snn_active(in, INT64_C({cells * entering})) * 100 >= INT64_C({cells * entering}) * percent) return 0;
    for (int64_t cell = 0; cell < {cells}; ++cell)
        count[cell] = snn_list(in + cell * {entering}, {entering}, {kind}, channel + cell * {entering},
                               payload + cell * {entering}, total + cell);
    for (int g = 0; g < {s.groups}; ++g)
        for (int64_t start = 0; start < {s.value.places}; start += {s.chunk}) {{
            const int many = {s.value.places} - start < {s.chunk} ? (int)({s.value.places} - start) : {s.chunk};
            int32_t used[{s.chunk * steps}], shift[{s.chunk * steps}];
            for (int p = 0; p < many; ++p) {{
                const int y = (int)((start + p) / {ow}), x = (int)((start + p) % {ow});
                for (int t = 0; t < {steps}; ++t) {{
                    uint32_t *const o = offset + (p * {steps} + t) * INT64_C({listed});
                    int8_t *const v = value + (p * {steps} + t) * INT64_C({listed});
                    int32_t n = 0, sum = 0;
                    for (int i = 0; i < {kh}; ++i) {{
                        const int yy = y * {sy} + i * {dy} - {ph};
                        if (yy < 0 || yy >= {h}) continue;
                        for (int j = 0; j < {kw}; ++j) {{
                            const int xx = x * {sx} + j * {dx} - {pw};
                            if (xx < 0 || xx >= {w}) continue;
                            const int64_t cell = ((t * {h} + yy) * INT64_C({w}) + xx) * {s.groups} + g;
                            snn_offsets(o + n, channel + cell * {entering}, count[cell],
                                        (uint32_t)(i * {kw} + j) * {entering * s.row}u, {s.row});
                            {"" if s.binary else f"memcpy(v + n, payload + cell * {entering}, (size_t)count[cell]);"}
                            n += count[cell];
                            sum += total[cell];
                        }}
                    }}
                    o[n] = {s.taps * entering * s.row}u; /* a row of zeros, where the number is odd */
                    v[n] = 0;
                    used[p * {steps} + t] = n + (n & 1);
                    shift[p * {steps} + t] = sum;
                }}
            }}
            for (int b = 0; b < {s.blocks}; ++b) {{
                const {"uint8_t" if s.signed else "int8_t"} *w = event_weight_{number} + (g * {s.blocks} + b) * INT64_C({rows});
                const int32_t *bias = event_bias_{number} + (g * {s.blocks} + b) * {s.block};
                const int first = g * {s.per_group} + b * {s.block};
                const int n = {s.per_group} - b * {s.block} < {s.block} ? {s.per_group} - b * {s.block} : {s.block};
                for (int p = 0; p < many; ++p) {{
                    SNN_ALIGNED int32_t sums[{steps * s.row}];
                    const int64_t place = start + p;
                    const int32_t *acc = sums;
                    for (int t = 0; t < {steps}; ++t) {{
                        const int64_t list = (p * {steps} + t) * INT64_C({listed});
                        int32_t *const to = sums + t * {s.row};
                        for (int c = 0; c < {s.block}; ++c) to[c] = {start};
                        snn_gather(used[p * {steps} + t], offset + list, value + list, w, {s.row // 32}, {kind}, {s.events}, to);
                    }}
                    {handed}
                }}
            }}
        }}
    return 1;
}}
"""
