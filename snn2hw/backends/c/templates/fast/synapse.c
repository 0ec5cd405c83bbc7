
static void layer_@NUMBER@(@PARAMETERS@, int most,
    snn_phase *team, uint8_t *own)
{
    (void)most; (void)own;
    @BY_EVENTS@@IN_TILES@@WAY@_@NUMBER@(in, out, scratch, arrays, traces, team);
}
