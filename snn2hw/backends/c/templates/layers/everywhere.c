    for (int t = 0; t < @STEPS@; ++t)
        for (int64_t i = @FROM@; i < @TO@; ++i)
            o[t * INT64_C(@SIZE@) + i] = (@TYPE@)(@EXPRESSION@);
