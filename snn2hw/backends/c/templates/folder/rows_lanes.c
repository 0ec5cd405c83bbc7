#if SNN_LANES > 1 /* that many words at a time, in a vector; rows are aligned as words are */
    typedef uint32_t words __attribute__((vector_size(sizeof(uint32_t) * @LANES@), aligned(sizeof(uint32_t)), may_alias));
    for (int w = 0; w < @WORDS@; w += @STEP@) {
        words @START@;
        for (int k = 0; k < n; ++k) {
            const words *word = (const words *)(weight_@WEIGHTS@[listed[k]] + w);
@ADD@
        }
        for (int l = 0; l < @LANES@; ++l) {
            int32_t *to = sum + (w + l) * @EACH@;
@TAKE@
        }
    }
#else
