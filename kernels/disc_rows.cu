// disc_rows: the dilation by a disc, from the distances that disc_columns gives.
// distance: uint16 (rows x cols). heights: for each column of the disc, 2 * radius + 1 of them, how many rows it reaches.
// out: uint8, 1 where a pixel within the disc is on. Twin: reference.py:disc_rows.
#include "target.cuh"

KERNEL(disc_rows, i64 rows, i64 cols, const u16* __restrict__ distance, const i32* __restrict__ heights, i64 radius,
       u8* __restrict__ out)
{
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        LANE_ARRAY u16 found[LANES];
        LANE_LOOP(l, 0, n) found[l] = 0;
        for (i64 k = -radius; k <= radius; ++k) {
            const u16 height = (u16)heights[k + radius];
            const int first = x + k < 0 ? (int)(-(x + k) < n ? -(x + k) : n) : 0;
            const int last = x + k + n > cols ? (int)(cols - x - k > 0 ? cols - x - k : 0) : n;
            const u16* near = distance + y * cols + x + k;
            if (first == 0 && last == LANES)
                LANE_LOOP(l, 0, LANES) found[l] |= near[l] <= height;
            else
                WIDE_LOOP(l, LANES, first, last) found[l] |= near[l] <= height;
        }
        LANE_LOOP(l, 0, n) out[y * cols + x + l] = (u8)found[l];
    }
}
