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
#if defined(SNN_NO_TILES) || defined(SNN_TILES)
#elif defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__linux__) && defined(__x86_64__)
#define SNN_TILES 1
/* As assembler, for the intrinsics of some compilers do not say that memory is read. */
#define SNN_TILES_BEGIN(shapes) __asm__ volatile("ldtilecfg %0" : : "m"(*(shapes)))
#define SNN_TILES_END() __asm__ volatile("tilerelease" : : : "memory")
#define SNN_TILE_LOAD(n, from, apart)                                                                                       \
    __asm__ volatile("{tileloadd (%0,%1,1), %%tmm" #n "|tileloadd tmm" #n ", [%0+%1*1]}" : : "r"(from), "r"((int64_t)(apart)) : "memory")
#define SNN_TILE_STORE(n, to, apart)                                                                                        \
    __asm__ volatile("{tilestored %%tmm" #n ", (%0,%1,1)|tilestored [%0+%1*1], tmm" #n "}" : : "r"(to), "r"((int64_t)(apart)) : "memory")
#define SNN_TILE_DOT(sum, x, w)                                                                                             \
    __asm__ volatile("{tdpbusd %%tmm" #w ", %%tmm" #x ", %%tmm" #sum "|tdpbusd tmm" #sum ", tmm" #x ", tmm" #w "}" : :)
/* Linux lets a process use tiles once it has asked: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). */
static int snn_tiles_granted(void)
{
    static int kept = -1; /* all threads find the same, so whoever asks again does no harm */
    int granted = __atomic_load_n(&kept, __ATOMIC_RELAXED);
    if (granted < 0) {
        int64_t said = 158;
        __asm__ volatile("syscall" : "+a"(said) : "D"(INT64_C(0x1023)), "S"(INT64_C(18)) : "rcx", "r11", "memory");
        granted = said == 0;
        __atomic_store_n(&kept, granted, __ATOMIC_RELAXED);
    }
    return granted;
}
#define SNN_TILES_GRANTED() snn_tiles_granted()
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
#if defined(__GNUC__)
/* Into the second cache, what a later block needs. An address, for behind the last weights there is no object to point to. */
#define SNN_PREFETCH(address) __builtin_prefetch((const void *)(address), 0, 2)
#else
#define SNN_PREFETCH(address) (void)(address)
#endif
#define BLOCK @BLOCK@
