    for (int c = 0; c < @CHANNELS@; ++c) {
        int64_t sum = 0;
        for (int t = 0; t < @STEPS@; ++t) sum += a[t * @CHANNELS@ + c];
        o[c] = (@KIND@)(sum@TIMES@);
    }
