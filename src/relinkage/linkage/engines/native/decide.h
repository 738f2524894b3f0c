/* Compare a block of scores with the bands of its rows, and of its columns where these ask.

   Included twice by count.c: for int32 scores and for float scores. VECTOR, SCALAR, FIELD, LOAD, SPREAD, ADD,
   ABOVE and REACHED say what differs. */

TARGET("avx2,popcnt")
static void DECIDE(const Work *w, Strip *s, int64_t row, int64_t rows, int64_t panel, const Line *tile) {
    const SCALAR *low = (const SCALAR *)w->low + row, *high = (const SCALAR *)w->high + row;
    uint32_t open[32], any = 0;
    for (int64_t r = 0; r < rows; r++) {
        const VECTOR left = LOAD(tile[r].FIELD), right = LOAD(tile[r].FIELD + 8);
        const VECTOR up = SPREAD(high[r]), down = SPREAD(low[r]);
        const uint32_t above = ABOVE(left, up) | ABOVE(right, up) << 8;
        const uint32_t reached = REACHED(left, down) | REACHED(right, down) << 8;
        s->counted[row - s->first + r] += __builtin_popcount(above);
        if (w->levels) s->row_bits[(row - s->first + r) * CHUNK + panel - s->first_panel] = (uint16_t)above;
        open[r] = reached & ~above;
        any |= open[r];
    }
    if (any) list_open(w, s, row, rows, panel, open, 1);
    if (!w->row_shift) return;

    const SCALAR *row_shift = (const SCALAR *)w->row_shift + row;
    const SCALAR *column_low = ((const Line *)w->column_low)[panel].FIELD;
    const SCALAR *column_high = ((const Line *)w->column_high)[panel].FIELD;
    const VECTOR low0 = LOAD(column_low), low1 = LOAD(column_low + 8);
    const VECTOR high0 = LOAD(column_high), high1 = LOAD(column_high + 8);
    __m256i *counted = (__m256i *)(s->column_counted + panel - s->first_panel);
    __m256i count0 = _mm256_load_si256(counted), count1 = _mm256_load_si256(counted + 1);
    any = 0;
    for (int64_t r = 0; r < rows && row + r < w->n; r++) {
        const VECTOR shift = SPREAD(row_shift[r]);
        const VECTOR left = ADD(LOAD(tile[r].FIELD), shift), right = ADD(LOAD(tile[r].FIELD + 8), shift);
        const __m256i above0 = ABOVE_MASK(left, high0), above1 = ABOVE_MASK(right, high1);
        const uint32_t above = BITS(above0) | BITS(above1) << 8;
        const uint32_t reached = REACHED(left, low0) | REACHED(right, low1) << 8;
        count0 = _mm256_sub_epi32(count0, above0);
        count1 = _mm256_sub_epi32(count1, above1);
        if (w->levels) s->column_bits[(row - s->first + r) * CHUNK + panel - s->first_panel] = (uint16_t)above;
        open[r] = reached & ~above;
        any |= open[r];
    }
    _mm256_store_si256(counted, count0);
    _mm256_store_si256(counted + 1, count1);
    if (any) list_open(w, s, row, rows, panel, open, 2);
}

#undef DECIDE
#undef VECTOR
#undef SCALAR
#undef FIELD
#undef LOAD
#undef SPREAD
#undef ADD
#undef ABOVE
#undef ABOVE_MASK
#undef REACHED
