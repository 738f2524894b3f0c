/* The products: a block of rows by one or two panels of columns, added to the columns' shift. Each compares the
   block that waits, too. */
#include "products.h"

#ifdef RELINKAGE_KERNELS

/* 6 rows x 16 columns. Twelve accumulators, two loads, a broadcast and a product fill the sixteen registers.
   No int32 can overflow: the norms of the packed vectors bound every partial sum (see rounding.py). */
TARGET("avx2")
void product_avx2(const Work *w, int64_t row, int64_t panel, Line *tile, const Block *waiting) {
    const int64_t pairs = w->terms / 2;
    const int32_t *a = (const int32_t *)w->rows + row * pairs;
    const __m256i *b = (const __m256i *)w->columns + panel * pairs * 2;
    const __m256i *shift = (const __m256i *)((const Line *)w->shift + panel);
    __m256i sum[6][2];
#pragma GCC unroll 6
    for (int r = 0; r < 6; r++) {
        sum[r][0] = _mm256_load_si256(shift);
        sum[r][1] = _mm256_load_si256(shift + 1);
    }
#pragma GCC unroll 4
    for (int64_t k = 0; k < pairs; k++, a += 6, b += 2) {
        const __m256i b0 = _mm256_load_si256(b), b1 = _mm256_load_si256(b + 1);
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++) {
            __m256i x = _mm256_set1_epi32(a[r]);
            KEEP_ORDER(x); /* else all six are loaded first, and registers go to the stack */
            sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(x, b0));
            sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(x, b1));
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < 6; r++) {
        _mm256_store_si256((__m256i *)(tile + r), sum[r][0]);
        _mm256_store_si256((__m256i *)(tile + r) + 1, sum[r][1]);
    }
    decide_avx2(w, waiting);
}

TARGET("avx2")
void compare_avx2(const Work *w, const Block *waiting) { decide_avx2(w, waiting); }

TARGET("avx512f")
void compare_vnni(const Work *w, const Block *waiting) {
    Block right = *waiting;
    right.tile += 12;
    right.panel++;
    right.place++;
    decide_wide(w, waiting, 0, waiting->rows, 1);
    decide_wide(w, &right, 0, waiting->rows, 1);
}

TARGET("avx512f")
void compare_amx(const Work *w, const Block *waiting) { decide_wide(w, waiting, 0, waiting->rows, 2); }

/* 12 rows x 32 columns: two panels of 6 rows by two of 16 columns. */
TARGET("avx512f,avx512bw,avx512vnni")
void product_vnni(const Work *w, int64_t row, int64_t panel, Line *tile, const Block *waiting) {
    const int64_t pairs = w->terms / 2;
    const int32_t *a = (const int32_t *)w->rows + row * pairs, *lower = a + 6 * pairs;
    const __m512i *b = (const __m512i *)w->columns + panel * pairs, *right = b + pairs;
    const __m512i *shift = (const __m512i *)w->shift + panel;
    __m512i sum[12][2];
#pragma GCC unroll 12
    for (int r = 0; r < 12; r++) {
        sum[r][0] = _mm512_load_si512(shift);
        sum[r][1] = _mm512_load_si512(shift + 1);
    }
    for (int64_t k = 0; k < pairs; k++, a += 6, lower += 6) {
        const __m512i b0 = _mm512_load_si512(b + k), b1 = _mm512_load_si512(right + k);
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) {
            __m512i x = _mm512_set1_epi32(r < 6 ? a[r] : lower[r - 6]);
            sum[r][0] = _mm512_dpwssd_epi32(sum[r][0], x, b0);
            sum[r][1] = _mm512_dpwssd_epi32(sum[r][1], x, b1);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < 12; r++) {
        _mm512_store_si512(tile + r, sum[r][0]);
        _mm512_store_si512(tile + 12 + r, sum[r][1]);
    }
    compare_vnni(w, waiting);
}

/* 32 rows x 16 columns, 64 terms at a time. A term is 2^7 times its high digit and its low one, of 8 bits both:
   the products of high digits go to the first 32 lines, those of a high and a low one to the others, and those of
   two low digits nowhere (see rounding.py). Uses of a tile lie apart, as each waits for the last to be done; rows of
   the block that waits are compared in between, as tiles are multiplied by a unit of their own. Rows are wanted again
   for the next panel, so columns stream past the first-level cache. */
TARGET("amx-tile,amx-int8,avx512f")
void product_amx(const Work *w, int64_t row, int64_t panel, Line *tile, const Block *waiting) {
    const int64_t digit = 1024, steps = w->terms / 64 * 2 * digit;
    const char *a = (const char *)w->rows + row / 16 * steps, *lower = a + steps;
    const char *b = (const char *)w->columns + panel * steps;
    const Line *shift = (const Line *)w->shift + panel;
    const int64_t some = (HIGHEST * 64 + w->terms - 1) / w->terms;
    int64_t compared = 0;
    _tile_zero(0);
    _tile_zero(2);
    _tile_loadd(1, shift, 0); /* a stride of 0: all rows begin with the columns' shift */
    _tile_loadd(3, shift, 0);
    for (int64_t k = 0; k < steps; k += 2 * digit) {
        _tile_stream_loadd(4, b + k, 64);
        _tile_loadd(6, a + k, 64);
        _tile_dpbssd(0, 6, 4);
        _tile_stream_loadd(5, b + k + digit, 64);
        _tile_dpbssd(1, 6, 5);
        _tile_loadd(7, lower + k, 64);
        _tile_dpbssd(2, 7, 4);
        _tile_dpbssd(3, 7, 5);
        _tile_loadd(6, a + k + digit, 64);
        _tile_dpbssd(1, 6, 4);
        _tile_loadd(7, lower + k + digit, 64);
        _tile_dpbssd(3, 7, 4);
        const int64_t to = compared + some < waiting->rows ? compared + some : waiting->rows;
        decide_wide(w, waiting, compared, to, 2);
        compared = to;
    }
    _tile_stored(0, tile, 64);
    _tile_stored(1, tile + 32, 64);
    _tile_stored(2, tile + 16, 64);
    _tile_stored(3, tile + 48, 64);
}

/* All eight tiles have 16 rows of 64 bytes. */
TARGET("amx-tile")
void amx_begin(void) {
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } __attribute__((aligned(64))) configuration = {
        1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    __asm__ volatile("" ::: "memory"); /* GCC 12 may else load it before it is written */
    _tile_loadconfig(&configuration);
}

TARGET("amx-tile")
void amx_end(void) { _tile_release(); }

#endif
