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
#define BLOCK @BLOCK@
