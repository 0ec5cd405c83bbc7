/* acc[r * stride + c] += sum over runs and k of x[r][run][k] * w[run][k][c], for 16 channels of each quarter. */
#define SNN_PLAIN(name, type)                                                                                               \
    SNN_INLINE void name(int rows, const type *const *x, const int8_t *w, int quarters, int runs, const int32_t *at,        \
                         int run, int flush, int32_t *acc, int stride)                                                      \
    {                                                                                                                       \
        (void)flush;                                                                                                        \
        for (int r = 0; r < rows; ++r)                                                                                      \
            for (int q = 0; q < quarters; ++q) {                                                                            \
                const int8_t *wk = w + (int64_t)q * runs * run * 16;                                                        \
                int32_t *out = acc + r * stride + q * 16;                                                                   \
                for (int n = 0; n < runs; ++n)                                                                              \
                    for (int k = 0; k < run; k += 4, wk += 64) {                                                            \
                        const type *v = x[r] + at[n] + k;                                                                   \
                        if (v[0] || v[1] || v[2] || v[3])                                                                   \
                            for (int c = 0; c < 16; ++c)                                                                    \
                                out[c] += v[0] * wk[4 * c] + v[1] * wk[4 * c + 1] + v[2] * wk[4 * c + 2] + v[3] * wk[4 * c + 3]; \
                    }                                                                                                       \
            }                                                                                                               \
    }
SNN_PLAIN(snn_tile_int, int32_t)

#if defined(SNN_WIDE)
/* R rows by Q quarters in registers: of each four of the fan-in, Q loads of weights and R of spike values, R * Q products. */
SNN_INLINE void snn_wide(const int R, const int Q, const uint8_t *const *x, const int8_t *w, int64_t quarter, int runs,
                         const int32_t *at, int run, int64_t block, int32_t *acc, int stride)
{
    SNN_WIDE sum[8][4];
    for (int i = 0; i < R; ++i)
        for (int j = 0; j < Q; ++j) sum[i][j] = SNN_WIDE_LOAD(acc + i * stride + j * 16);
    for (int n = 0; n < runs; ++n)
        for (int k = at[n]; k < at[n] + run; k += 4, w += 64) {
            SNN_WIDE v[4];
            for (int j = 0; j < Q; ++j) {
                v[j] = SNN_WIDE_LOAD(w + j * quarter);
                SNN_WIDE_KEEP(v[j]);
                SNN_PREFETCH((uintptr_t)(w + j * quarter) + (uintptr_t)block);
            }
            for (int i = 0; i < R; ++i) {
                int32_t four;
                memcpy(&four, x[i] + k, 4);
                const SNN_WIDE p = SNN_WIDE_FOUR(four);
                for (int j = 0; j < Q; ++j) SNN_WIDE_DOT(sum[i][j], p, v[j]);
            }
        }
    for (int i = 0; i < R; ++i)
        for (int j = 0; j < Q; ++j) SNN_WIDE_STORE(acc + i * stride + j * 16, sum[i][j]);
}

#define SNN_WIDE_TILES(R, Q)                                                                                                \
    for (; q + Q <= quarters; q += Q)                                                                                       \
    snn_wide(R, Q, x, w + q * quarter, quarter, runs, at, run, quarter * quarters, acc + q * 16, stride)

/* As many products at a time as registers hold the sums of. */
SNN_INLINE void snn_part(int rows, const uint8_t *const *x, const int8_t *w, int quarters, int runs, const int32_t *at, int run,
                         int flush, int32_t *acc, int stride)
{
    const int64_t quarter = (int64_t)runs * run * 16;
    int q = 0;
    (void)flush;
#define SNN_WIDE_ROWS(R)                                                                                                    \
    if (rows == R) {                                                                                                        \
        if (R < 7) SNN_WIDE_TILES(R, 4);                                                                                    \
        SNN_WIDE_TILES(R, 2);                                                                                               \
        SNN_WIDE_TILES(R, 1);                                                                                               \
    }
    SNN_WIDE_ROWS(1)
    SNN_WIDE_ROWS(2)
    SNN_WIDE_ROWS(3)
    SNN_WIDE_ROWS(4)
    SNN_WIDE_ROWS(5)
    SNN_WIDE_ROWS(6)
    SNN_WIDE_ROWS(7)
    SNN_WIDE_ROWS(8)
}
#define SNN_PART 8
#elif defined(SNN_AVX2)
/* In registers: compilers would rather load the weights again for every row, and the loads are what there is least of. */
#define SNN_KEEP(a, b) __asm__("" : "+x"(a), "+x"(b))

SNN_INLINE __m256i snn_four(const uint8_t *x)
{
    int32_t four;
    memcpy(&four, x, 4);
    return _mm256_set1_epi32(four);
}

#define SNN_SOME 1
SNN_INLINE void snn_some(const int R, const uint8_t *const *x, const int8_t *w, int quarters, int runs, const int32_t *at, int run,
                         int flush, int32_t *acc, int stride)
{
    const int64_t block = (int64_t)quarters * runs * run * 16;
    for (int q = 0; q < quarters; ++q) {
        const int8_t *wk = w + (int64_t)q * runs * run * 16;
        __m256i sum[4][2];
        for (int i = 0; i < 2 * R; ++i)
            sum[i / 2][i % 2] = _mm256_load_si256((const __m256i *)(acc + i / 2 * stride + q * 16 + i % 2 * 8));
#if defined(SNN_DOT)
        (void)flush;
        for (int n = 0; n < runs; ++n)
            for (int k = 0; k < run; k += 4, wk += 64) {
                __m256i a = _mm256_load_si256((const __m256i *)wk), b = _mm256_load_si256((const __m256i *)(wk + 32));
                SNN_KEEP(a, b);
                SNN_PREFETCH((uintptr_t)wk + (uintptr_t)block);
                for (int i = 0; i < R; ++i) {
                    const __m256i p = snn_four(x[i] + at[n] + k);
                    sum[i][0] = SNN_DOT(sum[i][0], p, a);
                    sum[i][1] = SNN_DOT(sum[i][1], p, b);
                }
            }
#else
        const __m256i one = _mm256_set1_epi16(1);
        if (!flush) { /* x = 2 * (x >> 1) + (x & 1), of which neither product leaves int16 */
            const __m256i two = _mm256_set1_epi16(2), low = _mm256_set1_epi8(1), seven = _mm256_set1_epi8(127);
            for (int n = 0; n < runs; ++n)
                for (int k = 0; k < run; k += 4, wk += 64)
                    for (int i = 0; i < R; ++i) {
                        const __m256i p = snn_four(x[i] + at[n] + k), odd = _mm256_and_si256(p, low);
                        const __m256i high = _mm256_and_si256(_mm256_srli_epi16(p, 1), seven);
                        for (int h = 0; h < 2; ++h) {
                            const __m256i v = _mm256_load_si256((const __m256i *)(wk + 32 * h));
                            const __m256i twice = _mm256_madd_epi16(_mm256_maddubs_epi16(high, v), two);
                            const __m256i once = _mm256_madd_epi16(_mm256_maddubs_epi16(odd, v), one);
                            sum[i][h] = _mm256_add_epi32(sum[i][h], _mm256_add_epi32(twice, once));
                        }
                    }
        } else {
            __m256i half[4][2];
            int room = flush;
            for (int i = 0; i < 2 * R; ++i) half[i / 2][i % 2] = _mm256_setzero_si256();
            for (int n = 0; n < runs; ++n)
                for (int k = 0; k < run;) {
                    const int end = run - k > 4 * room ? k + 4 * room : run;
                    room -= (end - k) / 4;
                    for (; k < end; k += 4, wk += 64) {
                        __m256i a = _mm256_load_si256((const __m256i *)wk), b = _mm256_load_si256((const __m256i *)(wk + 32));
                        SNN_KEEP(a, b);
                        SNN_PREFETCH((uintptr_t)wk + (uintptr_t)block);
                        for (int i = 0; i < R; ++i) {
                            const __m256i p = snn_four(x[i] + at[n] + k);
                            half[i][0] = _mm256_add_epi16(half[i][0], _mm256_maddubs_epi16(p, a));
                            half[i][1] = _mm256_add_epi16(half[i][1], _mm256_maddubs_epi16(p, b));
                        }
                    }
                    if (room && (k < run || n + 1 < runs)) continue;
                    room = flush;
                    for (int i = 0; i < 2 * R; ++i) {
                        __m256i *h = &half[i / 2][i % 2];
                        sum[i / 2][i % 2] = _mm256_add_epi32(sum[i / 2][i % 2], _mm256_madd_epi16(*h, one));
                        *h = _mm256_setzero_si256();
                    }
                }
        }
#endif
        for (int i = 0; i < 2 * R; ++i)
            _mm256_store_si256((__m256i *)(acc + i / 2 * stride + q * 16 + i % 2 * 8), sum[i / 2][i % 2]);
    }
}
#elif defined(SNN_NEON)
#define SNN_SOME 1
SNN_INLINE void snn_some(const int R, const uint8_t *const *x, const int8_t *w, int quarters, int runs, const int32_t *at, int run,
                         int flush, int32_t *acc, int stride)
{
    for (int q = 0; q < quarters; ++q) {
        const int8_t *wk = w + (int64_t)q * runs * run * 16;
        int32x4_t sum[4][4];
        for (int i = 0; i < 4 * R; ++i) sum[i / 4][i % 4] = vld1q_s32(acc + i / 4 * stride + q * 16 + i % 4 * 4);
        for (int n = 0; n < runs; ++n)
            for (int k = 0; k < run; k += 4, wk += 64)
                for (int i = 0; i < R; ++i) {
                    uint32_t four;
                    memcpy(&four, x[i] + at[n] + k, 4);
                    const uint8x16_t p = vreinterpretq_u8_u32(vdupq_n_u32(four));
                    const int8x16_t odd = vreinterpretq_s8_u8(vandq_u8(p, vdupq_n_u8(1)));
                    const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(p, 1));
                    for (int h = 0; h < 4; ++h) {
                        const int8x16_t v = vld1q_s8(wk + 16 * h);
                        if (flush) /* no spike value above 127 */
                            sum[i][h] = vdotq_s32(sum[i][h], vreinterpretq_s8_u8(p), v);
                        else
                            sum[i][h] = vdotq_s32(vdotq_s32(vdotq_s32(sum[i][h], high, v), high, v), odd, v);
                    }
                }
        for (int i = 0; i < 4 * R; ++i) vst1q_s32(acc + i / 4 * stride + q * 16 + i % 4 * 4, sum[i / 4][i % 4]);
    }
}
#else
SNN_PLAIN(snn_tile, uint8_t)
#endif

#if defined(SNN_SOME)
SNN_INLINE void snn_part(int rows, const uint8_t *const *x, const int8_t *w, int quarters, int runs, const int32_t *at, int run,
                         int flush, int32_t *acc, int stride)
{
#define SNN_SOME_ROWS(R)                                                                                                    \
    if (rows == R) snn_some(R, x, w, quarters, runs, at, run, flush, acc, stride);
    SNN_SOME_ROWS(1)
    SNN_SOME_ROWS(2)
    SNN_SOME_ROWS(3)
    SNN_SOME_ROWS(4)
}
#define SNN_PART 4
#endif
#if defined(SNN_PART)
/* Rows in parts that are as large as can be, and as equal as can be: of nine rows five and four, not eight and one. */
SNN_INLINE void snn_tile(int rows, const uint8_t *const *x, const int8_t *w, int quarters, int runs, const int32_t *at, int run,
                         int flush, int32_t *acc, int stride)
{
    const int parts = (rows + SNN_PART - 1) / SNN_PART, size = rows / parts, larger = rows % parts * (size + 1);
    int r = 0;
    for (; r < larger; r += size + 1)
        snn_part(size + 1, x + r, w, quarters, runs, at, run, flush, acc + r * stride, stride);
    for (; r < rows; r += size) snn_part(size, x + r, w, quarters, runs, at, run, flush, acc + r * stride, stride);
}
#endif
