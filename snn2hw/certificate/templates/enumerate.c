#include <math.h>
#include <stdint.h>
static double errors[1 << 20];
void run(int64_t lo, int64_t hi, const int64_t *p, const double *c, double step,
         int64_t *low, int64_t *high, int64_t *at, double *ends) {
    @BEFORE@
    for (int64_t v0 = lo; v0 <= hi; ++v0) {
@STATEMENTS@
@TRACKED@
    }
    @AFTER@
@COMPARED@
}
