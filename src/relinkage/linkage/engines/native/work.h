/* What a call is given: the packed vectors, the thresholds, and where the counts go. */
#ifndef RELINKAGE_WORK_H
#define RELINKAGE_WORK_H

#include <stdint.h>

#define WIDTH 16 /* columns of a panel */

/* Products are made of whole panels. Element (v, k) of a packed side lies in panel v / P, at
   (k / G) * P * G + (v % P) * G + k % G: panels of P vectors, groups of G neighbouring terms.
   For AMX, terms have two digits of 8 bits: a panel is 64 terms of high digits laid out like that, the low digits
   of the same, the next 64 terms. */
enum { AVX2 = 0, VNNI = 1, AMX = 2, KERNELS = 3 };

typedef struct {
    int32_t i[WIDTH];
} __attribute__((aligned(64))) Line;

/* The order and the types of the fields are those of `Work` in library.py. */
typedef struct {
    int64_t kernel, n, m, terms; /* rows, columns, terms of a packed vector */
    int64_t d, wide, levels;     /* terms of a given vector; given in float64? */
    const void *rows, *columns;  /* packed */
    const int32_t *shift, *low, *high; /* shift of columns; band of rows: open above `low` and up to `high` */
    const int32_t *row_shift, *column_low, *column_high; /* the same for columns that ask, else null */
    const int64_t *starts, *ends;                      /* (levels, n) */
    const void *a, *b;                                 /* as given */
    const double *a_inverse, *b_inverse;
    const int64_t *a_identity, *b_identity;
    const int64_t *mate, *mate_identity;
    const double *mate_score;
    const int64_t *column_mate, *column_mate_identity;
    const double *column_mate_score;
    int64_t *above, *ties;               /* (levels + 1, n), added to; strips of rows are apart */
    int64_t *column_above, *column_ties; /* (levels + 1, m), added to; one for each thread */
} Work;

/* Open comparisons: row, column, and who asks (1: the row, 2: the column). */
typedef struct {
    int32_t row, column;
    int32_t asks;
} Open;

/* settle.c */
void settle(const Work *w, const Open *open, int64_t count);

/* products.c */
int supported(int kernel);
void amx_begin(void);
void amx_end(void);

#endif
