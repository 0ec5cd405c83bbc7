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
