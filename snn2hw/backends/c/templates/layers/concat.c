    for (int t = 0; t < @STEPS@; ++t)
        for (int p = 0; p < @PLACES@; ++p) {
@PARTS@
        }
