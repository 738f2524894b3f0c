/* Centre, round and pack vectors for the products. */
#include <math.h>

#include "intrinsics.h"
#include "vectors.h"
#include "work.h"

/* The fields are those of `Side` in library.py. */
typedef struct {
    int64_t n, d, wide, terms, panel, group, bfloat;
    const void *given;
    const double *inverse, *centre, *other;
    double *norm, *shift, *largest, *residue;
    double step; /* what one unit of a packed integer is worth */
    uint16_t *packed;
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

/* Round to the nearest bfloat16, ties to even; give the bits and the value. */
ALWAYS_INLINE uint16_t to_bfloat(double x, double *rounded) {
    float single = (float)x;
    uint32_t bits;
    memcpy(&bits, &single, 4);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
    memcpy(&single, &bits, 4);
    *rounded = single;
    return (uint16_t)(bits >> 16);
}

ALWAYS_INLINE TARGET("avx2")
void pack_all(const Side *s, int64_t first, int64_t stop, int wide, int bfloat) {
    const double per = 1 / s->step, whole = 0x1.8p52; /* adding and taking away rounds to whole numbers */
    for (int64_t v = first; v < stop; v++) {
        const char *given = (const char *)s->given + v * s->d * (wide ? 8 : 4);
        uint16_t *out = s->packed + v / s->panel * s->panel * s->terms + v % s->panel * s->group;
        double square = 0;
        for (int64_t begin = 0; begin < s->d; begin += 256) {
            double left[256];
            uint16_t line[258];
            const int64_t size = s->d - begin < 256 ? s->d - begin : 256;
            for (int64_t k = 0; k < size; k++) {
                const double x = value(given, begin + k, wide) * s->inverse[v] - s->centre[begin + k];
                double rounded;
                if (bfloat) {
                    line[k] = to_bfloat(x, &rounded);
                } else {
                    const double number = (x * per + whole) - whole;
                    line[k] = (uint16_t)(int16_t)(int32_t)number;
                    rounded = number * s->step;
                }
                left[k] = x - rounded;
            }
            square += dot(left, left, size, 1);
            if (s->group == 2 && size % 2) line[size] = 0;
            for (int64_t k = 0; k < size; k += s->group) {
                uint16_t *to = out + (begin + k) * s->panel;
                if (s->group == 2)
                    memcpy(to, line + k, 4);
                else
                    memcpy(to, line + k, 2 * (size - k < s->group ? size - k : s->group));
            }
        }
        s->residue[v] = sqrt(square);
    }
}

TARGET("avx2")
void pack(const Side *s, int64_t first, int64_t stop) {
    if (s->wide && s->bfloat) pack_all(s, first, stop, 1, 1);
    if (s->wide && !s->bfloat) pack_all(s, first, stop, 1, 0);
    if (!s->wide && s->bfloat) pack_all(s, first, stop, 0, 1);
    if (!s->wide && !s->bfloat) pack_all(s, first, stop, 0, 0);
}
