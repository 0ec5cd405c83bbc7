static void neuron_@NUMBER@(const @SOURCE@ *restrict x, int64_t stride, int64_t place,
    int first, int n, @TYPE@ *restrict out@FURTHER@)
{
@STATES@
@IGNORED@
    for (int c = 0; c < n; ++c) { @START@ }
    for (@STEPS@) {
        const int64_t at = (t * INT64_C(@PLACES@) + place) * @CHANNELS@ + first;
        for (int c = 0; c < n; ++c) {
@STATEMENTS@
            out[at + c] = (@TYPE@)@SPIKES@;
            @AFTER@
        }
@TRACES@
    }
@LAST@
}
