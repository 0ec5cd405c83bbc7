static void dense_@NUMBER@(@PARAMETERS@, snn_phase *team)
{
    static const int32_t at[@RUNS@] = {@OFFSETS@};
    @KIND@ *const pad = scratch;
    (void)traces;
    SNN_SHARED(@LAYING@, @LAYING_PARTS@, @PADDED_ROWS@,
        for (int64_t r = from; r < to; ++r) { /* a row of the padded input at a step */
            const int t = (int)(r / @PADDED_HEIGHT@), y = (int)(r % @PADDED_HEIGHT@) - @ABOVE@;
            memset(pad + r * @PADDED_ROW@, @ZERO@, @PADDED_ROW@ * sizeof *pad);
            if (y < 0 || y >= @HEIGHT@) continue;
            for (int x = 0; x < @WIDTH@; ++x)
                for (int g = 0; g < @GROUPS@; ++g) {
                    const @INPUT@ *source = in + ((t * @HEIGHT@ + y) * INT64_C(@WIDTH@) + x) * @CHANNELS@ + g * @ENTERING@;
                    @KIND@ *place = pad + ((r * INT64_C(@PADDED_WIDTH@) + x + @BESIDE@) * @GROUPS@ + g) * @FAN_IN@;
                    for (int c = 0; c < @ENTERING@; ++c) place[c] = (@KIND@)(source[c] + @ZERO@);
                }
        })
    SNN_SHARED(@SUMMING@, @SUMMING_PARTS@, @ROWS_OF_BLOCKS@,
        for (int64_t r = from; r < to; ++r) { /* a row of the output, of a block of channels */
            const int y = (int)(r % @OUT_HEIGHT@), b = (int)(r / @OUT_HEIGHT@ % @BLOCKS@), g = (int)(r / @OUT_HEIGHT@ / @BLOCKS@);
            const int8_t *w = weight_@NUMBER@ + (g * @BLOCKS@ + b) * INT64_C(@BLOCK_BYTES@);
            const int32_t *bias = bias_@NUMBER@ + (g * @BLOCKS@ + b) * @BLOCK@;
            const int first = g * @PER_GROUP@ + b * @BLOCK@;
            const int n = @PER_GROUP@ - b * @BLOCK@ < @BLOCK@ ? @PER_GROUP@ - b * @BLOCK@ : @BLOCK@;
            for (int x = 0; x < @OUT_WIDTH@; x += @PLACES@) {
                SNN_ALIGNED int32_t sums[@SUMS@];
                const @KIND@ *row[@ROWS@];
                for (int p = 0; p < @PLACES@; ++p)
                    for (int t = 0; t < @STEPS@; ++t) {
                        const int xx = x + p < @OUT_WIDTH@ ? x + p : @LAST@;
                        const int64_t at_place = (t * @PADDED_HEIGHT@ + y * @DOWN@) * INT64_C(@PADDED_WIDTH@) + xx * @ACROSS@;
                        row[p * @STEPS@ + t] = pad + at_place * @INNER@ + g * @FAN_IN@;
                        memcpy(sums + (p * @STEPS@ + t) * @BLOCK@, bias, @BIAS_BYTES@);
                    }
                @TILE@(@ROWS@, row, w, (n + 15) / 16, @RUNS@, at, @RUN@, @FLUSH@, sums, @BLOCK@);
                for (int p = 0; p < @PLACES@ && x + p < @OUT_WIDTH@; ++p) {
                    const int64_t place = y * INT64_C(@OUT_WIDTH@) + x + p;
                    const int32_t *acc = sums + p * @PLACE_SUMS@;
                    @HANDED@
                }
            }
        })
}
