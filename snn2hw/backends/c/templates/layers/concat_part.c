            for (int c = 0; c < @CHANNELS@; ++c)
                o[(t * INT64_C(@PLACES@) + p) * @OUT_CHANNELS@ + @FIRST@ + c] =
                    (@TYPE@)(@INPUT@[@PLACE@ * @CHANNELS@ + c] * INT64_C(@FACTOR@));
