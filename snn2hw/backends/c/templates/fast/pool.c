    for (int t = 0; t < @STEPS@; ++t)
        for (int y = @FROM@; y < @TO@; ++y)
            for (int x = 0; x < @OUT_WIDTH@; ++x) {
                @TYPE@ *const to = o + ((t * @OUT_HEIGHT@ + y) * INT64_C(@OUT_WIDTH@) + x) * @CHANNELS@;
                for (int c = 0; c < @CHANNELS@; ++c) to[c] = @START@;
                for (int i = 0; i < @KERNEL_HEIGHT@; ++i)
                    for (int j = 0; j < @KERNEL_WIDTH@; ++j) { /* channels lie together, so they are innermost */
                        const int yy = y * @DOWN@ + i * @DILATED_DOWN@ - @ABOVE@, xx = x * @ACROSS@ + j * @DILATED_ACROSS@ - @BESIDE@;
                        if (yy < 0 || yy >= @HEIGHT@ || xx < 0 || xx >= @WIDTH@) continue;
                        const @INPUT@ *const v = a + ((t * @HEIGHT@ + yy) * INT64_C(@WIDTH@) + xx) * @CHANNELS@;
                        for (int c = 0; c < @CHANNELS@; ++c) to[c] = @TAKEN@;
                    }
            }
