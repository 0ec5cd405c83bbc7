#if SNN_LANES > 1 /* so many words at a time, in a vector */
    typedef uint32_t words __attribute__((vector_size(sizeof(uint32_t) * @LANES@)));
    for (int w = 0; w < @WORDS@; w += @STEP@) {
        words @START@;
        for (int k = 0; k < n; ++k) {
            const uint32_t *row = weight_@WEIGHTS@[listed[k]] + w;
            words @READ@;
@COPY@
@ADD@
        }
        for (int l = 0; l < @LANES@; ++l) {
            int32_t *to = sum + (w + l) * @EACH@;
@TAKE@
        }
    }
#else
