// rules: which pixels of a band match every rule. -D SRC_T; BITS_T, the unsigned integer of its size; TABLE_T, f64 for
// bands of floats, else i64.
// table: for each rule 1 if any test will do, 1 if it is inverted, the number of tests; for each test the bits that it
// looks at, the number of values, the values. A pixel passes where its bits are one of these; a float, where it equals
// one. A number n below 0 stands for ~n values, of which a pixel that passes is none. also: whether to keep just what
// out had as 1. out: uint8, 1 where all rules match. Twin: reference.py:rules.
#include "target.cuh"
#include "convert.cuh"

template <class T> INLINE BITS_T equals(T pixel, BITS_T bits, TABLE_T value)
{
    if constexpr (Kind<SRC_T>::is_float)
        return (f64)pixel == value;
    else
        return ((BITS_T)pixel & bits) == (BITS_T)value;
}

// Evaluates the table for n neighbouring pixels; n is known to the compiler but at the end of a row.
INLINE void evaluate(const SRC_T* __restrict__ pixel, const TABLE_T* __restrict__ at, i64 count, int n, BITS_T* keep)
{
    LANE_ARRAY BITS_T matched[LANES], passed[LANES];
    LANE_LOOP(l, 0, n) keep[l] = 1;
    for (i64 rule = 0; rule < count; ++rule) {
        const bool any = at[0] != 0;
        const BITS_T inverted = at[1] != 0;
        const i64 tests = (i64)at[2];
        at += 3;
        LANE_LOOP(l, 0, n) matched[l] = !any;
        for (i64 test = 0; test < tests; ++test) {
            const BITS_T bits = Kind<SRC_T>::is_float ? 0 : (BITS_T)at[0];
            const i64 given = (i64)at[1];
            const TABLE_T *value = at + 2, *end = value + (given < 0 ? ~given : given);
            LANE_LOOP(l, 0, n) passed[l] = 0;
            for (; value < end; ++value)
                LANE_LOOP(l, 0, n) passed[l] |= equals(pixel[l], bits, *value);
            at = end;
            if (given < 0)
                LANE_LOOP(l, 0, n) passed[l] ^= 1;
            if (any)
                LANE_LOOP(l, 0, n) matched[l] |= passed[l];
            else
                LANE_LOOP(l, 0, n) matched[l] &= passed[l];
        }
        LANE_LOOP(l, 0, n) keep[l] &= matched[l] ^ inverted;
    }
}

// Stores what is kept of n neighbouring pixels.
INLINE void store(u8* target, const BITS_T* keep, int n, bool also)
{
    if (also) {
        LANE_LOOP(l, 0, n) target[l] &= (u8)keep[l];
    } else if (n == LANES) {
        LANE_ARRAY u8 bytes[LANES];
        LANE_LOOP(l, 0, LANES) bytes[l] = (u8)keep[l];
        stream_segment(target, bytes);
    } else {
        LANE_LOOP(l, 0, n) target[l] = (u8)keep[l];
    }
}

KERNEL(rules, i64 rows, i64 cols, const SRC_T* __restrict__ band, i64 pitch, const TABLE_T* __restrict__ table,
       i64 count, i64 also, u8* __restrict__ out, i64 out_pitch)
{
    if (count == 1 && table[2] == 1 && table[4] == 1) {  // flags that are asked for together: one look at each pixel
        const BITS_T inverted = table[1] != 0, bits = Kind<SRC_T>::is_float ? 0 : (BITS_T)table[3];
        const TABLE_T value = table[5];
        FOR_SEGMENTS(y, rows, x, cols) {
            const SRC_T* pixel = band + y * pitch + x;
            const int n = SEGMENT_WIDTH(x, cols);
            LANE_ARRAY BITS_T keep[LANES];
            if (n == LANES)
                LANE_LOOP(l, 0, LANES) keep[l] = equals(pixel[l], bits, value) ^ inverted;
            else
                LANE_LOOP(l, 0, n) keep[l] = equals(pixel[l], bits, value) ^ inverted;
            store(out + y * out_pitch + x, keep, n, also);
        }
        return;
    }
    FOR_SEGMENTS(y, rows, x, cols) {
        const SRC_T* pixel = band + y * pitch + x;
        const int n = SEGMENT_WIDTH(x, cols);
        LANE_ARRAY BITS_T keep[LANES];
        if (n == LANES)
            evaluate(pixel, table, count, LANES, keep);
        else
            evaluate(pixel, table, count, n, keep);
        store(out + y * out_pitch + x, keep, n, also);
    }
}
