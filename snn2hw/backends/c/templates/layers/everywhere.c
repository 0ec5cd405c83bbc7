    for (int t = 0; t < @STEPS@; ++t)
        for (int64_t i = 0; i < @SIZE@; ++i)
            o[t * INT64_C(@SIZE@) + i] = (@TYPE@)(@EXPRESSION@);
