// dilate: the dilation by a figure, such as a disc or a diamond, from the distances that column_distance gives.
// distance: uint16 (rows x cols). heights: for each of the figure's 2 * radius + 1 columns, how many rows it reaches.
// out: uint8, 1 where a pixel within the figure is on. Twin: twins.py:dilate.
#include "target.cuh"

#if LANES == 1
// Of n pixels of a column: n is known to the compiler but at the end of the column.
INLINE void find_near(const u16* distance, Index pitch, const i32* heights, Index first, Index last, int n, u8* out)
{
    i32 found[STRIP];  // the sign bit
    STRIP_LOOP(l, 0, n) found[l] = 0;
    const u16* rows[STRIP];
    rows[0] = distance + first;
    UNROLL for (int l = 1; l < STRIP; ++l) rows[l] = l < n ? rows[l - 1] + pitch : rows[0];
    heights += first;
    _Pragma("unroll 4") for (Index k = 0; k <= last - first; ++k) {
        const i32 above = ~heights[k];  // -1 - height
        STRIP_LOOP(l, 0, n) found[l] |= rows[l][k] + above;
    }
    STRIP_LOOP(l, 0, n) out[l * pitch] = found[l] < 0;
}
#endif

KERNEL(dilate, Size rows, Size cols, const u16* __restrict__ distance, const i32* __restrict__ heights, Size radius,
       u8* __restrict__ out)
{
#if LANES == 1
    FOR_STRIPS(y, rows, x, cols) {
        const int n = STRIP_SIZE(y, rows, x, cols);
        const Index at = y * cols + x, right = cols - 1 - x;
        const Index first = x < radius ? -x : -(Index)radius, last = right < radius ? right : (Index)radius;
        if (n == STRIP)
            find_near(distance + at, cols, heights + radius, first, last, STRIP, out + at);
        else
            find_near(distance + at, cols, heights + radius, first, last, n, out + at);
    }
#else
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
                LANE_LOOP(l, first, last) found[l] |= near[l] <= height;
        }
        LANE_LOOP(l, 0, n) out[y * cols + x + l] = (u8)found[l];
    }
#endif
}
