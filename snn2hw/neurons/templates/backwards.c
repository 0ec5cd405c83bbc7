/* The derivative of one equation through all steps, from the last to the first, for the neurons from `begin` to `end`:
   BLOCK of them through every step while they are in the cache. What stands between at signs is written by
   snn2hw/neurons/in_c.py.

   sizes, numbers, k  as in forwards.c
   in       what was remembered [steps, size], the states before the first step [size], the gradient of the output
            [steps, size], slopes that were given [steps, size]
   by_step  the width of the surrogate; what is added to the gradient of the watched value where it is positive; negative
   out      gradient of x [steps, size], of the states [size] (after the last step; on return before the first), of every
            number that wants one [rows, size], which is added to, and of the width [steps, size] */
#include <stdint.h>

@COMMON@
void run(const int64_t *sizes, int64_t begin, int64_t end, const float *const *in, const float *const *numbers, const float *k,
         const float *const *by_step, float *const *out)
{
    const int64_t steps = sizes[0], size = sizes[1];
    @ONCE@
    for (int64_t at = begin; at < end; at += BLOCK) {
        const int n = end - at < BLOCK ? (int)(end - at) : BLOCK;
        @LANES@
        for (int64_t t = steps - 1; t >= 0; --t) {
            const int64_t here = t * size + at;
            if (t > 0) {
                const int64_t before = here - size;
                @BEFORE_POINTERS@
                INDEPENDENT
                for (int i = 0; i < n; ++i) {
                    @BEFORE@
                }
            } else {
                INDEPENDENT
                for (int i = 0; i < n; ++i) {
                    @FIRST@
                }
            }
            @POINTERS@
            INDEPENDENT
            for (int i = 0; i < n; ++i) {
                @STEP@
            }
        }
        @AFTER@
    }
}
