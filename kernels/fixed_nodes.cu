// fixed_nodes: the nodes of a coarse grid in fixed point, for coordinates between them.
// See gpumask/pixels/coordinates.py. The nodes are as in coords.cuh, rows x cols.
// limit: what the size of coordinates must be below.
// out_row, out_col: floor(coordinate * 2^24 + 1/2) + 2^52, and -1 in both if a node does not count on either axis.
// By integers alone, unless there is a nodata value. Twin: twins.py:fixed_nodes.
#include "coords.cuh"
#include "parameters.cuh"
#include "target.cuh"

union Real {
    f64 number;
    i64 bits;
};

// The bits of a number's size: they are in order as sizes are, then infinity, then NaN.
INLINE i64 size_of(i64 bits) { return bits & 0x7fffffffffffffffLL; }

// floor(v * 2^24 + 1/2) of |v| < 2^27. v is a whole number of 53 bits, times a power of two: how far it is shifted right.
// What is shifted by more than 60 becomes 0, as by 60.
INLINE i64 fixed(i64 bits)
{
    const i32 exponent = (i32)(size_of(bits) >> 52), right = exponent < 1051 - 60 ? 60 : 1051 - exponent;
    const i64 whole = (bits & 0xfffffffffffffLL) | 0x10000000000000LL;
    return ((bits < 0 ? -whole : whole) + (1LL << (right - 1))) >> right;
}

KERNEL(fixed_nodes, Size rows, Size cols, NODES_PARAMETERS, f64 limit, i64* __restrict__ out_row,
       i64* __restrict__ out_col)
{
    const Real least_none = {limit}, missing = {grid_nodata};
    const bool any_missing = size_of(missing.bits) <= 0x7ff0000000000000LL;  // not NaN
    Grid grid = {};
    grid.nodata = grid_nodata;
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        const f64 *from_row = grid_row + (y * grid_pitch + x), *from_col = grid_col + (y * grid_pitch + x);
        i64 *to_row = out_row + (y * cols + x), *to_col = out_col + (y * cols + x);
        const u8* counting = grid_mask ? grid_mask + (y * mask_pitch + x) : nullptr;
        LANE_LOOP(l, 0, n) {
            const Real r = {from_row[l]}, c = {from_col[l]};
            bool counts = (size_of(r.bits) < least_none.bits) & (size_of(c.bits) < least_none.bits);
            if (counting) counts &= counting[l] != 0;
            if (any_missing) counts &= !is_nodata(grid, r.number, c.number);
            to_row[l] = counts ? fixed(r.bits) + (1LL << 52) : -1;
            to_col[l] = counts ? fixed(c.bits) + (1LL << 52) : -1;
        }
    }
}
