/* Plain C for the few instructions that are used, as the processor makers' manuals define them. For tests. */
#ifndef RELINKAGE_EMULATED_H
#define RELINKAGE_EMULATED_H

#include <stdint.h>
#include <string.h>

typedef struct { int32_t i[8]; } __attribute__((aligned(32))) __m256i;
typedef struct { float f[8]; } __attribute__((aligned(32))) __m256;
typedef struct { int32_t i[16]; } __attribute__((aligned(64))) __m512i;
typedef struct { float f[16]; } __attribute__((aligned(64))) __m512;
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
static inline __m256 _mm256_load_ps(const float *p) { return *(const __m256 *)p; }
static inline __m256i _mm256_set1_epi32(int32_t x) { __m256i r; EACH(8, r.i[e] = x); return r; }
static inline __m256 _mm256_set1_ps(float x) { __m256 r; EACH(8, r.f[e] = x); return r; }
static inline __m256i _mm256_add_epi32(__m256i x, __m256i y) {
    EACH(8, x.i[e] = wrapped((int64_t)x.i[e] + y.i[e]));
    return x;
}
static inline __m256i _mm256_sub_epi32(__m256i x, __m256i y) {
    EACH(8, x.i[e] = wrapped((int64_t)x.i[e] - y.i[e]));
    return x;
}
static inline __m256 _mm256_add_ps(__m256 x, __m256 y) { EACH(8, x.f[e] += y.f[e]); return x; }
static inline __m256i _mm256_madd_epi16(__m256i x, __m256i y) {
    EACH(8, x.i[e] = two_products(x.i[e], y.i[e]));
    return x;
}
static inline __m256i _mm256_cmpgt_epi32(__m256i x, __m256i y) {
    EACH(8, x.i[e] = -(x.i[e] > y.i[e]));
    return x;
}
#define _CMP_GT_OQ 0x1e
#define _CMP_GE_OQ 0x1d
static inline __m256 _mm256_cmp_ps(__m256 x, __m256 y, int how) {
    __m256i r;
    EACH(8, r.i[e] = -(how == _CMP_GT_OQ ? x.f[e] > y.f[e] : x.f[e] >= y.f[e]));
    memcpy(&x, &r, sizeof x);
    return x;
}
static inline __m256 _mm256_castsi256_ps(__m256i x) { __m256 r; memcpy(&r, &x, sizeof r); return r; }
static inline __m256i _mm256_castps_si256(__m256 x) { __m256i r; memcpy(&r, &x, sizeof r); return r; }
static inline int _mm256_movemask_ps(__m256 x) {
    const __m256i bits = _mm256_castps_si256(x);
    int r = 0;
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

/* Eight tiles of 16 rows of 64 bytes, one set for each thread, as the tile configuration below sets them. */
static __thread uint8_t tiles[8][1024];

#define _tile_loadconfig(configuration) ((void)(configuration))
#define _tile_release() memset(tiles, 0, sizeof tiles)
#define _tile_loadd(t, from, stride) \
    EACH(16, memcpy(tiles[t] + 64 * e, (const uint8_t *)(from) + (stride) * e, 64))
#define _tile_stored(t, to, stride) EACH(16, memcpy((uint8_t *)(to) + (stride) * e, tiles[t] + 64 * e, 64))

static inline float of_bf16(uint16_t x) {
    const uint32_t bits = (uint32_t)x << 16;
    float r;
    memcpy(&r, &bits, sizeof r);
    return r;
}

static inline void _tile_dpbf16ps(int to, int x, int y) {
    float *sum = (float *)tiles[to];
    const uint16_t *a = (const uint16_t *)tiles[x], *b = (const uint16_t *)tiles[y];
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++) {
            float even = 0, odd = 0;
            for (int k = 0; k < 16; k++) {
                even += of_bf16(a[32 * m + 2 * k]) * of_bf16(b[32 * k + 2 * n]);
                odd += of_bf16(a[32 * m + 2 * k + 1]) * of_bf16(b[32 * k + 2 * n + 1]);
            }
            sum[16 * m + n] += even + odd;
        }
}

#endif
