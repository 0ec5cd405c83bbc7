"""The part of the C that is the same for every network: sums of a block of output channels, dense or event by event.

Weights are packed [fan-in / 2][BLOCK][2]; a row is a place of the padded input at one step, unsigned 8-bit payloads with the
fan-in of one kernel row together. With AVX2 pairs of products are added in int16, which saturates nowhere as long as no more than
FLUSH pairs are added before they are widened; the compiler knows FLUSH, the generator proves it.
"""

BLOCK = 32  # output channels that are summed together

RUNTIME = """
#if defined(__AVX2__) && !defined(SNN_PORTABLE)
#include <immintrin.h>
#define SNN_SIMD 1
#else
#define SNN_SIMD 0
#endif
#if defined(__GNUC__)
#define SNN_INLINE static inline __attribute__((always_inline))
#else
#define SNN_INLINE static inline
#endif
#define BLOCK 32

/* The same sums in int32: for payloads whose products int16 cannot hold, and for machines without AVX2. */
#define SNN_WIDE(name, type)                                                                                        \\
    SNN_INLINE void name(int rows, const type *const *x, const int8_t *w, int runs, const int32_t *at, int run,     \\
                         int flush, int32_t acc[][BLOCK])                                                           \\
    {                                                                                                               \\
        (void)flush;                                                                                                \\
        for (int r = 0; r < rows; ++r)                                                                              \\
            for (int n = 0; n < runs; ++n)                                                                          \\
                for (int k = 0; k < run; ++k) {                                                                     \\
                    const int32_t v = x[r][at[n] + k];                                                              \\
                    const int8_t *wk = w + ((int64_t)n * run + (k & ~1)) * BLOCK + (k & 1);                         \\
                    if (v)                                                                                          \\
                        for (int c = 0; c < BLOCK; ++c) acc[r][c] += v * wk[2 * c];                                 \\
                }                                                                                                   \\
    }
SNN_WIDE(snn_tile_wide, uint8_t)
SNN_WIDE(snn_tile_int, int32_t)

#if SNN_SIMD
SNN_INLINE void snn_widen(__m256i low, __m256i high, int32_t *acc)
{
    const __m256i part[4] = {_mm256_cvtepi16_epi32(_mm256_castsi256_si128(low)),
                             _mm256_cvtepi16_epi32(_mm256_extracti128_si256(low, 1)),
                             _mm256_cvtepi16_epi32(_mm256_castsi256_si128(high)),
                             _mm256_cvtepi16_epi32(_mm256_extracti128_si256(high, 1))};
    __m256i *out = (__m256i *)acc;
    for (int q = 0; q < 4; ++q) _mm256_store_si256(out + q, _mm256_add_epi32(_mm256_load_si256(out + q), part[q]));
}

SNN_INLINE void snn_widen4(__m256i *low, __m256i *high, int32_t acc[][BLOCK])
{
    for (int i = 0; i < 4; ++i) {
        snn_widen(low[i], high[i], acc[i]);
        low[i] = high[i] = _mm256_setzero_si256();
    }
}
#endif

/* acc[r][c] += sum over runs and k of x[r][run][k] * w[run][k][c], for BLOCK channels; fan-in of a run is even. */
SNN_INLINE void snn_tile(int rows, const uint8_t *const *x, const int8_t *w, int runs, const int32_t *at, int run, int flush,
                         int32_t acc[][BLOCK])
{
#if SNN_SIMD
    const __m256i zero = _mm256_setzero_si256();
    for (int r = 0; r < rows; r += 4) {
        __m256i low[4], high[4];
        int added = 0;
        for (int i = 0; i < 4; ++i) low[i] = high[i] = zero;
        for (int n = 0; n < runs; ++n) {
            const int8_t *wn = w + (int64_t)n * run * BLOCK;
            for (int k = 0, end; k < run; k = end) {
                end = run - k > 2 * flush ? k + 2 * flush : run;
                if (2 * added + end - k > 2 * flush) {
                    snn_widen4(low, high, acc + r);
                    added = 0;
                }
                added += (end - k) / 2;
                for (int q = k; q < end; q += 2) {
                    const __m256i a = _mm256_load_si256((const __m256i *)(wn + (int64_t)q * BLOCK));
                    const __m256i b = _mm256_load_si256((const __m256i *)(wn + (int64_t)q * BLOCK + 32));
                    for (int i = 0; i < 4; ++i) {
                        int16_t pair;
                        memcpy(&pair, x[r + i] + at[n] + q, 2);
                        const __m256i p = _mm256_set1_epi16(pair);
                        low[i] = _mm256_add_epi16(low[i], _mm256_maddubs_epi16(p, a));
                        high[i] = _mm256_add_epi16(high[i], _mm256_maddubs_epi16(p, b));
                    }
                }
            }
        }
        snn_widen4(low, high, acc + r);
    }
#else
    snn_tile_wide(rows, x, w, runs, at, run, flush, acc);
#endif
}

/* acc[c] += sum over the events of some taps of payload * w[tap][channel][c]: only what is not zero is touched. */
typedef struct { const uint16_t *channel; const int16_t *payload; int32_t count; int64_t tap; } snn_events;

SNN_INLINE void snn_gather(int used, const snn_events *e, const int8_t *w, int binary, int flush, int32_t *acc)
{
#if SNN_SIMD
    const __m256i zero = _mm256_setzero_si256();
    __m256i low = zero, high = zero;
    int added = 0;
    for (int n = 0; n < used; ++n) {
        const int8_t *wt = w + e[n].tap;
        for (int k = 0; k < e[n].count; ++k) {
            const __m128i *from = (const __m128i *)(wt + (int64_t)e[n].channel[k] * BLOCK);
            __m256i a = _mm256_cvtepi8_epi16(_mm_load_si128(from));
            __m256i b = _mm256_cvtepi8_epi16(_mm_load_si128(from + 1));
            if (!binary) {
                const __m256i v = _mm256_set1_epi16(e[n].payload[k]);
                a = _mm256_mullo_epi16(a, v);
                b = _mm256_mullo_epi16(b, v);
            }
            low = _mm256_add_epi16(low, a);
            high = _mm256_add_epi16(high, b);
            if (++added == flush) {
                snn_widen(low, high, acc);
                low = high = zero;
                added = 0;
            }
        }
    }
    if (added) snn_widen(low, high, acc);
#else
    (void)flush;
    for (int n = 0; n < used; ++n)
        for (int k = 0; k < e[n].count; ++k) {
            const int8_t *wk = w + e[n].tap + (int64_t)e[n].channel[k] * BLOCK;
            const int32_t v = binary ? 1 : e[n].payload[k];
            for (int c = 0; c < BLOCK; ++c) acc[c] += v * wk[c];
        }
#endif
}
"""
