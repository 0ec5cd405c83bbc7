/* What vpdpbusd does, by its documented meaning (Intel SDM: each int32 gains four products of a uint8 and an int8), one number
   at a time: so the path that uses it is tried on machines without it. */
#include <immintrin.h>
#include <stdint.h>
static inline __m256i snn_dot_by_hand(__m256i sum, __m256i x, __m256i w)
{
    union { __m256i v; int32_t i[8]; uint8_t u[32]; int8_t s[32]; } a, b, c;
    a.v = sum;
    b.v = x;
    c.v = w;
    for (int n = 0; n < 8; ++n)
        for (int k = 0; k < 4; ++k) a.i[n] += b.u[4 * n + k] * c.s[4 * n + k];
    return a.v;
}
