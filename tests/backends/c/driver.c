/* Runs the C of the executor `fast`, dense and event-driven, on blocks of memory that end where they must: the sanitizers
   see every step beyond. Reads the file that tests/backends/c/test_sanitizers.py writes; exit code 1 where a result differs. */
#define _POSIX_C_SOURCE 200112L
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void snn_run(const void *input, int64_t *readout, uint8_t *arena, const void *const *arrays, void *const *traces,
    int percent, void *team, uint8_t *own);

static FILE *file;

static void *block(int64_t size)
{
    void *made = NULL;
    if (posix_memalign(&made, 64, size ? (size_t)size : 1)) exit(2);
    return made;
}

static void *filled(int64_t size)
{
    void *made = block(size);
    if (fread(made, 1, (size_t)size, file) != (size_t)size) exit(3);
    return made;
}

static int64_t number(void)
{
    int64_t *read = filled(8), value = *read;
    free(read);
    return value;
}

/* A run, and what each of its threads does, with lists of its own. */
enum { THREADS = 3 };
struct run {
    const void *given;
    int64_t *got;
    uint8_t *arena, *team;
    const void **bound;
    void **kept;
    int64_t own;
    int percent;
};

static void *work(void *of)
{
    const struct run *r = of;
    uint8_t *mine = block(r->own);
    memset(mine, 0xA5, (size_t)r->own);
    snn_run(r->given, r->got, r->arena, r->bound, r->kept, r->percent, r->team, mine);
    free(mine);
    return NULL;
}

static void together(struct run *r)
{
    pthread_t threads[THREADS];
    for (int n = 0; n < THREADS; ++n)
        if (pthread_create(threads + n, NULL, work, r)) exit(5);
    for (int n = 0; n < THREADS; ++n) pthread_join(threads[n], NULL);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !(file = fopen(argv[1], "rb"))) return 4;
    const int64_t samples = number(), input = number(), readout = number(), scratch = number(), own = number(), phases = number();
    const int64_t arrays = number();
    const void **bound = block(arrays * 8);
    for (int64_t n = 0; n < arrays; ++n) bound[n] = filled(number());
    const int64_t traces = number();
    int64_t *sizes = block(traces * 8);
    void **kept = block(traces * 8);
    for (int64_t n = 0; n < traces; ++n) kept[n] = block(sizes[n] = number());
    int differing = 0;
    for (int64_t sample = 0; sample < samples; ++sample) {
        const void *given = filled(input), *wanted = filled(readout);
        const void **signals = block(traces * 8);
        for (int64_t n = 0; n < traces; ++n) signals[n] = filled(sizes[n]);
        for (int run = 0; run < 8; ++run) { /* with traces or not, densely or by events, one thread or several */
            int64_t *got = block(readout);
            uint8_t *arena = block(scratch);
            uint8_t *team = block(phases);
            memset(arena, 0xA5, (size_t)scratch);
            memset(team, 0, (size_t)phases);
            for (int64_t n = 0; n < traces; ++n) memset(kept[n], 0xA5, (size_t)sizes[n]);
            struct run r = {given, got, arena, run & 4 ? team : NULL, bound, run & 1 ? kept : NULL, own, run & 2 ? 101 : 0};
            if (run & 4) together(&r);
            else work(&r);
            differing += memcmp(got, wanted, (size_t)readout) != 0;
            for (int64_t n = 0; n < traces && run & 1; ++n) differing += memcmp(kept[n], signals[n], (size_t)sizes[n]) != 0;
            free(got);
            free(arena);
            free(team);
        }
        free((void *)given);
        free((void *)wanted);
        for (int64_t n = 0; n < traces; ++n) free((void *)signals[n]);
        free(signals);
    }
    for (int64_t n = 0; n < arrays; ++n) free((void *)bound[n]);
    for (int64_t n = 0; n < traces; ++n) free(kept[n]);
    free(bound);
    free(kept);
    free(sizes);
    fclose(file);
    printf("%d differ\n", differing);
    return differing != 0;
}
