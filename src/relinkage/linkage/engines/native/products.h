/* The products, and the comparisons that they make meanwhile. */
#ifndef RELINKAGE_PRODUCTS_H
#define RELINKAGE_PRODUCTS_H

#include "decide.h"

#ifdef RELINKAGE_KERNELS
typedef void Product(const Work *w, int64_t row, int64_t panel, Line *tile, const Block *waiting);
typedef void Compare(const Work *w, const Block *waiting);

Product product_avx2, product_vnni, product_amx;
Compare compare_avx2, compare_vnni, compare_amx;
#endif

#endif
