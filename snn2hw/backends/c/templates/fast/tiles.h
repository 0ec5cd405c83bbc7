#if defined(SNN_TILES)
/* What a tile is, by number: bytes of a row, and rows. Sums are 0 to 3, spike values 4 and 5, weights 6 and 7. */
struct snn_tile_shapes {
    uint8_t palette, start, none[14];
    uint16_t bytes[16];
    uint8_t rows[16];
};
#define SNN_TILE_SHAPES(rows, depth)                                                                                        \
    {1, 0, {0}, {64, 64, 64, 64, depth, depth, 64, 64}, {rows, rows, rows, rows, rows, rows, (depth) / 4, (depth) / 4} }

/* sum[r][c] = bias[c] + sum over runs and k of x[r][run][k] * w[run][k][c], in R times 16 rows and Q times 16 channels. */
SNN_INLINE void snn_tiles_of(const int R, const int Q, const uint8_t *const *x, int64_t apart, const int8_t *w, int64_t quarter,
                             int runs, const int32_t *at, int run, int depth, const int32_t *bias, int32_t *sums, int64_t stride)
{
    SNN_TILE_LOAD(0, bias, 0); /* the same row sixteen times */
    if (Q > 1) SNN_TILE_LOAD(1, bias + 16, 0);
    if (R > 1) SNN_TILE_LOAD(2, bias, 0);
    if (R > 1 && Q > 1) SNN_TILE_LOAD(3, bias + 16, 0);
    for (int n = 0; n < runs; ++n)
        for (int k = at[n]; k < at[n] + run; k += depth, w += 16 * depth) {
            SNN_TILE_LOAD(4, x[0] + k, apart);
            SNN_TILE_LOAD(6, w, 64);
            SNN_TILE_DOT(0, 4, 6);
            if (Q > 1) SNN_TILE_LOAD(7, w + quarter, 64);
            if (Q > 1) SNN_TILE_DOT(1, 4, 7);
            if (R > 1) SNN_TILE_LOAD(5, x[1] + k, apart);
            if (R > 1) SNN_TILE_DOT(2, 5, 6);
            if (R > 1 && Q > 1) SNN_TILE_DOT(3, 5, 7);
        }
    SNN_TILE_STORE(0, sums, 4 * stride);
    if (Q > 1) SNN_TILE_STORE(1, sums + 16, 4 * stride);
    if (R > 1) SNN_TILE_STORE(2, sums + 16 * stride, 4 * stride);
    if (R > 1 && Q > 1) SNN_TILE_STORE(3, sums + 16 * stride + 16, 4 * stride);
}

/* Tiles below each other, from the rows that x points to, by quarters of 16 channels side by side: two by two. */
static inline void snn_tiles(int tiles, const uint8_t *const *x, int64_t apart, const int8_t *w, int quarters, int runs,
                             const int32_t *at, int run, int depth, const int32_t *bias, int32_t *sums, int64_t stride)
{
    const int64_t quarter = (int64_t)runs * run * 16;
#define SNN_TILES_AT(R, Q)                                                                                                  \
    snn_tiles_of(R, Q, x + m, apart, w + q * quarter, quarter, runs, at, run, depth, bias + q * 16,                         \
                 sums + m * 16 * stride + q * 16, stride)
    for (int q = 0; q < quarters; q += 2)
        for (int m = 0; m < tiles; m += 2) {
            if (tiles - m > 1 && quarters - q > 1) SNN_TILES_AT(2, 2);
            else if (tiles - m > 1) SNN_TILES_AT(2, 1);
            else if (quarters - q > 1) SNN_TILES_AT(1, 2);
            else SNN_TILES_AT(1, 1);
        }
}
#endif
