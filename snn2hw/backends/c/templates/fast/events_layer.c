static int events_@NUMBER@(@PARAMETERS@, int most,
    snn_phase *team, uint8_t *own)
{
    uint8_t *const lists = scratch;
    uint16_t *const channel = (uint16_t *)(lists + @CHANNELS_AT@);
    int8_t *const spike = (int8_t *)(lists + @SPIKES_AT@);
    int32_t *const count = (int32_t *)(lists + @COUNTS_AT@), *const total = (int32_t *)(lists + @TOTALS_AT@);
    uint32_t *const offset = (uint32_t *)own;
    int8_t *const value = (int8_t *)(own + @VALUES_AT@);
    int32_t *const used = (int32_t *)(own + @USED_AT@), *const shift = (int32_t *)(own + @SHIFT_AT@);
    int much = 0;
    (void)traces;
    if (most <= 0) return 0;
    SNN_SHARED(@DECIDING@, 1, 1,
        much = most <= 10000 && snn_active(in, INT64_C(@INPUTS@)) * 10000 >= INT64_C(@INPUTS@) * most;
        if (team) team[@DECIDING@].way = much;)
    if (team ? team[@DECIDING@].way : much) return 0;
    SNN_SHARED(@LISTING@, @LISTING_PARTS@, @CELLS@,
        for (int64_t cell = from; cell < to; ++cell) {
            uint16_t *which = channel + cell * @ENTERING@;
            int8_t *what = spike + cell * @ENTERING@;
            /* What is written too much, up to 64 events, would be the next thread's. */
            const int apart = to < @CELLS@ && (to - cell - 1) * @ENTERING@ < 64;
            if (apart) {
                which = (uint16_t *)(own + @LAST_CHANNELS_AT@);
                what = (int8_t *)(own + @LAST_SPIKES_AT@);
            }
            count[cell] = snn_list(in + cell * @ENTERING@, @ENTERING@, @KIND@, which, what, total + cell);
            if (apart) {
                memcpy(channel + cell * @ENTERING@, which, sizeof *which * (size_t)count[cell]);
                memcpy(spike + cell * @ENTERING@, what, (size_t)count[cell]);
            }
        })
    const int chunk = team ? @TEAM_CHUNK@ : @CHUNK@, pieces = team ? @TEAM_PIECES@ : 1;
    const int chunks = (@OUT_PLACES@ + chunk - 1) / chunk;
    SNN_SHARED(@SUMMING@, @SUMMING_PARTS@, @GROUPS@ * INT64_C(1) * chunks * pieces,
        for (int64_t r = from; r < to; ++r) {
            const int g = (int)(r / pieces / chunks), start = (int)(r / pieces % chunks) * chunk, piece = (int)(r % pieces);
            const int many = @OUT_PLACES@ - start < chunk ? @OUT_PLACES@ - start : chunk;
            for (int p = 0; p < many; ++p) {
                const int y = (start + p) / @OUT_WIDTH@, x = (start + p) % @OUT_WIDTH@;
                for (int t = 0; t < @STEPS@; ++t) {
                    uint32_t *const o = offset + (p * @STEPS@ + t) * INT64_C(@LISTED@);
                    int8_t *const v = value + (p * @STEPS@ + t) * INT64_C(@LISTED@);
                    int32_t n = 0, sum = 0;
                    for (int i = 0; i < @KERNEL_HEIGHT@; ++i) {
                        const int yy = y * @DOWN@ + i * @DILATED_DOWN@ - @ABOVE@;
                        if (yy < 0 || yy >= @HEIGHT@) continue;
                        for (int j = 0; j < @KERNEL_WIDTH@; ++j) {
                            const int xx = x * @ACROSS@ + j * @DILATED_ACROSS@ - @BESIDE@;
                            if (xx < 0 || xx >= @WIDTH@) continue;
                            const int64_t cell = ((t * @HEIGHT@ + yy) * INT64_C(@WIDTH@) + xx) * @GROUPS@ + g;
                            snn_offsets(o + n, channel + cell * @ENTERING@, count[cell],
                                        (uint32_t)(i * @KERNEL_WIDTH@ + j) * @TAP_BYTES@u, @ROW@);
                            @COPY@
                            n += count[cell];
                            sum += total[cell];
                        }
                    }
                    o[n] = @ZEROS_AT@u; /* a row of zeros, where the number is odd */
                    v[n] = 0;
                    used[p * @STEPS@ + t] = n + (n & 1);
                    shift[p * @STEPS@ + t] = sum;
                }
            }
            /* Weights of events lie where no processor would guess. Read once in order they come as quickly as dense ones, which
               pays where about half of them are named. Those of a few blocks stay at hand from one chunk to the next. */
            int64_t events = 0;
            for (int k = 0; k < many * @STEPS@; ++k) events += used[k];
            const int read = 2 * events >= @TAPS@ * INT64_C(@ENTERING@);
            for (int b = @BLOCKS@ * piece / pieces; b < @BLOCKS@ * (piece + 1) / pieces; ++b) {
                const @WEIGHT@ *w = event_weight_@NUMBER@ + (g * @BLOCKS@ + b) * INT64_C(@BLOCK_BYTES@);
                const int32_t *bias = event_bias_@NUMBER@ + (g * @BLOCKS@ + b) * @BLOCK@;
                const int first = g * @PER_GROUP@ + b * @BLOCK@;
                const int n = @PER_GROUP@ - b * @BLOCK@ < @BLOCK@ ? @PER_GROUP@ - b * @BLOCK@ : @BLOCK@;
                if (read && (@FAR@ || r == from || r / pieces % chunks == 0)) snn_read(w, INT64_C(@BLOCK_BYTES@));
                for (int p = 0; p < many; ++p) {
                    SNN_ALIGNED int32_t sums[@SUMS@];
                    const int64_t place = start + p;
                    const int32_t *acc = sums;
                    for (int t = 0; t < @STEPS@; ++t) {
                        const int64_t list = (p * @STEPS@ + t) * INT64_C(@LISTED@);
                        int32_t *const sum = sums + t * @ROW@;
                        for (int c = 0; c < @BLOCK@; ++c) sum[c] = @START@;
                        for (int c = @BLOCK@; c < @ROW@; ++c) sum[c] = 0; /* of no channel, but events add to them, too */
                        snn_gather(used[p * @STEPS@ + t], offset + list, value + list, w, @VECTORS@, @KIND@, @FLUSH@, sum);
                    }
                    @HANDED@
                }
            }
        })
    return 1;
}
