#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
@RUNTIME@
@ARRAYS@
@FUNCTIONS@
void snn_run(const @INPUT@ *input, int64_t *readout, uint8_t *arena, const void *const *arrays,
    int64_t *const *traces, int percent)
{
    uint8_t *pad = arena + @SCRATCH@;
    (void)pad; (void)arrays; (void)traces; (void)percent;
    @CALLS@
}
