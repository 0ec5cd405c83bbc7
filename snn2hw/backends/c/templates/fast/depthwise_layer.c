static void depthwise_@NUMBER@(@PARAMETERS@, snn_phase *team)
{
    (void)scratch; (void)traces;
    SNN_SHARED(@SUMMING@, @SUMMING_PARTS@, @OUT_HEIGHT@,
        for (int64_t y = from; y < to; ++y)
            for (int x = 0; x < @OUT_WIDTH@; ++x) {
                const int64_t place = y * INT64_C(@OUT_WIDTH@) + x;
                for (int first = 0; first < @CHANNELS@; first += BLOCK) {
                    SNN_ALIGNED int32_t sums[@STEPS@ * BLOCK];
                    const int n = @CHANNELS@ - first < BLOCK ? @CHANNELS@ - first : BLOCK;
                    const int32_t *acc = sums;
                    for (int t = 0; t < @STEPS@; ++t) {
                        int32_t *const sum = sums + t * BLOCK;
                        memcpy(sum, bias_@NUMBER@ + first, sizeof *sum * (size_t)n);
                        for (int i = 0; i < @KERNEL_HEIGHT@; ++i) {
                            const int64_t yy = y * @DOWN@ + i * @DILATED_DOWN@ - @ABOVE@;
                            if (yy < 0 || yy >= @HEIGHT@) continue;
                            for (int j = 0; j < @KERNEL_WIDTH@; ++j) {
                                const int xx = x * @ACROSS@ + j * @DILATED_ACROSS@ - @BESIDE@;
                                if (xx < 0 || xx >= @WIDTH@) continue;
                                const @INPUT@ *v = in + ((t * @HEIGHT@ + yy) * INT64_C(@WIDTH@) + xx) * @CHANNELS@ + first;
                                const int8_t *w = weight_@NUMBER@ + (i * @KERNEL_WIDTH@ + j) * INT64_C(@CHANNELS@) + first;
                                /* Of a whole block the compiler knows the number, and needs no rest. */
                                if (n == BLOCK) for (int c = 0; c < BLOCK; ++c) sum[c] += (int32_t)v[c] * w[c];
                                else for (int c = 0; c < n; ++c) sum[c] += (int32_t)v[c] * w[c];
                            }
                        }
                    }
                    @HANDED@
                }
            })
}
