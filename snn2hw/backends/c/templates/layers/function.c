
static void layer_@NUMBER@(@INPUTS@, @KIND@ *restrict o@BEGIN@@RANGE@)
{
@BODY@
}
