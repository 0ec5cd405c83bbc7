#if !defined(SNN_PORTABLE) && defined(__AVX2__)
#include <immintrin.h>
#define SNN_AVX2 1
#if defined(SNN_WIDE) || defined(SNN_DOT)
#elif defined(__AVX512VNNI__) && defined(__AVX512F__)
#define SNN_WIDE __m512i
#define SNN_WIDE_LOAD(from) _mm512_load_si512(from)
#define SNN_WIDE_STORE(to, v) _mm512_store_si512(to, v)
#define SNN_WIDE_FOUR(v) _mm512_set1_epi32(v)
/* In place: of the intrinsic, gcc copies every sum once more in each turn of the loop. */
#define SNN_WIDE_DOT(sum, x, w) __asm__("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(x), "v"(w))
#define SNN_WIDE_KEEP(v) __asm__("" : "+v"(v))
#endif
#if !defined(SNN_NO_COMPRESS) && defined(__AVX512BW__) && defined(__AVX512VBMI2__)
#define SNN_COMPRESS 1
#endif
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
