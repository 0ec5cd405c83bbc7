    for (int t = 0; t < @STEPS@; ++t) {
        const @FIRST_TYPE@ *at = @FIRST_STEP@;
        const @SECOND_TYPE@ *bt = @SECOND_STEP@;
        @TYPE@ *ot = o + t * INT64_C(@SIZE@);
@PRODUCT@
    }
