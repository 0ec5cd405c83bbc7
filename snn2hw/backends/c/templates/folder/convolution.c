    @EACH_GROUP@
    for (int y = 0; y < @OUT_HEIGHT@; ++y)
        for (int x = 0; x < @OUT_WIDTH@; ++x) {
            const int place = y * @OUT_WIDTH@ + x;
            for (int t = 0; t < @STEPS@; ++t) {
                int32_t *sum = sums + t * @OUTPUTS@;
@LIST@
                memcpy(sum, bias_@WEIGHTS@@FROM_BIAS@, sizeof *sum * @OUTPUTS@);
                for (int i = 0; i < @KERNEL_HEIGHT@; ++i) {
                    const int yy = y * @DOWN@ + i * @DILATED_DOWN@ - @ABOVE@;
                    @OUTSIDE_ABOVE@
                    for (int j = 0; j < @KERNEL_WIDTH@; ++j) {
                        const int xx = x * @ACROSS@ + j * @DILATED_ACROSS@ - @BESIDE@;
                        @OUTSIDE_BESIDE@
                        const @INPUT@ *from = in + ((t * @HEIGHT@ + yy) * @WIDTH@ + xx) * @CHANNELS@@FROM_INPUT@;
                        @ROW@(@TAP_ROW@ * @KERNEL_WIDTH@ + j) * @INPUTS@;
                        for (int c = 0; c < @INPUTS@; ++c) {
                            const int32_t v = from[c];
                            if (v == 0) continue;
@ADD@
                        }
                    }
                }
@REST@
            }
@USE@
        }
