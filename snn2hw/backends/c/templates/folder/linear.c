    for (int t = 0; t < @STEPS@; ++t) {
        int32_t *sum = sums + t * @OUTPUTS@;
@LIST@
        memcpy(sum, bias_@WEIGHTS@, sizeof *sum * @OUTPUTS@);
        for (int c = 0; c < @INPUTS@; ++c) {
            const int32_t v = in[t * @INPUTS@ + c];
            if (v == 0) continue;
@ADD@
        }
@REST@
    }
@USE@
