// inside_polygons: which pixels lie inside polygons, from where their outlines cross the middle of each row of pixels.
// starts: where each row's crossings begin among all (rows + 1). places: the first column right of a crossing, rising
// along a row. windings: how often polygons wind around the pixels from there to the next crossing.
// out: uint8, 1 inside. Twin: twins.py:inside_polygons.
#include "target.cuh"

KERNEL(inside_polygons, Size rows, Size cols, const i64* __restrict__ starts, const i32* __restrict__ places,
       const i32* __restrict__ windings, u8* __restrict__ out)
{
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        // The first crossing whose place lies right of x.
        Index next = (Index)starts[y], end = (Index)starts[y + 1], first = next;
        for (Index after = end; next < after;) {
            const Index middle = next + (after - next >> 1);
            if (places[middle] <= x)
                next = middle + 1;
            else
                after = middle;
        }
        for (int l = 0, stop; l < n; l = stop, ++next) {
            stop = next < end && places[next] - x < n ? (int)(places[next] - x) : n;
            const u8 inside = next > first && windings[next - 1] != 0;
            LANE_LOOP(k, l, stop) out[y * cols + x + k] = inside;
        }
    }
}
