/* Compare a block of scores with the bands of its rows, and of its columns where these ask.

   Nothing is counted here but the columns' totals: every comparison becomes a bit, above the band or reached
   its low end, and bits are counted and listed a row of a chunk at a time. */
#ifndef RELINKAGE_DECIDE_H
#define RELINKAGE_DECIDE_H

#include "intrinsics.h"
#include "work.h"

#ifdef RELINKAGE_KERNELS

#define CHUNK 32  /* panels that are counted together */
#define HIGHEST 32 /* rows of the highest block */

/* A bit for each column of a chunk. */
typedef union {
    uint16_t panel[CHUNK];
    uint64_t word[CHUNK / 4];
} __attribute__((aligned(64))) Bits;

typedef struct {
    Bits above[HIGHEST], reached[HIGHEST];
} Decided;

/* Scores that wait to be compared: of some rows with one panel, or two where a product makes two at a time. */
typedef struct {
    int64_t row, rows, panel, place; /* place: of the panel in its chunk */
    const Line *tile;                /* rows of the first panel, then of the second */
    Decided *by_row, *by_column;
    Line *counted; /* of each column of the chunk: rows above */
} Block;

#define BITS(mask) ((uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(mask)))
#define GREATER _mm256_cmpgt_epi32

ALWAYS_INLINE TARGET("avx2")
void decide_avx2(const Work *w, const Block *b) {
    Decided *by_row = b->by_row, *by_column = b->by_column;
    const int32_t *low = w->low + b->row, *high = w->high + b->row;
    for (int64_t r = 0; r < b->rows; r++) {
        const __m256i *score = (const __m256i *)(b->tile + r);
        const __m256i left = _mm256_load_si256(score), right = _mm256_load_si256(score + 1);
        const __m256i up = _mm256_set1_epi32(high[r]), down = _mm256_set1_epi32(low[r]);
        by_row->above[r].panel[b->place] = BITS(GREATER(left, up)) | BITS(GREATER(right, up)) << 8;
        by_row->reached[r].panel[b->place] = BITS(GREATER(left, down)) | BITS(GREATER(right, down)) << 8;
    }
    if (!w->row_shift) return;

    const __m256i *column_low = (const __m256i *)(w->column_low + b->panel * WIDTH);
    const __m256i *column_high = (const __m256i *)(w->column_high + b->panel * WIDTH);
    const __m256i low0 = _mm256_load_si256(column_low), low1 = _mm256_load_si256(column_low + 1);
    const __m256i high0 = _mm256_load_si256(column_high), high1 = _mm256_load_si256(column_high + 1);
    __m256i *total = (__m256i *)(b->counted + b->place);
    __m256i total0 = _mm256_load_si256(total), total1 = _mm256_load_si256(total + 1);
    for (int64_t r = 0; r < b->rows; r++) {
        const __m256i *score = (const __m256i *)(b->tile + r), shift = _mm256_set1_epi32(w->row_shift[b->row + r]);
        const __m256i left = _mm256_add_epi32(_mm256_load_si256(score), shift);
        const __m256i right = _mm256_add_epi32(_mm256_load_si256(score + 1), shift);
        const __m256i above0 = GREATER(left, high0), above1 = GREATER(right, high1);
        total0 = _mm256_sub_epi32(total0, above0); /* a comparison that holds is -1 */
        total1 = _mm256_sub_epi32(total1, above1);
        by_column->above[r].panel[b->place] = BITS(above0) | BITS(above1) << 8;
        by_column->reached[r].panel[b->place] = BITS(GREATER(left, low0)) | BITS(GREATER(right, low1)) << 8;
    }
    _mm256_store_si256(total, total0);
    _mm256_store_si256(total + 1, total1);
}

/* The same for rows `from` to `to`, sixteen columns at a time. A score in two parts is 2^7 times the first and the
   second, HIGHEST lines on. */
ALWAYS_INLINE TARGET("avx512f")
void decide_wide(const Work *w, const Block *b, int64_t from, int64_t to, int parts) {
    const int both = w->row_shift != 0;
    const int32_t *low = w->low + b->row, *high = w->high + b->row;
    __m512i column_low, column_high, total;
    if (both) {
        column_low = _mm512_load_si512(w->column_low + b->panel * WIDTH);
        column_high = _mm512_load_si512(w->column_high + b->panel * WIDTH);
        total = _mm512_load_si512(b->counted + b->place);
    }
    for (int64_t r = from; r < to; r++) {
        __m512i score = _mm512_load_si512(b->tile + r);
        if (parts == 2)
            score = _mm512_add_epi32(_mm512_slli_epi32(score, 7), _mm512_load_si512(b->tile + HIGHEST + r));
        b->by_row->above[r].panel[b->place] = _mm512_cmpgt_epi32_mask(score, _mm512_set1_epi32(high[r]));
        b->by_row->reached[r].panel[b->place] = _mm512_cmpgt_epi32_mask(score, _mm512_set1_epi32(low[r]));
        if (!both) continue;
        score = _mm512_add_epi32(score, _mm512_set1_epi32(w->row_shift[b->row + r]));
        const __mmask16 above = _mm512_cmpgt_epi32_mask(score, column_high);
        total = _mm512_mask_add_epi32(total, above, total, _mm512_set1_epi32(1));
        b->by_column->above[r].panel[b->place] = above;
        b->by_column->reached[r].panel[b->place] = _mm512_cmpgt_epi32_mask(score, column_low);
    }
    if (both) _mm512_store_si512(b->counted + b->place, total);
}

#endif
#endif
