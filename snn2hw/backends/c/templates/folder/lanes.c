
/* How many words of 32 bits are added in one instruction: gcc and clang have vectors of them for the processors below, and
   elsewhere it is 1. With -DSNN_LANES=1 words are added one by one. The readouts are the same. */
#ifndef SNN_LANES
#if defined(__GNUC__) && defined(__AVX2__)
#define SNN_LANES 8
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON))
#define SNN_LANES 4
#else
#define SNN_LANES 1
#endif
#endif
typedef char snn_lanes_are_1_4_or_8[SNN_LANES == 1 || SNN_LANES == 4 || SNN_LANES == 8 ? 1 : -1];
