        for (int n = 0; n < @SECOND_PLACES@; ++n)
            for (int h = 0; h < @HEADS@; ++h)
                for (int m = 0; m < @FIRST_PLACES@; ++m) {
                    const @FIRST_TYPE@ *x = at + m * INT64_C(@FIRST_CHANNELS@) + h * @TERMS@;
                    const @SECOND_TYPE@ *y = bt + n * INT64_C(@SECOND_CHANNELS@) + h * @TERMS@;
                    int32_t sum = 0;
                    for (int i = 0; i < @TERMS@; ++i) sum += x[i] * y[i];
                    ot[n * INT64_C(@CHANNELS@) + h * @FIRST_PLACES@ + m] = (@TYPE@)sum;
                }
