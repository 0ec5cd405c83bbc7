enum { SNN_BINARY, SNN_UNSIGNED, SNN_SIGNED }; /* spike values; with the last, weights have 128 added and are unsigned */

/* How many of n bytes are not zero. */
SNN_INLINE int64_t snn_active(const void *bytes, int64_t n)
{
    const uint8_t *x = bytes;
    int64_t many = 0, c = 0;
#if defined(SNN_COMPRESS)
    for (; c + 64 <= n; c += 64) {
        const __m512i v = _mm512_loadu_si512(x + c);
        many += __builtin_popcountll(_mm512_test_epi8_mask(v, v));
    }
#elif defined(SNN_AVX2)
    for (; c + 32 <= n; c += 32) {
        const __m256i zero = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(x + c)), _mm256_setzero_si256());
        many += 32 - __builtin_popcount((unsigned)_mm256_movemask_epi8(zero));
    }
#endif
    for (; c < n; ++c) many += x[c] != 0;
    return many;
}

/* Channels and spike values of a place that are not zero; their number, and the sum of the spike values. Up to 64 more of
   either are written. */
#if defined(SNN_COMPRESS)
SNN_INLINE int32_t snn_list(const void *bytes, int n, int kind, uint16_t *channel, int8_t *spike, int32_t *total)
{
    static const uint8_t SNN_ALIGNED count[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i numbers = _mm512_load_si512(count);
    __m512i sum = _mm512_setzero_si512();
    int32_t many = 0;
    for (int c = 0; c < n; c += 64) {
        const __mmask64 here = n - c < 64 ? ((__mmask64)1 << (n - c)) - 1 : ~(__mmask64)0;
        const __m512i x = _mm512_maskz_loadu_epi8(here, (const int8_t *)bytes + c), first = _mm512_set1_epi16((int16_t)c);
        const __mmask64 active = _mm512_test_epi8_mask(x, x);
        const __m512i which = _mm512_maskz_compress_epi8(active, numbers);
        const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(which));
        _mm512_storeu_si512(channel + many, _mm512_add_epi16(low, first));
        if (n - c > 32) {
            const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(which, 1));
            _mm512_storeu_si512(channel + many + 32, _mm512_add_epi16(high, first));
        }
        if (kind != SNN_BINARY) _mm512_storeu_si512(spike + many, _mm512_maskz_compress_epi8(active, x));
        if (kind == SNN_SIGNED) /* in int16, two by two, and those in int32 */
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_set1_epi8(1), x), _mm512_set1_epi16(1)));
        many += (int32_t)__builtin_popcountll(active);
    }
    *total = kind == SNN_SIGNED ? _mm512_reduce_add_epi32(sum) : 0;
    return many;
}
#else
SNN_INLINE int32_t snn_list(const void *bytes, int n, int kind, uint16_t *channel, int8_t *spike, int32_t *total)
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
            if (kind != SNN_BINARY) spike[many] = x[i];
            if (kind == SNN_SIGNED) sum += x[i];
            ++many;
        }
    }
#endif
    for (; c < n; ++c) {
        if (!x[c]) continue;
        channel[many] = (uint16_t)c;
        spike[many] = x[c];
        sum += x[c];
        ++many;
    }
    *total = sum;
    return many;
}
#endif

/* to[k] = base + from[k] * row for n events, row 32 or 64; up to 32 more are written: whether there are any, of a place where
   little fires, or more than fit a vector, no processor can guess. */
SNN_INLINE void snn_offsets(uint32_t *to, const uint16_t *from, int n, uint32_t base, int row)
{
#if defined(SNN_COMPRESS)
    const __m512i b = _mm512_set1_epi32((int)base);
    int k = 0;
    do
        for (int half = k; half < k + 32; half += 16) {
            const __m512i c = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(from + half)));
            _mm512_storeu_si512(to + half, _mm512_add_epi32(b, _mm512_slli_epi32(c, row == 64 ? 6 : 5)));
        }
    while ((k += 32) < n);
#elif defined(SNN_AVX2)
    const __m256i b = _mm256_set1_epi32((int)base);
    int k = 0;
    do
        for (int part = k; part < k + 32; part += 8) {
            const __m256i c = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(from + part)));
            _mm256_storeu_si256((__m256i *)(to + part), _mm256_add_epi32(b, _mm256_slli_epi32(c, row == 64 ? 6 : 5)));
        }
    while ((k += 32) < n);
#else
    for (int k = 0; k < n; ++k) to[k] = base + from[k] * (uint32_t)row;
#endif
}

/* Copies n spike values, and up to 32 more, for the same reason. */
SNN_INLINE void snn_values(int8_t *to, const int8_t *from, int n)
{
#if defined(SNN_AVX2)
    int k = 0;
    do _mm256_storeu_si256((__m256i *)(to + k), _mm256_loadu_si256((const __m256i *)(from + k)));
    while ((k += 32) < n);
#else
    memcpy(to, from, (size_t)n);
#endif
}

/* Reads so many bytes in their order, so that they are in a cache when they are used in another. */
SNN_INLINE void snn_read(const void *bytes, int64_t n)
{
    for (int64_t at = 0; at < n; at += 64) (void)((const volatile uint8_t *)bytes)[at];
}

/* acc[c] += sum of spike[k] * w[offset[k] + c] for vectors * 32 channels; the number of events is even. */
SNN_INLINE void snn_gather(int count, const uint32_t *offset, const int8_t *spike, const void *weights, int vectors, int kind,
                           int flush, int32_t *acc)
{
#if defined(SNN_AVX2)
    const int8_t *w = weights;
#if defined(SNN_COMPRESS)
    if (vectors == 2) {
        const __m512i first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
        for (int k = 0, end; k < count; k = end) {
            __m512i low = _mm512_setzero_si512(), high = low;
            end = count - k > 2 * flush ? k + 2 * flush : count;
            for (int q = k; q < end; q += 2) {
                const __m512i one = _mm512_load_si512(w + offset[q]), other = _mm512_load_si512(w + offset[q + 1]);
                const __m512i lows = _mm512_unpacklo_epi8(one, other), highs = _mm512_unpackhi_epi8(one, other);
                const int s = kind == SNN_SIGNED;
                __m512i p = _mm512_set1_epi8(1);
                if (kind != SNN_BINARY) {
                    int16_t pair;
                    memcpy(&pair, spike + q, 2);
                    p = _mm512_set1_epi16(pair);
                }
                low = _mm512_add_epi16(low, _mm512_maddubs_epi16(s ? lows : p, s ? p : lows));
                high = _mm512_add_epi16(high, _mm512_maddubs_epi16(s ? highs : p, s ? p : highs));
            }
            for (int h = 0; h < 2; ++h) { /* eight channels of each in turn: sixteen that follow each other */
                const __m512i s = _mm512_permutex2var_epi64(low, h ? second : first, high);
                const __m512i a = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(s));
                const __m512i b = _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(s, 1));
                int32_t *const to = acc + 32 * h;
                _mm512_store_si512(to, _mm512_add_epi32(_mm512_load_si512(to), a));
                _mm512_store_si512(to + 16, _mm512_add_epi32(_mm512_load_si512(to + 16), b));
            }
        }
        return;
    }
#endif
    for (int k = 0, end; k < count; k = end) {
        __m256i sum[4];
        for (int v = 0; v < 2 * vectors; ++v) sum[v] = _mm256_setzero_si256();
        end = count - k > 2 * flush ? k + 2 * flush : count;
        for (int q = k; q < end; q += 2) {
            const __m256i *a = (const __m256i *)(w + offset[q]), *b = (const __m256i *)(w + offset[q + 1]);
            __m256i p = _mm256_set1_epi8(1);
            if (kind != SNN_BINARY) {
                int16_t pair;
                memcpy(&pair, spike + q, 2);
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
        const int32_t v = kind == SNN_BINARY ? 1 : spike[k];
        if (kind == SNN_SIGNED)
            for (int c = 0; c < 32 * vectors; ++c) acc[c] += v * ((const uint8_t *)weights + offset[k])[c];
        else
            for (int c = 0; c < 32 * vectors; ++c) acc[c] += v * ((const int8_t *)weights + offset[k])[c];
    }
#endif
}
