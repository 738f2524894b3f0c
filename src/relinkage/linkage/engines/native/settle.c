/* Comparisons that the product left open, in float64, as relinkage.linkage.scores defines them. */
#include "intrinsics.h"
#include "vectors.h"
#include "work.h"

#include <float.h>

#define AHEAD 8 /* comparisons between asking for vectors and their use */

static const double TIE = 0x1p-40;

/* The order of summation of scores.dot, so that the last bit is the same. */
static double dot_in_order(const void *a, const void *b, int64_t d, int wide) {
    double total = 0;
    for (int64_t k = 0; k < d; k++) total += value(a, k, wide) * value(b, k, wide);
    return total;
}

/* Compare a score with the mate's: 1 above, 0 tied, -1 below.

   A sum in any order is within (d + 1) 2^-53 of the true cosine (Higham 2002, section 3.1), so the quick one
   decides unless it lies within twice that, and some more, of the edge of a tie. */
ALWAYS_INLINE TARGET("avx2")
int compare(const void *a, const void *b, int64_t d, double inverse, double mate, int wide) {
    const double slack = 8.0 * (d + 8) * 0x1p-53;
    double score = dot(a, b, d, wide) * inverse;
    const double over = score - (mate + TIE), under = score - (mate - TIE);
    if ((over < slack && over > -slack) || (under < slack && under > -slack))
        score = dot_in_order(a, b, d, wide) * inverse;
    if (score > mate + TIE) return 1;
    return score >= mate - TIE ? 0 : -1;
}

static void add(int64_t *counts, const Work *w, int64_t row, int64_t column, int64_t vectors, int64_t which) {
    counts[which]++;
    for (int64_t level = 0; level < w->levels; level++)
        counts[(level + 1) * vectors + which] +=
            w->starts[level * w->n + row] <= column && column < w->ends[level * w->n + row];
}

/* Whether a candidate has the direction of the mate, and ties with it without a product. */
ALWAYS_INLINE int like_mate(const Work *w, const Open *open) {
    const int64_t i = open->row, j = open->column;
    return open->asks == 1 ? w->b_identity[j] == w->mate_identity[i] : w->a_identity[i] == w->column_mate_identity[j];
}

/* Ask for both vectors of a comparison that comes soon; of long ones the processor foresees the rest. */
ALWAYS_INLINE void fetch(const Work *w, const Open *open, int64_t bytes) {
    if (like_mate(w, open)) return;
    for (int64_t byte = 0; byte < bytes && byte < 2048; byte += 64) {
        __builtin_prefetch((const char *)w->a + open->row * bytes + byte);
        __builtin_prefetch((const char *)w->b + open->column * bytes + byte);
    }
}

ALWAYS_INLINE TARGET("avx2")
void settle_all(const Work *w, const Open *open, int64_t count, int wide) {
    const int64_t bytes = w->d * (wide ? 8 : 4);
    for (int64_t at = 0; at < count; at++) {
        if (at + AHEAD < count) fetch(w, open + at + AHEAD, bytes);
        const int64_t i = open[at].row, j = open[at].column;
        const int by_row = open[at].asks == 1;
        if (by_row ? w->mate[i] == j : w->column_mate[j] == i) continue; /* the mate itself is no distractor */
        int order = 0;
        if (!like_mate(w, open + at))
            order = compare((const char *)w->a + i * bytes, (const char *)w->b + j * bytes, w->d,
                            w->a_inverse[i] * w->b_inverse[j],
                            by_row ? w->mate_score[i] : w->column_mate_score[j], wide);
        if (order < 0) continue;
        if (by_row)
            add(order ? w->above : w->ties, w, i, j, w->n, i);
        else
            add(order ? w->column_above : w->column_ties, w, i, j, w->m, j);
    }
}

TARGET("avx2")
void settle(const Work *w, const Open *open, int64_t count) {
    if (w->wide)
        settle_all(w, open, count, 1);
    else
        settle_all(w, open, count, 0);
}
