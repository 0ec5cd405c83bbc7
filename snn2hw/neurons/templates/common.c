#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep") /* neurons do not touch each other */
#pragma GCC optimize("no-trapping-math") /* comparisons of floats become selects; no value changes */
#endif

enum { BLOCK = 256 };

/* one number per channel, as one for each of the n neurons from `at` on */
static void spread(const int64_t *sizes, const float *given, int64_t at, int n, float *lane)
{
    const int64_t inner = sizes[2], channels = sizes[3];
    int64_t left = inner - at % inner, c = at / inner % channels;
    for (int i = 0; i < n; ++i) {
        lane[i] = given[c];
        if (--left == 0) {
            left = inner;
            c = c + 1 == channels ? 0 : c + 1;
        }
    }
}

static inline float clamp(float y, float lo, float hi) { return y < lo ? lo : y > hi ? hi : y; }
static inline float least(float a, float b) { return a < b || a != a ? a : b; }
static inline float most(float a, float b) { return a > b || a != a ? a : b; }
