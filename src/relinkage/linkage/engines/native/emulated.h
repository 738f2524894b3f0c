/* Plain C for the few instructions that are used, as the processor makers' manuals define them. For tests. */
#ifndef RELINKAGE_EMULATED_H
#define RELINKAGE_EMULATED_H

#include <stdint.h>
#include <string.h>

typedef struct { int32_t i[8]; } __attribute__((aligned(32))) __m256i;
typedef struct { float f[8]; } __attribute__((aligned(32))) __m256;
typedef struct { int32_t i[16]; } __attribute__((aligned(64))) __m512i;
typedef uint16_t __mmask16;

#define EACH(n, expression)                        \
    do {                                           \
        for (int e = 0; e < (n); e++) expression;  \
    } while (0)

static inline int32_t wrapped(int64_t x) { return (int32_t)(uint32_t)(uint64_t)x; }

static inline int32_t two_products(int32_t x, int32_t y) {
    return wrapped((int64_t)(int16_t)x * (int16_t)y + (int64_t)(x >> 16) * (y >> 16));
}

static inline __m256i _mm256_load_si256(const __m256i *p) { return *p; }
static inline void _mm256_store_si256(__m256i *p, __m256i x) { *p = x; }
static inline __m256i _mm256_set1_epi32(int32_t x) { __m256i r; EACH(8, r.i[e] = x); return r; }
static inline __m256i _mm256_add_epi32(__m256i x, __m256i y) {
    EACH(8, x.i[e] = wrapped((int64_t)x.i[e] + y.i[e]));
    return x;
}
static inline __m256i _mm256_sub_epi32(__m256i x, __m256i y) {
    EACH(8, x.i[e] = wrapped((int64_t)x.i[e] - y.i[e]));
    return x;
}
static inline __m256i _mm256_madd_epi16(__m256i x, __m256i y) {
    EACH(8, x.i[e] = two_products(x.i[e], y.i[e]));
    return x;
}
static inline __m256i _mm256_cmpgt_epi32(__m256i x, __m256i y) {
    EACH(8, x.i[e] = -(x.i[e] > y.i[e]));
    return x;
}
static inline __m256 _mm256_castsi256_ps(__m256i x) { __m256 r; memcpy(&r, &x, sizeof r); return r; }
static inline int _mm256_movemask_ps(__m256 x) {
    int r = 0;
    __m256i bits;
    memcpy(&bits, &x, sizeof bits);
    EACH(8, r |= (bits.i[e] < 0) << e);
    return r;
}

static inline __m512i _mm512_load_si512(const void *p) { return *(const __m512i *)p; }
static inline void _mm512_store_si512(void *p, __m512i x) { *(__m512i *)p = x; }
static inline __m512i _mm512_set1_epi32(int32_t x) { __m512i r; EACH(16, r.i[e] = x); return r; }
static inline __m512i _mm512_dpwssd_epi32(__m512i sum, __m512i x, __m512i y) {
    EACH(16, sum.i[e] = wrapped((int64_t)sum.i[e] + two_products(x.i[e], y.i[e])));
    return sum;
}
static inline __m512i _mm512_add_epi32(__m512i x, __m512i y) {
    EACH(16, x.i[e] = wrapped((int64_t)x.i[e] + y.i[e]));
    return x;
}
static inline __m512i _mm512_mask_add_epi32(__m512i otherwise, __mmask16 mask, __m512i x, __m512i y) {
    EACH(16, if (mask >> e & 1) otherwise.i[e] = wrapped((int64_t)x.i[e] + y.i[e]));
    return otherwise;
}
static inline __m512i _mm512_slli_epi32(__m512i x, int by) {
    EACH(16, x.i[e] = wrapped((int64_t)x.i[e] * (1 << by)));
    return x;
}
static inline __mmask16 _mm512_cmpgt_epi32_mask(__m512i x, __m512i y) {
    __mmask16 r = 0;
    EACH(16, r |= (__mmask16)((x.i[e] > y.i[e]) << e));
    return r;
}

/* Eight tiles of 16 rows of 64 bytes, one set for each thread, as the tile configuration below sets them. */
static __thread uint8_t tiles[8][1024];

#define _tile_loadconfig(configuration) ((void)(configuration))
#define _tile_release() memset(tiles, 0, sizeof tiles)
#define _tile_zero(t) memset(tiles[t], 0, 1024)
#define _tile_loadd(t, from, stride) \
    EACH(16, memcpy(tiles[t] + 64 * e, (const uint8_t *)(from) + (stride) * e, 64))
#define _tile_stream_loadd _tile_loadd
#define _tile_stored(t, to, stride) EACH(16, memcpy((uint8_t *)(to) + (stride) * e, tiles[t] + 64 * e, 64))

static inline void _tile_dpbssd(int to, int x, int y) {
    int32_t *sum = (int32_t *)tiles[to];
    const int8_t *a = (const int8_t *)tiles[x], *b = (const int8_t *)tiles[y];
    for (int m = 0; m < 16; m++)
        for (int k = 0; k < 64; k++)
            for (int n = 0; n < 16; n++)
                sum[16 * m + n] =
                    wrapped((int64_t)sum[16 * m + n] + a[64 * m + k] * b[64 * (k / 4) + 4 * n + k % 4]);
}

#endif
