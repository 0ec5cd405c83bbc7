"""The head of the C: which vector instructions the compiler is asked for, and how many channels are taken together."""

BLOCK = 64  # output channels whose sums and neurons are taken together, at most
LANES = 16  # output channels of a tile

HEAD = f"""
#if !defined(SNN_PORTABLE) && defined(__AVX2__)
#include <immintrin.h>
#define SNN_AVX2 1
#if defined(SNN_DOT)
#elif defined(__AVX512VNNI__) && defined(__AVX512VL__)
#define SNN_DOT(sum, x, w) _mm256_dpbusd_epi32(sum, x, w)
#elif defined(__AVXVNNI__)
#define SNN_DOT(sum, x, w) _mm256_dpbusd_avx_epi32(sum, x, w)
#endif
#elif !defined(SNN_PORTABLE) && defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#define SNN_NEON 1
#endif
#if defined(__GNUC__)
#define SNN_INLINE static inline __attribute__((always_inline))
#else
#define SNN_INLINE static inline
#endif
#define BLOCK {BLOCK}
"""
