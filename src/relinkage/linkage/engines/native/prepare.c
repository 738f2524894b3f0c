/* Centre, round and pack vectors for the products. */
#include <math.h>

#include "intrinsics.h"
#include "vectors.h"
#include "work.h"

/* The fields are those of `Side` in library.py. */
typedef struct {
    int64_t n, d, wide, terms, panel, group, digits;
    const void *given;
    const double *inverse, *centre, *other;
    double *norm, *shift, *largest, *residue, *low; /* low: of the low digits, where there are two */
    double step; /* what one unit of a packed integer is worth */
    int8_t *packed;
} Side;

typedef int64_t FourBits __attribute__((vector_size(32)));

/* The larger of most and |x|, term by term. */
ALWAYS_INLINE TARGET("avx2")
Four larger(Four most, Four x) {
    x = (Four)((FourBits)x & INT64_MAX);
    const FourBits more = x > most;
    return (Four)(((FourBits)x & more) | ((FourBits)most & ~more));
}

/* For some vectors: norm and largest term of (unit vector - centre), and unit vector . other centre. */
ALWAYS_INLINE TARGET("avx2")
void measure_all(const Side *s, int64_t first, int64_t stop, int wide) {
    for (int64_t v = first; v < stop; v++) {
        const char *given = (const char *)s->given + v * s->d * (wide ? 8 : 4);
        const double inverse = s->inverse[v];
        Four squares = {0}, shifts = {0}, most = {0}, x, c, o;
        int64_t k = 0;
        for (; k + 4 <= s->d; k += 4) {
            four(&x, given, k, wide);
            four(&c, s->centre, k, 1);
            four(&o, s->other, k, 1);
            x *= inverse;
            shifts += x * o;
            x -= c;
            squares += x * x;
            most = larger(most, x);
        }
        double square = squares[0] + squares[1] + squares[2] + squares[3];
        double shift = shifts[0] + shifts[1] + shifts[2] + shifts[3];
        double largest = fmax(fmax(most[0], most[1]), fmax(most[2], most[3]));
        for (; k < s->d; k++) {
            const double unit = value(given, k, wide) * inverse, centred = unit - s->centre[k];
            shift += unit * s->other[k];
            square += centred * centred;
            largest = fmax(largest, fabs(centred));
        }
        s->norm[v] = sqrt(square);
        s->shift[v] = shift;
        s->largest[v] = largest;
    }
}

TARGET("avx2")
void measure(const Side *s, int64_t first, int64_t stop) {
    if (s->wide)
        measure_all(s, first, stop, 1);
    else
        measure_all(s, first, stop, 0);
}

#define PART 256 /* terms that are rounded at a time */

/* Lay out the terms of a vector from `begin` on, `size` of them and then zeros. */
ALWAYS_INLINE void put_terms(const Side *s, int64_t v, int64_t begin, int64_t size, const int16_t *terms) {
    char *out = (char *)s->packed + (v / s->panel * s->panel * s->terms + v % s->panel * s->group) * 2;
    for (int64_t k = 0; k < size; k += s->group)
        memcpy(out + (begin + k) * s->panel * 2, terms + k, 2 * s->group);
}

/* The same in two digits, 2^7 times the high one and the low one; gives the sum of the squares of the low ones. */
ALWAYS_INLINE TARGET("avx2")
int64_t put_digits(const Side *s, int64_t v, int64_t begin, int64_t size, const int16_t *terms) {
    const int64_t tile = 64 * s->panel;
    char *out = (char *)s->packed + v / s->panel * s->panel * s->terms * 2 + v % s->panel * s->group;
    int64_t squares = 0;
    for (int64_t k = 0; k < size; k += 64) {
        int8_t high[64], low[64];
        int32_t sum = 0;
        for (int64_t n = 0; n < 64; n++) {
            high[n] = (int8_t)((terms[k + n] + 64) >> 7);
            low[n] = (int8_t)(terms[k + n] - high[n] * 128);
            sum += low[n] * low[n];
        }
        squares += sum;
        char *to = out + (begin + k) / 64 * 2 * tile;
        for (int64_t n = 0; n < 64; n += s->group) {
            memcpy(to + n * s->panel, high + n, s->group);
            memcpy(to + tile + n * s->panel, low + n, s->group);
        }
    }
    return squares;
}

ALWAYS_INLINE TARGET("avx2")
void pack_all(const Side *s, int64_t first, int64_t stop, int wide) {
    const double per = 1 / s->step, whole = 0x1.8p52; /* adding and taking away rounds to whole numbers */
    for (int64_t v = first; v < stop; v++) {
        const char *given = (const char *)s->given + v * s->d * (wide ? 8 : 4);
        double square = 0;
        int64_t low = 0;
        for (int64_t begin = 0; begin < s->d; begin += PART) {
            double left[PART];
            int16_t terms[PART] = {0};
            const int64_t size = s->d - begin < PART ? s->d - begin : PART;
            for (int64_t k = 0; k < size; k++) {
                const double x = value(given, begin + k, wide) * s->inverse[v] - s->centre[begin + k];
                const double number = (x * per + whole) - whole;
                terms[k] = (int16_t)(int32_t)number;
                left[k] = x - number * s->step;
            }
            square += dot(left, left, size, 1);
            if (s->digits == 2)
                low += put_digits(s, v, begin, size, terms);
            else
                put_terms(s, v, begin, size, terms);
        }
        s->residue[v] = sqrt(square);
        s->low[v] = sqrt((double)low) * s->step;
    }
}

TARGET("avx2")
void pack(const Side *s, int64_t first, int64_t stop) {
    if (s->wide)
        pack_all(s, first, stop, 1);
    else
        pack_all(s, first, stop, 0);
}
