static void dense_@NUMBER@(@PARAMETERS@)
{
    static const int32_t at[@RUNS@] = {@OFFSETS@};
    @KIND@ *const pad = scratch;
    (void)traces;
    memset(pad, @ZERO@, @PAD_BYTES@);
    for (int t = 0; t < @STEPS@; ++t)
        for (int y = 0; y < @HEIGHT@; ++y)
            for (int x = 0; x < @WIDTH@; ++x)
                for (int g = 0; g < @GROUPS@; ++g) {
                    const @INPUT@ *from = in + ((t * @HEIGHT@ + y) * INT64_C(@WIDTH@) + x) * @CHANNELS@ + g * @ENTERING@;
                    @KIND@ *to = pad + (((t * @PADDED_HEIGHT@ + y + @ABOVE@) * INT64_C(@PADDED_WIDTH@) + x + @BESIDE@) * @GROUPS@ + g) * @FAN_IN@;
                    for (int c = 0; c < @ENTERING@; ++c) to[c] = (@KIND@)(from[c] + @ZERO@);
                }
    for (int g = 0; g < @GROUPS@; ++g)
        for (int b = 0; b < @BLOCKS@; ++b) {
            const int8_t *w = weight_@NUMBER@ + (g * @BLOCKS@ + b) * INT64_C(@BLOCK_BYTES@);
            const int32_t *bias = bias_@NUMBER@ + (g * @BLOCKS@ + b) * @BLOCK@;
            const int first = g * @PER_GROUP@ + b * @BLOCK@;
            const int n = @PER_GROUP@ - b * @BLOCK@ < @BLOCK@ ? @PER_GROUP@ - b * @BLOCK@ : @BLOCK@;
            for (int y = 0; y < @OUT_HEIGHT@; ++y)
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
        }
}
