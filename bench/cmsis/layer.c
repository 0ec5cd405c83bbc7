#include "snn.c"

/* One step of one layer with its neurons, without the rest of the network. */
void layer(const @INPUT@ *in, @OUTPUT@ *out, int32_t *sums@STATES@)
{
@CALLS@
}
