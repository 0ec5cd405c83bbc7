#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
@RUNTIME@
@ARRAYS@
@FUNCTIONS@
void snn_run(const @INPUT@ *input, int64_t *readout, uint8_t *arena, const void *const *arrays,
    void *const *traces, int percent)
{
    uint8_t *pad = arena + @SCRATCH@;
    (void)pad; (void)arrays; (void)traces; (void)percent;
    @CALLS@
}

/* Samples from `first` to before `last`. Of each, `values` enter and `classes` leave; `traces` has `signals` pointers, if any. */
void snn_many(const @INPUT@ *input, int64_t *readout, uint8_t *arena, const void *const *arrays, void *const *traces,
    int64_t values, int64_t classes, int64_t signals, int64_t first, int64_t last, int percent)
{
    for (int64_t n = first; n < last; ++n)
        snn_run(input + n * values, readout + n * classes, arena, arrays, traces ? traces + n * signals : 0, percent);
}
