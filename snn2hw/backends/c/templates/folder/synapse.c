static void layer_@NUMBER@(const @INPUT@ *restrict in, @TYPE@ *restrict out, int32_t *restrict sums@FURTHER@)
{
@BODY@
}
