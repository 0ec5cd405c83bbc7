static void layer_@NUMBER@(const @INPUT@ *restrict in, @TYPE@ *restrict out@FURTHER@)
{
    for (int place = 0; place < @PLACES@; ++place)
@CALLS@
}
