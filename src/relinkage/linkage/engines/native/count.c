/* Count a strip of rows: products, decisions, strata, and what was left open. */
#include <stdlib.h>
#include <string.h>

#include "intrinsics.h"
#include "work.h"

#define CHUNK 32 /* panels that are counted together: the bits of a row fill one cache line */
#define LISTED 32768

#ifdef RELINKAGE_KERNELS

typedef int32_t Eight __attribute__((vector_size(32), may_alias));

typedef struct {
    int64_t first, first_panel; /* of the strip, of the chunk */
    int64_t listed, settled;
    int32_t *counted;                /* rows of the strip: columns above */
    uint16_t *row_bits, *column_bits; /* rows of the strip x CHUNK: which columns are above */
    Line *column_counted;            /* CHUNK: rows above */
    Line *column_strata;             /* levels x CHUNK: rows above whose stratum holds the column */
    Open *open;
} Strip;

static void settle_listed(const Work *w, Strip *s) {
    settle(w, s->open, s->listed);
    s->settled += s->listed;
    s->listed = 0;
}

static void list_open(const Work *w, Strip *s, int64_t row, int64_t rows, int64_t panel,
                      const uint32_t *open, int asks) {
    if (s->listed + rows * WIDTH > LISTED) settle_listed(w, s);
    for (int64_t r = 0; r < rows && row + r < w->n; r++)
        for (uint32_t bits = open[r]; bits; bits &= bits - 1) {
            const int64_t column = panel * WIDTH + __builtin_ctz(bits);
            if (column < w->m) s->open[s->listed++] = (Open){(int32_t)(row + r), (int32_t)column, asks};
        }
}

#define BITS(mask) ((uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(mask)))

#define DECIDE decide_integers
#define VECTOR __m256i
#define SCALAR int32_t
#define FIELD i
#define LOAD(p) _mm256_load_si256((const __m256i *)(p))
#define SPREAD _mm256_set1_epi32
#define ADD _mm256_add_epi32
#define ABOVE_MASK(x, y) _mm256_cmpgt_epi32(x, y)
#define ABOVE(x, y) BITS(_mm256_cmpgt_epi32(x, y))
#define REACHED(x, y) ABOVE(x, y) /* integers come with one less than the low end */
#include "decide.h"

#define DECIDE decide_floats
#define VECTOR __m256
#define SCALAR float
#define FIELD f
#define LOAD(p) _mm256_load_ps(p)
#define SPREAD _mm256_set1_ps
#define ADD _mm256_add_ps
#define ABOVE_MASK(x, y) _mm256_castps_si256(_mm256_cmp_ps(x, y, _CMP_GT_OQ))
#define ABOVE(x, y) ((uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(x, y, _CMP_GT_OQ)))
#define REACHED(x, y) ((uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(x, y, _CMP_GE_OQ)))
#include "decide.h"

/* Count the bits of one line from bit `begin` to bit `end`. */
TARGET("popcnt")
static int64_t bits_between(const uint16_t *line, int64_t begin, int64_t end) {
    const uint64_t *words = (const uint64_t *)line;
    int64_t count = 0;
    for (int64_t word = begin / 64; word * 64 < end; word++) {
        uint64_t bits = words[word];
        if (word * 64 < begin) bits &= ~0ULL << (begin - word * 64);
        if (end - word * 64 < 64) bits &= (1ULL << (end - word * 64)) - 1;
        count += __builtin_popcountll(bits);
    }
    return count;
}

/* Count the bits from bit `begin` to bit `end` of one line, each for its own column: no branch asks which are set. */
TARGET("avx2")
static void count_each(const uint16_t *line, int64_t begin, int64_t end, Line *counted) {
    const Eight left = {1, 2, 4, 8, 16, 32, 64, 128}, right = left << 8;
    for (int64_t panel = begin / WIDTH; panel * WIDTH < end; panel++) {
        int32_t bits = line[panel];
        if (panel * WIDTH < begin) bits &= -1 << (begin - panel * WIDTH);
        if (end - panel * WIDTH < WIDTH) bits &= (1 << (end - panel * WIDTH)) - 1;
        Eight *count = (Eight *)(counted + panel);
        count[0] -= (left & bits) == left; /* a comparison that holds is -1 */
        count[1] -= (right & bits) == right;
    }
}

/* Add a chunk's counts inside the strata: those above lie in bits, and a stratum of a row is a run of them. */
static void count_strata(const Work *w, const Strip *s, int64_t row, int64_t begin, int64_t end) {
    for (int64_t level = 0; level < w->levels; level++) {
        int64_t from = w->starts[level * w->n + row], to = w->ends[level * w->n + row];
        from = (from > begin ? from : begin) - begin;
        to = (to < end ? to : end) - begin;
        if (from >= to) continue;
        w->above[(level + 1) * w->n + row] += bits_between(s->row_bits + (row - s->first) * CHUNK, from, to);
        if (w->row_shift)
            count_each(s->column_bits + (row - s->first) * CHUNK, from, to, s->column_strata + level * CHUNK);
    }
}

static void count_chunk(const Work *w, Strip *s, int64_t stop, int64_t panels) {
    const int64_t height = w->kernel == AMX ? 32 : w->kernel == VNNI ? 12 : 6;
    const int64_t across = w->kernel == AVX2 ? 1 : 2;
    Line tile[64];
    for (int64_t panel = s->first_panel; panel < panels; panel += across)
        for (int64_t row = s->first; row < stop; row += height) {
            if (w->kernel == AVX2) product_avx2(w, row, panel, tile);
            if (w->kernel == VNNI) product_vnni(w, row, panel, tile);
            if (w->kernel == AMX) product_amx(w, row, panel, tile);
            for (int64_t c = 0; c < across; c++)
                if (w->kernel == AMX) decide_floats(w, s, row, height, panel + c, tile + c * height);
                else decide_integers(w, s, row, height, panel + c, tile + c * height);
        }
}

/* Count rows `first` to `stop` (a whole number of blocks, or up to the last row). Gives how many comparisons
   were settled in float64, or -1 where memory ran out. Other threads may count other strips of rows, with column counts of their own. */
int64_t count_strip(const Work *w, int64_t first, int64_t stop) {
    const int64_t height = stop - first + 32, panels = (w->m + WIDTH - 1) / WIDTH;
    const int64_t line = (height * CHUNK * 2 + 63) / 64 * 64;
    Strip s = {.first = first};
    s.counted = calloc(height, sizeof *s.counted);
    s.open = malloc(LISTED * sizeof *s.open);
    s.row_bits = aligned_alloc(64, line);
    s.column_bits = aligned_alloc(64, line);
    s.column_counted = aligned_alloc(64, CHUNK * sizeof(Line));
    s.column_strata = aligned_alloc(64, (w->levels + 1) * CHUNK * sizeof(Line));
    const int whole = s.counted && s.open && s.row_bits && s.column_bits && s.column_counted && s.column_strata;
    if (whole && w->kernel == AMX) amx_begin();
    for (int64_t panel = 0; whole && panel < panels; panel += CHUNK) {
        const int64_t last = panel + CHUNK < panels ? panel + CHUNK : panels;
        const int64_t begin = panel * WIDTH, end = last * WIDTH < w->m ? last * WIDTH : w->m;
        s.first_panel = panel;
        memset(s.counted, 0, height * sizeof *s.counted);
        memset(s.column_counted, 0, CHUNK * sizeof(Line));
        memset(s.column_strata, 0, w->levels * CHUNK * sizeof(Line));
        count_chunk(w, &s, stop, last);
        settle_listed(w, &s);
        for (int64_t row = first; row < stop; row++) {
            w->above[row] += s.counted[row - first];
            count_strata(w, &s, row, begin, end);
        }
        if (!w->row_shift) continue;
        for (int64_t column = begin; column < end; column++)
            w->column_above[column] += ((const int32_t *)s.column_counted)[column - begin];
        for (int64_t level = 0; level < w->levels; level++)
            for (int64_t column = begin; column < end; column++)
                w->column_above[(level + 1) * w->m + column] +=
                    ((const int32_t *)(s.column_strata + level * CHUNK))[column - begin];
    }
    if (whole && w->kernel == AMX) amx_end();
    free(s.counted);
    free(s.open);
    free(s.row_bits);
    free(s.column_bits);
    free(s.column_counted);
    free(s.column_strata);
    return whole ? s.settled : -1;
}
#else
int64_t count_strip(const Work *w, int64_t first, int64_t stop) { return (void)w, (void)first, (void)stop, -1; }
#endif
