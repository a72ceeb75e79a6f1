// disc_columns: how many rows away the nearest pixel of the same column is that is on; radius + 1 where none is near.
// on: non-zero is on (rows x cols, pitch between rows). out: uint16. Twin: reference.py:disc_columns.
#include "target.cuh"

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

KERNEL(disc_columns, i64 rows, i64 cols, const u8* __restrict__ on, i64 pitch, i64 radius, u16* __restrict__ out)
{
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        LANE_ARRAY u16 nearest[LANES];
        if (n == LANES)
            nearest_rows(on + y * pitch + x, pitch, y, rows - 1 - y, radius, LANES, nearest);
        else
            nearest_rows(on + y * pitch + x, pitch, y, rows - 1 - y, radius, n, nearest);
        LANE_LOOP(l, 0, n) out[y * cols + x + l] = nearest[l];
    }
}
