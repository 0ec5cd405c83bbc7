/* One equation through all steps, for the neurons from `begin` to `end`: BLOCK of them through every step while they are
   in the cache. What stands between at signs is written by snn2hw/neurons/in_c.py.

   sizes    steps, neurons of a step, neurons of a channel that lie together, channels, then the steps of every number
   in       x [steps, size], then the states before the first step [size]
   numbers  one for the layer [1], one per channel [channels], or one per step, of which the last one stays
   k        numbers that stand in the equation itself
   out      the output [steps, size], what is remembered and watched [steps, size], the states after the last step [size] */
#include <stdint.h>

@COMMON@
void run(const int64_t *sizes, int64_t begin, int64_t end, const float *const *in, const float *const *numbers, const float *k,
         float *const *out)
{
    const int64_t steps = sizes[0], size = sizes[1];
    @ONCE@
    for (int64_t at = begin; at < end; at += BLOCK) {
        const int n = end - at < BLOCK ? (int)(end - at) : BLOCK;
        @LANES@
        for (int64_t t = 0; t < steps; ++t) {
            const int64_t here = t * size + at;
            @POINTERS@
            INDEPENDENT
            for (int i = 0; i < n; ++i) {
                @STEP@
            }
        }
        @AFTER@
    }
}
