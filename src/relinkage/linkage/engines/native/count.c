/* Count a strip of rows: products, decisions, strata, and what was left open. */
#include <stdlib.h>
#include <string.h>

#include "products.h"

#define LISTED 8192

#ifdef RELINKAGE_KERNELS

typedef int32_t Eight __attribute__((vector_size(32), may_alias));

/* Decisions about the rows of a block and a chunk of columns, and what a chunk or a strip adds up. */
typedef struct {
    Decided by_row, by_column;
    Line counted[CHUNK];     /* of each column: rows above */
    Line tiles[2][2 * HIGHEST]; /* one is compared while the next is multiplied */
    int64_t listed, settled;
    Open open[LISTED];
    Line strata[]; /* levels x CHUNK: of each column, rows above whose stratum holds it */
} Strip;

/* What differs between products: rows and panels of a block, how it is made and compared, and bytes of columns that
   stay in the second-level cache while the rows of a strip pass by. */
typedef struct {
    int64_t height, across, chunk;
    Product *product;
    Compare *compare;
} Kernel;

static const Kernel kernels[KERNELS] = {
    [AVX2] = {6, 1, 1 << 18, product_avx2, compare_avx2},
    [VNNI] = {12, 2, 1 << 18, product_vnni, compare_vnni},
    [AMX] = {32, 1, 1 << 19, product_amx, compare_amx},
};

static void settle_listed(const Work *w, Strip *s) {
    settle(w, s->open, s->listed);
    s->settled += s->listed;
    s->listed = 0;
}

/* List what lies between the ends of a band in one row of a chunk, and count what is above. */
TARGET("popcnt")
static int64_t read_bits(const Work *w, Strip *s, const Decided *decided, int64_t r, int64_t row, int64_t column,
                         int64_t panels, int asks) {
    int64_t above = 0;
    if (s->listed + CHUNK * WIDTH > LISTED) settle_listed(w, s);
    for (int64_t word = 0; word * 4 < panels; word++) {
        above += __builtin_popcountll(decided->above[r].word[word]);
        uint64_t open = decided->reached[r].word[word] & ~decided->above[r].word[word];
        for (; open; open &= open - 1)
            s->open[s->listed++] =
                (Open){(int32_t)row, (int32_t)(column + word * 64 + __builtin_ctzll(open)), asks};
    }
    return above;
}

/* Count the bits of one line from bit `begin` to bit `end`. */
TARGET("popcnt")
static int64_t bits_between(const Bits *line, int64_t begin, int64_t end) {
    int64_t count = 0;
    for (int64_t word = begin / 64; word * 64 < end; word++) {
        uint64_t bits = line->word[word];
        if (word * 64 < begin) bits &= ~0ULL << (begin - word * 64);
        if (end - word * 64 < 64) bits &= (1ULL << (end - word * 64)) - 1;
        count += __builtin_popcountll(bits);
    }
    return count;
}

/* Count the bits from bit `begin` to bit `end` of one line, each for its own column: no branch asks which are set. */
TARGET("avx2")
static void count_each(const Bits *line, int64_t begin, int64_t end, Line *counted) {
    const Eight left = {1, 2, 4, 8, 16, 32, 64, 128}, right = left << 8;
    for (int64_t panel = begin / WIDTH; panel * WIDTH < end; panel++) {
        int32_t bits = line->panel[panel];
        if (panel * WIDTH < begin) bits &= -1u << (begin - panel * WIDTH);
        if (end - panel * WIDTH < WIDTH) bits &= (1 << (end - panel * WIDTH)) - 1;
        Eight *count = (Eight *)(counted + panel);
        count[0] -= (left & bits) == left; /* a comparison that holds is -1 */
        count[1] -= (right & bits) == right;
    }
}

/* Add a chunk's counts inside the strata of a row: a stratum is a run of columns. */
static void count_strata(const Work *w, Strip *s, int64_t r, int64_t row, int64_t begin) {
    for (int64_t level = 0; level < w->levels; level++) {
        int64_t from = w->starts[level * w->n + row] - begin, to = w->ends[level * w->n + row] - begin;
        if (from < 0) from = 0;
        if (to > CHUNK * WIDTH) to = CHUNK * WIDTH;
        if (from >= to) continue;
        w->above[(level + 1) * w->n + row] += bits_between(s->by_row.above + r, from, to);
        if (w->row_shift) count_each(s->by_column.above + r, from, to, s->strata + level * CHUNK);
    }
}

/* Multiply a block of rows with the panels of a chunk, compare, and count. What was multiplied waits and is compared
   while the next panel is multiplied. */
static void count_block(const Work *w, Strip *s, int64_t row, int64_t stop, int64_t first, int64_t last) {
    const Kernel *kernel = kernels + w->kernel;
    const int64_t rows = stop - row < kernel->height ? stop - row : kernel->height;
    Block waiting = {.row = row, .by_row = &s->by_row, .by_column = &s->by_column, .counted = s->counted};
    for (int64_t panel = first, turn = 0; panel < last; panel += kernel->across, turn = !turn) {
        kernel->product(w, row, panel, s->tiles[turn], &waiting);
        waiting.rows = rows;
        waiting.panel = panel;
        waiting.place = panel - first;
        waiting.tile = s->tiles[turn];
    }
    kernel->compare(w, &waiting);
    for (int64_t r = 0; r < rows; r++) {
        w->above[row + r] += read_bits(w, s, &s->by_row, r, row + r, first * WIDTH, last - first, 1);
        if (w->row_shift) read_bits(w, s, &s->by_column, r, row + r, first * WIDTH, last - first, 2);
        count_strata(w, s, r, row + r, first * WIDTH);
    }
}

/* Count rows `first` to `stop` (a whole number of blocks, or up to the last row). Gives how many comparisons
   were settled in float64, or -1 where memory ran out. Other threads may count other strips of rows, with column
   counts of their own. */
int64_t count_strip(const Work *w, int64_t first, int64_t stop) {
    const int64_t height = kernels[w->kernel].height, panels = (w->m + WIDTH - 1) / WIDTH;
    const int64_t fitting = kernels[w->kernel].chunk / (w->terms * WIDTH * 2) / 2 * 2;
    const int64_t chunk = fitting > CHUNK ? CHUNK : fitting < 2 ? 2 : fitting;
    Strip *s = aligned_alloc(64, sizeof *s + w->levels * CHUNK * sizeof(Line));
    if (!s) return -1;
    if (stop > w->n) stop = w->n;
    s->listed = s->settled = 0;
    if (w->kernel == AMX) amx_begin();
    for (int64_t panel = 0; panel < panels; panel += chunk) {
        const int64_t last = panel + chunk < panels ? panel + chunk : panels;
        const int64_t begin = panel * WIDTH, end = last * WIDTH < w->m ? last * WIDTH : w->m;
        memset(&s->by_row, 0, sizeof s->by_row);
        memset(&s->by_column, 0, sizeof s->by_column);
        memset(s->counted, 0, sizeof s->counted);
        memset(s->strata, 0, w->levels * CHUNK * sizeof(Line));
        for (int64_t row = first; row < stop; row += height) count_block(w, s, row, stop, panel, last);
        settle_listed(w, s);
        if (!w->row_shift) continue;
        for (int64_t column = begin; column < end; column++)
            w->column_above[column] += ((const int32_t *)s->counted)[column - begin];
        for (int64_t level = 0; level < w->levels; level++)
            for (int64_t column = begin; column < end; column++)
                w->column_above[(level + 1) * w->m + column] +=
                    ((const int32_t *)(s->strata + level * CHUNK))[column - begin];
    }
    if (w->kernel == AMX) amx_end();
    const int64_t settled = s->settled;
    free(s);
    return settled;
}
#else
int64_t count_strip(const Work *w, int64_t first, int64_t stop) { return (void)w, (void)first, (void)stop, -1; }
#endif
