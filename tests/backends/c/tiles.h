/* What the instructions of AMX do, by their documented meaning (Intel SDM: LDTILECFG, TILELOADD, TILESTORED, TDPBUSD), one
   number at a time: so the path that uses them is tried on machines without them. What the processor refuses ends the process. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#define SNN_TILES 1
static __thread struct { uint8_t palette, start, none[14]; uint16_t bytes[16]; uint8_t rows[16]; } by_hand;
static __thread uint8_t tile_by_hand[8][16][64];

static void tiles_by_hand(const void *shapes)
{
    memset(&by_hand, 0, sizeof by_hand);
    memset(tile_by_hand, 0, sizeof tile_by_hand);
    if (!shapes) return;
    memcpy(&by_hand, shapes, sizeof by_hand);
    if (sizeof by_hand != 64 || by_hand.palette != 1 || by_hand.start) abort();
    for (int n = 0; n < 16; ++n)
        if (by_hand.bytes[n] > 64 || by_hand.rows[n] > 16 || (n > 7 && (by_hand.bytes[n] || by_hand.rows[n])) ||
            !by_hand.bytes[n] != !by_hand.rows[n])
            abort();
}

static void tile_load_by_hand(int n, const void *from, int64_t apart)
{
    if (by_hand.palette != 1 || !by_hand.rows[n]) abort();
    memset(tile_by_hand[n], 0, sizeof tile_by_hand[n]);
    for (int r = 0; r < by_hand.rows[n]; ++r) memcpy(tile_by_hand[n][r], (const uint8_t *)from + r * apart, by_hand.bytes[n]);
}

static void tile_store_by_hand(int n, void *to, int64_t apart)
{
    if (by_hand.palette != 1 || !by_hand.rows[n]) abort();
    for (int r = 0; r < by_hand.rows[n]; ++r) memcpy((uint8_t *)to + r * apart, tile_by_hand[n][r], by_hand.bytes[n]);
}

static void tile_dot_by_hand(int sum, int x, int w)
{
    if (by_hand.palette != 1 || sum == x || sum == w || x == w || by_hand.bytes[sum] % 4 || by_hand.bytes[x] % 4 ||
        by_hand.rows[sum] != by_hand.rows[x] || by_hand.rows[w] != by_hand.bytes[x] / 4 || by_hand.bytes[w] != by_hand.bytes[sum])
        abort();
    for (int r = 0; r < by_hand.rows[sum]; ++r)
        for (int c = 0; c < by_hand.bytes[sum] / 4; ++c) {
            int32_t total;
            memcpy(&total, &tile_by_hand[sum][r][4 * c], 4);
            for (int k = 0; k < by_hand.bytes[x]; ++k)
                total += tile_by_hand[x][r][k] * (int8_t)tile_by_hand[w][k / 4][4 * c + k % 4];
            memcpy(&tile_by_hand[sum][r][4 * c], &total, 4);
        }
}

#if defined(SNN_DENIED)
#define SNN_TILES_GRANTED() 0
#else
#define SNN_TILES_GRANTED() 1
#endif
#define SNN_TILES_BEGIN(shapes) tiles_by_hand(shapes)
#define SNN_TILES_END() tiles_by_hand(0)
#define SNN_TILE_LOAD(n, from, apart) tile_load_by_hand(n, from, apart)
#define SNN_TILE_STORE(n, to, apart) tile_store_by_hand(n, to, apart)
#define SNN_TILE_DOT(sum, x, w) tile_dot_by_hand(sum, x, w)
