    for (int t = 0; t < @STEPS@; ++t)
        for (int y = 0; y < @OUT_HEIGHT@; ++y)
            for (int x = 0; x < @OUT_WIDTH@; ++x)
                for (int c = 0; c < @CHANNELS@; ++c)
                    o[((t * @OUT_HEIGHT@ + y) * INT64_C(@OUT_WIDTH@) + x) * @CHANNELS@ + c] = (@TYPE@)(@BETWEEN@a[((t * @HEIGHT@ + y / @DOWN@) * INT64_C(@WIDTH@) + x / @ACROSS@) * @CHANNELS@ + c]);
