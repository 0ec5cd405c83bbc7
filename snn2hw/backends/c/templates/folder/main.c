@HEAD@
#include <stdio.h>
#include <string.h>

#include "snn.h"
#include "vectors.h"

/* Replays vectors.h. Prints every readout that differs; exit code 0 where none does, else 1. */
int main(void)
{
    static snn_memory memory;
    static int32_t readout[SNN_CLASSES];
    int differing = 0;
    for (int n = 0; n < VECTORS; ++n) {
        memset(&memory, 0xA5, sizeof memory); /* it may hold anything */
        snn_run(vector_input[n], readout, &memory);
        for (int c = 0; c < SNN_CLASSES; ++c)
            if (readout[c] != vector_readout[n][c]) {
                printf("sample %d, class %d: got %ld, expected %ld\n", vector_sample[n], c, (long)readout[c],
                       (long)vector_readout[n][c]);
                ++differing;
            }
    }
    printf("%d samples, %d readouts, %d differ\n", VECTORS, VECTORS * SNN_CLASSES, differing);
    return differing != 0;
}
