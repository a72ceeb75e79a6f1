// column_distance: how many rows away the nearest pixel is that is on, in the same column, or radius + 1.
// on: non-zero is on (rows x cols, pitch between rows). out: uint16. Twin: twins.py:column_distance.
#include "target.cuh"

#if LANES == 1
// Of a strip whose first pixel has so many rows above it, and below.
INLINE void nearest_rows(const u8* on, Index pitch, Index above, Index below, Index radius, u16* nearest)
{
    // Rows counted from the first pixel: the last before them all that is on, the first after them all, and those beside them.
    Index before = -2 * radius - STRIP, after = 2 * radius + STRIP;
    const Index first = above < radius ? -above : -radius;
    const Index last = below < radius + STRIP - 1 ? below : radius + STRIP - 1;
    const u8* row = on + first * pitch;
    for (Index k = first; k < 0; ++k, row += pitch) before = *row ? k : before;
    bool own[STRIP];
    STRIP_LOOP(l, 0, STRIP) own[l] = l <= below && on[l * pitch] != 0;
    row = on + last * pitch;
    for (Index k = last; k >= STRIP; --k, row -= pitch) after = *row ? k : after;
    UNROLL for (int l = 0; l < STRIP; ++l) {
        before = own[l] ? l : before;
        nearest[l] = (u16)(l - before < radius + 1 ? l - before : radius + 1);
    }
    UNROLL for (int l = STRIP - 1; l >= 0; --l) {
        after = own[l] ? l : after;
        nearest[l] = (u16)(after - l < nearest[l] ? after - l : nearest[l]);
    }
}
#else
// n is known to the compiler but at the end of a row.
INLINE void nearest_rows(const u8* on, i64 pitch, i64 above, i64 below, i64 radius, int n, u16* nearest)
{
    LANE_LOOP(l, 0, n) nearest[l] = (u16)(radius + 1);
    for (i64 k = radius; k >= 0; --k) {
        const u16 rows = (u16)k;
        if (k <= above)
            LANE_LOOP(l, 0, n) nearest[l] = on[l - k * pitch] ? rows : nearest[l];
        if (k <= below)
            LANE_LOOP(l, 0, n) nearest[l] = on[l + k * pitch] ? rows : nearest[l];
    }
}
#endif

KERNEL(column_distance, Size rows, Size cols, const u8* __restrict__ on, Size pitch, Size radius, u16* __restrict__ out)
{
#if LANES == 1
    FOR_STRIPS(y, rows, x, cols) {
        const Index at = y * cols + x;
        const int n = STRIP_SIZE(y, rows, x, cols);
        u16 nearest[STRIP];
        nearest_rows(on + (y * pitch + x), pitch, y, rows - 1 - y, radius, nearest);
        STRIP_LOOP(l, 0, n) out[at + l * cols] = nearest[l];
    }
#else
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        LANE_ARRAY u16 nearest[LANES];
        if (n == LANES)
            nearest_rows(on + y * pitch + x, pitch, y, rows - 1 - y, radius, LANES, nearest);
        else
            nearest_rows(on + y * pitch + x, pitch, y, rows - 1 - y, radius, n, nearest);
        LANE_LOOP(l, 0, n) out[y * cols + x + l] = nearest[l];
    }
#endif
}
