        for (int n = 0; n < @PLACES@; ++n)
            for (int h = 0; h < @HEADS@; ++h) {
                int32_t sums[@ROWS@] = {0};
                for (int m = 0; m < @FIRST_PLACES@; ++m) {
                    const int32_t v = bt[@TAKEN@];
                    const @FIRST_TYPE@ *x = at + m * INT64_C(@FIRST_CHANNELS@) + h * @ROWS@;
                    if (!v) continue;
                    for (int i = 0; i < @ROWS@; ++i) sums[i] += v * x[i];
                }
                for (int i = 0; i < @ROWS@; ++i) ot[n * INT64_C(@CHANNELS@) + h * @ROWS@ + i] = (@TYPE@)sums[i];
            }
