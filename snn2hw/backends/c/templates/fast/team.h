/* Threads that run one sample together: a phase of a layer is done in parts, each by whoever is free, and the next begins when
   all are done. A thread that comes late finds phases done, and one that never comes is not missed. */
#include <sched.h>

typedef struct {
    int32_t taken, done, way, unused[13]; /* a cache line of its own: others' phases are not disturbed */
} snn_phase;

#if defined(__x86_64__) || defined(__i386__)
#define SNN_PAUSE() __builtin_ia32_pause()
#else
#define SNN_PAUSE() (void)0
#endif

/* The number of a part that nobody has taken; -1 once all are done. */
static int snn_take(snn_phase *phase, int parts)
{
    if (__atomic_load_n(&phase->taken, __ATOMIC_RELAXED) < parts) {
        const int part = __atomic_fetch_add(&phase->taken, 1, __ATOMIC_RELAXED);
#if defined(SNN_LAST_FIRST) /* in tests: no part may need an earlier one */
        if (part < parts) return parts - 1 - part;
#endif
        if (part < parts) return part;
    }
    for (int turn = 0; __atomic_load_n(&phase->done, __ATOMIC_ACQUIRE) < parts; ++turn)
        if (turn < 1000) SNN_PAUSE();
        else sched_yield(); /* who is waited for may have no core */
    return -1;
}

/* What comes after a part, or first, where `part` is -1: SNN_WHOLE for who is alone, then the end. */
enum { SNN_FIRST = -1, SNN_WHOLE = -2, SNN_END = -3 };
SNN_INLINE int snn_next(snn_phase *team, int number, int parts, int part)
{
    if (!team) return part == SNN_FIRST ? SNN_WHOLE : SNN_END;
    if (part != SNN_FIRST) __atomic_fetch_add(&team[number].done, 1, __ATOMIC_RELEASE);
    part = snn_take(team + number, parts);
    return part < 0 ? SNN_END : part;
}

/* The statements with `from` and `to`, for the parts of 0 .. size - 1 that fall to this thread; all are done afterwards. */
#define SNN_SHARED(number, parts, size, ...)                                                                               \
    for (int part = snn_next(team, number, parts, SNN_FIRST); part != SNN_END; part = snn_next(team, number, parts, part)) { \
        const int64_t from = part < 0 ? 0 : (int64_t)(size) * part / (parts);                                              \
        const int64_t to = part < 0 ? (int64_t)(size) : (int64_t)(size) * (part + 1) / (parts);                            \
        (void)from;                                                                                                        \
        (void)to;                                                                                                          \
        __VA_ARGS__                                                                                                        \
    }
