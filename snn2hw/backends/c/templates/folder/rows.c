/* Adds the listed rows of weight_@WEIGHTS@ to the sums of a place: two outputs in one addition, each in 16 bits of a word. */
static void rows_@NUMBER@(int32_t *restrict sum, const int32_t *restrict listed, int n)
{
    const int32_t zero = n * @ZERO@;
@VECTORS@
    for (int w = 0; w < @WORDS@; w += @BLOCK@) {
        int32_t *to = sum + w * @EACH@;
        uint32_t @START@;
        for (int k = 0; k < n; ++k) {
            const uint32_t *word = weight_@WEIGHTS@[listed[k]] + w;
@ADD@
        }
@TAKE@
    }
@END@
}
