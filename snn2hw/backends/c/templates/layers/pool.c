    for (int t = 0; t < @STEPS@; ++t)
        for (int y = @FROM@; y < @TO@; ++y)
            for (int x = 0; x < @OUT_WIDTH@; ++x)
                for (int c = 0; c < @CHANNELS@; ++c) {
                    int64_t value = @START@;
                    for (int i = 0; i < @KERNEL_HEIGHT@; ++i)
                        for (int j = 0; j < @KERNEL_WIDTH@; ++j) {
                            const int yy = y * @DOWN@ + i * @DILATED_DOWN@ - @ABOVE@, xx = x * @ACROSS@ + j * @DILATED_ACROSS@ - @BESIDE@;
                            if (yy < 0 || yy >= @HEIGHT@ || xx < 0 || xx >= @WIDTH@) continue;
                            const int64_t v = a[((t * @HEIGHT@ + yy) * INT64_C(@WIDTH@) + xx) * @CHANNELS@ + c];
                            value @TAKE@;
                        }
                    o[((t * @OUT_HEIGHT@ + y) * INT64_C(@OUT_WIDTH@) + x) * @CHANNELS@ + c] = (@TYPE@)value;
                }
