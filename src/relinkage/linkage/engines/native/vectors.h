/* Sums over the terms of given vectors, float32 or float64, worked out in float64, four at a time. */
#ifndef RELINKAGE_VECTORS_H
#define RELINKAGE_VECTORS_H

#include <stdint.h>
#include <string.h>

typedef double Four __attribute__((vector_size(32)));
typedef float FourFloats __attribute__((vector_size(16)));

ALWAYS_INLINE double value(const void *vector, int64_t k, int wide) {
    return wide ? ((const double *)vector)[k] : (double)((const float *)vector)[k];
}

ALWAYS_INLINE TARGET("avx2")
void four(Four *out, const void *vector, int64_t k, int wide) {
    if (wide) {
        memcpy(out, (const double *)vector + k, sizeof *out);
    } else {
        FourFloats narrow;
        memcpy(&narrow, (const float *)vector + k, sizeof narrow);
        *out = __builtin_convertvector(narrow, Four);
    }
}

ALWAYS_INLINE TARGET("avx2")
double dot(const void *a, const void *b, int64_t d, int wide) {
    Four sum[4] = {0}, x, y;
    int64_t k = 0;
    for (; k + 16 <= d; k += 16)
        for (int part = 0; part < 4; part++) {
            four(&x, a, k + 4 * part, wide);
            four(&y, b, k + 4 * part, wide);
            sum[part] += x * y;
        }
    const Four all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    double total = (all[0] + all[1]) + (all[2] + all[3]);
    for (; k < d; k++) total += value(a, k, wide) * value(b, k, wide);
    return total;
}

#endif
