#if defined(SNN_TILES)
/* As dense_@NUMBER@; 0 and nothing done where the system grants no tiles. */
static int tiles_@NUMBER@(@PARAMETERS@, snn_phase *team)
{
    static const int32_t at[@TAPS@] = {@OFFSETS@};
    static const struct snn_tile_shapes shapes = SNN_TILE_SHAPES(@ROWS@, @DEPTH@);
    uint8_t *const pad = scratch;
    (void)traces;
    if (!SNN_TILES_GRANTED()) return 0;
    SNN_SHARED(@LAYING@, @LAYING_PARTS@, @PADDED_HEIGHT@ + 1,
        for (int64_t r = from; r < to; ++r) { /* a row of the padded input, and what the last tile reads beyond */
            const int y = (int)r - @ABOVE@;
            memset(pad + r * @ROW_BYTES@, @ZERO@, r < @PADDED_HEIGHT@ ? @ROW_BYTES@ : @BEYOND_BYTES@);
            for (int x = 0; x < @WIDTH@ && y >= 0 && y < @HEIGHT@; ++x)
                for (int t = 0; t < @STEPS@; ++t) {
                    const int64_t line = r * @PHASES@ + (x + @BESIDE@) % @PHASES@;
                    for (int g = 0; g < @GROUPS@; ++g) {
                        const @INPUT@ *source = in + ((t * @HEIGHT@ + y) * INT64_C(@WIDTH@) + x) * @CHANNELS@ + g * @ENTERING@;
                        uint8_t *place = pad + ((line * @LINE@ + (x + @BESIDE@) / @PHASES@) * @STEPS@ + t) * @INNER@ + g * @FAN_IN@;
                        for (int c = 0; c < @ENTERING@; ++c) place[c] = (uint8_t)(source[c] + @ZERO@);
                    }
                }
        })
    SNN_TILES_BEGIN(&shapes);
    SNN_SHARED(@SUMMING@, @SUMMING_PARTS@, @UNITS@,
        for (int64_t r = from; r < to; ++r) { /* cells that are summed together, of a block of channels */
            const int cell = (int)(r % @CELL_GROUPS@) * @TOGETHER@;
            const int b = (int)(r / @CELL_GROUPS@ % @BLOCKS@), g = (int)(r / @CELL_GROUPS@ / @BLOCKS@);
            const int8_t *w = weight_@NUMBER@ + (g * @BLOCKS@ + b) * INT64_C(@BLOCK_BYTES@);
            const int32_t *bias = bias_@NUMBER@ + (g * @BLOCKS@ + b) * @BLOCK@;
            const int first = g * @PER_GROUP@ + b * @BLOCK@;
            const int n = @PER_GROUP@ - b * @BLOCK@ < @BLOCK@ ? @PER_GROUP@ - b * @BLOCK@ : @BLOCK@;
            SNN_ALIGNED int32_t sums[@SUMS@];
            const uint8_t *row[@TILES_TOGETHER@];
            for (int m = 0; m < @TILES_TOGETHER@; ++m) { /* what is beyond the last cell is summed like it, and not used */
                const int own = cell + m / @TILES@ < @CELLS@ ? cell + m / @TILES@ : @CELLS@ - 1;
                const int64_t at_place = own / @CELLS_ACROSS@ * INT64_C(@BELOW@) + own % @CELLS_ACROSS@ * @CELL_ROWS@;
                row[m] = pad + (at_place + m % @TILES@ * 16) * @INNER@ + g * @FAN_IN@;
            }
            snn_tiles(@TILES_TOGETHER@, row, @INNER@, w, (n + 15) / 16, @TAPS@, at, @FAN_IN@, @DEPTH@, bias, sums, @BLOCK@);
            for (int u = 0; u < @TOGETHER@ && cell + u < @CELLS@; ++u)
                for (int p = 0; p < @PLACES@; ++p) {
                    const int x = (cell + u) % @CELLS_ACROSS@ * @PLACES@ + p;
                    const int64_t place = (cell + u) / @CELLS_ACROSS@ * INT64_C(@OUT_WIDTH@) + x;
                    const int32_t *acc = sums + (u * @TILES@ * 16 + p * @STEPS@) * @BLOCK@;
                    if (x >= @OUT_WIDTH@) break;
                    @HANDED@
                }
        })
    SNN_TILES_END();
    return 1;
}
#else
#define tiles_@NUMBER@(in, out, scratch, arrays, traces, team) 0
#endif
