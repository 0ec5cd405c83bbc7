#include <stdint.h>
void run(int64_t steps, int64_t moves, int64_t samples, int64_t size, int64_t begin, int64_t end, const @ENTERING@ *restrict x,
         float *restrict payload, float *restrict h, float *restrict z, float *restrict states@CONSTANTS@)
{
    (void)z;
    for (int64_t n = begin; n < end; ++n)
        for (int64_t first = 0; first < size; first += @BLOCK@) {
            const int64_t block = size - first < @BLOCK@ ? size - first : @BLOCK@;
@STARTS@
            for (int64_t t = 0; t < steps; ++t) {
                const int64_t at = (t * samples + n) * size + first;
                for (int64_t e = 0; e < block; ++e) {
@STATEMENTS@
                    payload[at + e] = (float)@SPIKES@;
                    h[at + e] = (float)@MEMBRANE@;
                    @ARGUMENT@
@AFTER@
                }
                if (states)
                    for (int64_t e = 0; e < block; ++e) {
@TOLD@
                    }
            }
        }
}
