    for (int t = 0; t < @STEPS@; ++t)
        for (int p = 0; p < @PLACES@; ++p)
            for (int c = 0; c < @CHANNELS@; ++c)
                o[t * INT64_C(@SIZE@) + c * @PLACES@ + p] = a[(t * INT64_C(@PLACES@) + p) * @CHANNELS@ + c];
