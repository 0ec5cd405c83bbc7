#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
@RUNTIME@
@ARRAYS@
@FUNCTIONS@
#define SNN_MOST(n) (percent < 0 ? crossings[n] : 100 * percent) /* of 10,000 inputs */
void snn_run(const @INPUT@ *input, @OUTPUT@ *readout, uint8_t *arena, const void *const *arrays,
    void *const *traces, int percent, snn_phase *team, uint8_t *own)
{
    uint8_t *pad = arena + @SCRATCH@;
    (void)pad; (void)arrays; (void)traces; (void)percent; (void)team; (void)own;
    @CALLS@
}

/* Samples from `first` to before `last`. A layer is summed by events where fewer than `percent` of its inputs are active; where
   `percent` is below 0, fewer than its own of `crossings`. Of each sample, `values` enter and `classes` leave; `traces` has
   `signals` pointers, if any.
   `team` has the phases of every sample, all 0, where several threads do the same samples together, in one arena, each with memory
   of its `own`; else it is 0. */
void snn_many(const @INPUT@ *input, @OUTPUT@ *readout, uint8_t *arena, const void *const *arrays, void *const *traces,
    int64_t values, int64_t classes, int64_t signals, int64_t first, int64_t last, int percent, snn_phase *team, uint8_t *own)
{
    for (int64_t n = first; n < last; ++n)
        snn_run(input + n * values, readout + n * classes, arena, arrays, traces ? traces + n * signals : 0, percent,
                team ? team + n * @PHASES@ : 0, own);
}
