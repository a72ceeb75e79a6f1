// rules: which pixels of a band match every rule. -D SRC_T, and BITS_T, the unsigned integer of its size. TABLE_T: f64 for
// bands of floats, else i64.
// table: for each rule 1 if any test will do, 1 if it is inverted, the number of tests. For each test the bits that it
// looks at, the number of values, the values. A pixel passes where its bits are one of these. A float passes if it equals
// one. A number n below 0 stands for ~n values, of which a pixel that passes is none. also: whether to keep just what
// out had as 1. out: uint8, 1 where all rules match. Twin: twins.py:rules.
#include "convert.cuh"
#include "target.cuh"

// 1 where something holds, in lanes of one size, so that they vectorise.
#if LANES == 1
typedef bool Flag;
#else
typedef BITS_T Flag;
#endif

template <class T> INLINE Flag equals(T pixel, BITS_T bits, TABLE_T value)
{
    if constexpr (Kind<SRC_T>::is_float)
        return (f64)pixel == value;
    else
        return ((BITS_T)pixel & bits) == (BITS_T)value;
}

// Evaluates the table for n pixels. This number is known to the compiler but at the end of a row or column.
INLINE void evaluate(const SRC_T* __restrict__ pixel, const TABLE_T* __restrict__ at, int count, int n, Flag* keep)
{
    LANE_ARRAY Flag matched[STRIP], passed[STRIP];
    STRIP_LOOP(l, 0, n) keep[l] = 1;
    for (int rule = 0; rule < count; ++rule) {
        const bool any = at[0] != 0;
        const Flag inverted = at[1] != 0;
        const int tests = (int)at[2];
        at += 3;
        STRIP_LOOP(l, 0, n) matched[l] = !any;
        for (int test = 0; test < tests; ++test) {
            const BITS_T bits = Kind<SRC_T>::is_float ? 0 : (BITS_T)at[0];
            const int given = (int)at[1];
            const TABLE_T *value = at + 2, *end = value + (given < 0 ? ~given : given);
            STRIP_LOOP(l, 0, n) passed[l] = 0;
            for (; value < end; ++value)
                STRIP_LOOP(l, 0, n) passed[l] |= equals(pixel[l], bits, *value);
            at = end;
            if (given < 0)
                STRIP_LOOP(l, 0, n) passed[l] ^= 1;
            if (any)
                STRIP_LOOP(l, 0, n) matched[l] |= passed[l];
            else
                STRIP_LOOP(l, 0, n) matched[l] &= passed[l];
        }
        STRIP_LOOP(l, 0, n) keep[l] &= matched[l] ^ inverted;
    }
}

// Stores what is kept of n pixels.
INLINE void store(u8* target, Index pitch, const Flag* keep, int n, bool also)
{
    if (also) {
        STRIP_LOOP(l, 0, n) target[l * STRIP_STEP(pitch)] &= (u8)keep[l];
    } else if (LANES > 1 && n == STRIP) {
        LANE_ARRAY u8 bytes[STRIP];
        STRIP_LOOP(l, 0, STRIP) bytes[l] = (u8)keep[l];
        stream_segment(target, bytes);
    } else {
        STRIP_LOOP(l, 0, n) target[l * STRIP_STEP(pitch)] = (u8)keep[l];
    }
}

KERNEL(rules, Size rows, Size cols, const SRC_T* __restrict__ band, Size pitch, const TABLE_T* __restrict__ table,
       Size count, Size also, u8* __restrict__ out, Size out_pitch)
{
    if (count == 1 && table[2] == 1 && table[4] == 1) {  // flags that are asked for together: one look at each pixel
        const Flag inverted = table[1] != 0;
        const BITS_T bits = Kind<SRC_T>::is_float ? 0 : (BITS_T)table[3];
        const TABLE_T value = table[5];
        FOR_STRIPS(y, rows, x, cols) {
            const SRC_T* pixel = band + (y * pitch + x);
            const int n = STRIP_SIZE(y, rows, x, cols);
            LANE_ARRAY Flag keep[STRIP];
            if (LANES > 1 && n == STRIP)
                STRIP_LOOP(l, 0, STRIP) keep[l] = equals(pixel[l * STRIP_STEP(pitch)], bits, value) ^ inverted;
            else
                STRIP_LOOP(l, 0, n) keep[l] = equals(pixel[l * STRIP_STEP(pitch)], bits, value) ^ inverted;
            store(out + (y * out_pitch + x), out_pitch, keep, n, also);
        }
        return;
    }
    FOR_STRIPS(y, rows, x, cols) {
        const SRC_T* from = band + (y * pitch + x);
        const int n = STRIP_SIZE(y, rows, x, cols);
        LANE_ARRAY Flag keep[STRIP];
        LANE_ARRAY SRC_T pixel[STRIP];
        if (LANES == 1 || n == STRIP) {
            STRIP_LOOP(l, 0, STRIP) pixel[l] = LANES > 1 || l < n ? from[l * STRIP_STEP(pitch)] : (SRC_T)0;
            evaluate(pixel, table, (int)count, STRIP, keep);
        } else {
            STRIP_LOOP(l, 0, n) pixel[l] = from[l];
            evaluate(pixel, table, (int)count, n, keep);
        }
        store(out + (y * out_pitch + x), out_pitch, keep, n, also);
    }
}
