
static void layer_@NUMBER@(@PARAMETERS@, int percent)
{
    (void)percent;
    @BY_EVENTS@@IN_TILES@dense_@NUMBER@(in, out, scratch, arrays, traces);
}
