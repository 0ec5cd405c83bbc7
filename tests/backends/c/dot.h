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

/* The same of 512 bits, with the loads and stores around it, so that it needs no wide register. */
typedef struct { int32_t i[16]; } snn_wide_t;
static inline snn_wide_t snn_wide_of(const void *from)
{
    snn_wide_t made;
    __builtin_memcpy(&made, from, 64);
    return made;
}
static inline snn_wide_t snn_wide_four(int32_t v)
{
    snn_wide_t made;
    for (int n = 0; n < 16; ++n) made.i[n] = v;
    return made;
}
static inline void snn_wide_dot_by_hand(snn_wide_t *sum, snn_wide_t x, snn_wide_t w)
{
    uint8_t u[64];
    int8_t s[64];
    __builtin_memcpy(u, &x, 64);
    __builtin_memcpy(s, &w, 64);
    for (int n = 0; n < 64; ++n) sum->i[n / 4] += u[n] * s[n];
}
#if defined(SNN_WIDE)
#define SNN_WIDE_LOAD(from) snn_wide_of(from)
#define SNN_WIDE_STORE(to, v) __builtin_memcpy(to, &(v), 64)
#define SNN_WIDE_FOUR(v) snn_wide_four(v)
#define SNN_WIDE_DOT(sum, x, w) snn_wide_dot_by_hand(&(sum), x, w)
#define SNN_WIDE_KEEP(v) ((void)(v))
#endif
