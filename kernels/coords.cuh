// coords: the source coordinates of output pixels, from a grid of nodes. Between nodes they are bilinear with integer
// weights. Of f64 all are rounded to 1e-12, which decides what is a whole number.
// With -D FIXED they are whole numbers of 2^-24 pixels, halves rounded up, and no f64 takes part on CUDA. Nodes of coarse
// grids are then i64, as fixed_nodes.cu makes them: these numbers and 2^52, or less than 0 where a node does not count.
#include "parameters.cuh"
#include "target.cuh"

#ifndef FIXED
#define FIXED 0
#endif
#define FIXED_BITS 24
#define FIXED_ONE 16777216.0
#define FIXED_ZERO (1LL << 52)
// On CUDA the same numbers as in nodes stand for coordinates. On the host an f64 holds them as pixels, NaN for none.
#if FIXED && LANES == 1
typedef i64 Coordinate;
#else
typedef f64 Coordinate;
#endif
#if FIXED
typedef f32 Fraction;
#else
typedef f64 Fraction;
#endif

// FULL: there is a node for each output pixel. PLAIN_NODES: all of them count. POWERS_OF_TWO: both steps are some.
#ifndef FULL
#define FULL (grid.row_step == 1 && grid.col_step == 1)
#endif
#ifndef PLAIN_NODES
#define PLAIN_NODES false
#endif
#ifndef POWERS_OF_TWO
#define POWERS_OF_TWO (!grid.area_magic)
#endif

struct Grid {
    const f64* row;  // source coordinates at the nodes (rows x cols)
    const f64* col;
    const u8* mask;  // non-zero where a node counts, or null if all do
    f64 nodata;      // a node with this row or col does not count. NaN is for none
    Index rows, cols;
    Index pitch, mask_pitch;  // from row to row
    Index row_step, col_step;  // output pixels from node to node
    i64 row_magic, row_shift, col_magic, col_shift;  // see quotient
    Index area;                                      // row_step * col_step
    f64 area_high, area_low;                         // see divided, of 1 / area
    i64 area_magic, area_shift, area_less;  // see whole_quotient
};
// A grid of a kernel's GRID_PARAMETERS.
#define GRID_OF_PARAMETERS                                                                                         \
    {grid_row,   grid_col, grid_mask, grid_nodata, grid_rows, grid_cols, grid_pitch, mask_pitch, row_step,         \
     col_step,   row_magic, row_shift, col_magic, col_shift, area, area_high, area_low, area_magic, area_shift, area_less}

struct Node {
    f64 row, col;
};

INLINE bool is_nodata(const Grid& grid, f64 row, f64 col)
{
    return (fabs(row - grid.nodata) < 1e-5) | (fabs(col - grid.nodata) < 1e-5);
}

// A node that does not count becomes NaN, which no coordinate survives.
INLINE Node node_at(const Grid& grid, Index r, Index c)
{
    const Index i = r * grid.pitch + c;
    const Node node = {grid.row[i], grid.col[i]}, none = {nan(""), nan("")};
    if (PLAIN_NODES) return node;
    return (grid.mask && !grid.mask[r * grid.mask_pitch + c]) || is_nodata(grid, node.row, node.col) ? none : node;
}

#if FIXED && LANES == 1
INLINE Coordinate no_coordinate() { return -1; }
// The bits of an f64, whose 53 digits are shifted to where those of 2^-25 end.
INLINE Coordinate coordinate_of(f64 v)
{
    const i32 high = __double2hiint(v), exponent = high >> 20 & 0x7ff;
    const u64 digits = ((u64)(u32)((high & 0xfffff) | 0x100000) << 32 | (u32)__double2loint(v)) << 10;
    const i64 sign = high >> 31, number = (i64)((digits ^ (u64)sign) - (u64)sign);
    const u32 shift = (u32)(1060 - exponent);
    const i64 halves = number >> (shift < 63 ? shift : 63);
    return exponent > 1049 ? -1 : (halves + (2 * FIXED_ZERO + 1)) >> 1;
}
#elif FIXED
INLINE Coordinate no_coordinate() { return nan(""); }
INLINE Coordinate coordinate_of(f64 v)
{
    const f64 scaled = v * FIXED_ONE, whole = floor(scaled);
    const f64 nearest = scaled - whole >= 0.5 ? whole + 1.0 : whole;
    return fabs(v) < 134217728.0 ? nearest * (1.0 / FIXED_ONE) : nan("");  // 2^27
}
#else
INLINE Coordinate no_coordinate() { return nan(""); }
INLINE Coordinate coordinate_of(f64 v) { return divided(floor(1e12 * v + 0.5), 1e12, 1e-12, 2.0113352370744385e-29); }
#endif

INLINE Index step_quotient(const Grid& grid, Index n, Index step, i64 magic, i64 shift)
{
    return LANES == 1 && POWERS_OF_TWO ? n >> (u32)shift : quotient(n, step, magic, shift);
}

INLINE f64 area_quotient(const Grid& grid, f64 a)
{
    if (LANES == 1 && POWERS_OF_TWO) return a * grid.area_high;
    return divided(a, (f64)grid.area, grid.area_high, grid.area_low);
}

// floor(n / area of a cell), for |n| below 2^62.
INLINE i64 whole_quotient(const Grid& grid, i64 n)
{
    if (POWERS_OF_TWO) return n >> (u32)(grid.area_shift + 1);
    const u64 high = high_product((u64)n + (u64)(grid.area_less * grid.area), (u64)grid.area_magic);
    return (i64)(high >> (u32)grid.area_shift) - grid.area_less;
}

// Full-resolution grids: every output pixel is a node.
INLINE void node_coordinates(const Grid& grid, Index y, Index x, int n, Coordinate* row, Coordinate* col)
{
    const Index first = y * grid.pitch + x;
    prefetch_right(grid.row + first);
    prefetch_right(grid.col + first);
    LANE_LOOP(l, 0, n) {
        row[l] = coordinate_of(grid.row[first + l]);
        col[l] = coordinate_of(grid.col[first + l]);
    }
    if (PLAIN_NODES) return;
    if (grid.mask) {
        const u8* mask = grid.mask + (y * grid.mask_pitch + x);
        LANE_LOOP(l, 0, n) row[l] = mask[l] ? row[l] : no_coordinate();
    }
    if (grid.nodata == grid.nodata)
        LANE_LOOP(l, 0, n) row[l] = is_nodata(grid, grid.row[first + l], grid.col[first + l]) ? no_coordinate() : row[l];
}

// What a segment has in common with a cell of a coarse grid: the cell's first column, and of the segment's row the nodes
// (rows r and below) and how far it lies down from r.
struct Cell {
    Index r, below, c, right, down;
};

#if FIXED && LANES == 1
// One axis: its first node, and what the others' differences from it by their weights come to. A node that does not count
// does so on both axes, and makes less than 0 of the row.
INLINE i64 fixed_along(const Grid& grid, const i64* nodes, const Cell& cell, u32 b, bool may_miss)
{
    const Index above = cell.r * grid.pitch, under = cell.below * grid.pitch;
    const i64 n1 = nodes[above + cell.c], n2 = nodes[above + cell.right];
    const i64 n3 = nodes[under + cell.right], n4 = nodes[under + cell.c];
    const i64 d2 = n2 - n1, d3 = n3 - n1, d4 = n4 - n1;
    const u32 down = (u32)cell.down, up = (u32)grid.row_step - down, left = (u32)grid.col_step - b;
    const u32 w2 = up * b, w3 = down * b, w4 = down * left, half = (u32)grid.area >> 1;
    // 64 bits by 32 in halves: the lower ones add up to less than 64 bits, of the upper ones no more than 32 matter.
    const u64 low = (u64)(u32)d2 * w2 + (u64)(u32)d3 * w3 + (u64)(u32)d4 * w4 + half;
    const u32 high = (u32)(d2 >> 32) * w2 + (u32)(d3 >> 32) * w3 + (u32)(d4 >> 32) * w4;
    const i64 v = n1 + whole_quotient(grid, (i64)(low + ((u64)high << 32)));
    return may_miss && (n1 | n2 | n3 | n4) < 0 ? v | ~0xffffffffLL : v;
}
#elif FIXED
// One axis. The sum of the nodes' differences from the first by their weights is one at the cell's left, and grows by the
// same from pixel to pixel. Unsigned, as sums with a node that does not count may be too large: no coordinate comes of
// them.
INLINE void fixed_along(const Grid& grid, const i64* nodes, const Cell& cell, int start, int first, int last, f64* v)
{
    const i64 *above = nodes + cell.r * grid.pitch, *under = nodes + cell.below * grid.pitch;
    const i64 n1 = above[cell.c], n2 = above[cell.right], n3 = under[cell.right], n4 = under[cell.c];
    const u64 down = (u64)cell.down, up = (u64)grid.row_step - down, area = (u64)grid.area;
    const u64 left = (u64)(n4 - n1) * (down * (u64)grid.col_step) + (area >> 1);
    const u64 slope = (u64)(n2 - n1) * up + (u64)(n3 - n4) * down;
    const i64 left_whole = whole_quotient(grid, (i64)left), slope_whole = whole_quotient(grid, (i64)slope);
    const f64 left_rest = (f64)(i64)(left - (u64)left_whole * area);
    const f64 slope_rest = (f64)(i64)(slope - (u64)slope_whole * area);
    const f64 begin = (f64)(n1 - FIXED_ZERO + left_whole), by = (f64)slope_whole, share = 1.0 / (f64)grid.area;
    const f64 at_node = (n1 | n4) < 0 ? nan("") : 0.0, between = (n2 | n3) < 0 ? nan("") : at_node;
    LANE_LOOP(l, first, last) {  // the rests are whole and small: half of one more keeps the floor from rounding's reach
        const f64 b = whole_f64(l - start);
        const f64 rest = floor((left_rest + b * slope_rest + 0.5) * share);
        v[l] = (begin + b * by + rest) * (1.0 / FIXED_ONE) + (b == 0.0 ? at_node : between);
    }
}
#endif

INLINE void along_cell(const Grid& grid, const Cell& cell, int start, int first, int last, Coordinate* row, Coordinate* col)
{
#if FIXED && LANES == 1
    row[0] = fixed_along(grid, (const i64*)grid.row, cell, (u32)-start, true);
    col[0] = fixed_along(grid, (const i64*)grid.col, cell, (u32)-start, false);
#elif FIXED
    fixed_along(grid, (const i64*)grid.row, cell, start, first, last, row);
    fixed_along(grid, (const i64*)grid.col, cell, start, first, last, col);
#else
    const f64 down = whole_f64(cell.down), up = whole_f64(grid.row_step - cell.down), step = whole_f64(grid.col_step);
    const Node n1 = node_at(grid, cell.r, cell.c), n2 = node_at(grid, cell.r, cell.right);
    const Node n3 = node_at(grid, cell.below, cell.right), n4 = node_at(grid, cell.below, cell.c);
    LANE_LOOP(l, first, last) {
        const i32 b = l - start;
        const bool has_right = LANES == 1 || b;
        const f64 right = whole_f64(b), left = step - right;
        const f64 w1 = up * left, w2 = up * right, w3 = down * right, w4 = down * left;
        const f64 row_sum = n1.row * w1 + (has_right ? n2.row : 0.0) * w2 + (has_right ? n3.row : 0.0) * w3 + n4.row * w4;
        const f64 col_sum = n1.col * w1 + (has_right ? n2.col : 0.0) * w2 + (has_right ? n3.col : 0.0) * w3 + n4.col * w4;
        row[l] = coordinate_of(area_quotient(grid, row_sum));
        col[l] = coordinate_of(area_quotient(grid, col_sum));
    }
#endif
}

// Coarse grids: cell by cell along the segment. Of a cell's corners one without a weight is taken as 0, or as another
// that has one: what it holds has no say.
INLINE void cell_coordinates(const Grid& grid, Index y, Index x, int n, Coordinate* row, Coordinate* col)
{
    const Index r = step_quotient(grid, y, grid.row_step, grid.row_magic, grid.row_shift), down = y - r * grid.row_step;
    for (int first = 0, last; first < n; first = last) {
        const Index c = step_quotient(grid, x + first, grid.col_step, grid.col_magic, grid.col_shift);
        const int start = (int)(c * grid.col_step - x);
        last = LANES > 1 && start + grid.col_step < n ? start + (int)grid.col_step : n;
        const bool has_right = last - start > 1 && (LANES == 1 || c + 1 < grid.cols);
        const Cell cell = {r, down ? r + 1 : r, c, has_right ? c + 1 : c, down};
        along_cell(grid, cell, start, first, last, row, col);
    }
}

INLINE void source_coordinates(const Grid& grid, Index y, Index x, int n, Coordinate* row, Coordinate* col)
{
    if (FULL)
        node_coordinates(grid, y, x, n, row, col);
    else
        cell_coordinates(grid, y, x, n, row, col);
}

// Where a window of the source begins along an axis. Neighbouring nodes may lie so many pixels apart, a turn, or 0.
struct Places {
    f64 origin, turn;
};

// A coordinate as a place in a window, where pixels begin at whole numbers. Within 1e-9 a place is such a number.
INLINE f64 place_in(const Places& axis, f64 coordinate)
{
    const f64 place = (coordinate + 0.5) - axis.origin, whole = rint(place);
    return fabs(place - whole) < 1e-9 ? whole : place;
}

// A place moved by whole turns to where it is nearest to another.
INLINE f64 near_to(f64 other, f64 place, f64 turn)
{
    return turn != 0 ? place - turn * rint((place - other) / turn) : place;
}

// Corners of one row, from the upper left one of pixel (y, x) on. See corner_places.
template <bool PLACES>
CALLED void corners_in_cells(const Grid& grid, Index y, Index x, int n, const Places& rows, const Places& cols, f64* row,
                             f64* col)
{
    const Index last_row = grid.rows > 1 ? grid.rows - 2 : 0, last_col = grid.cols > 1 ? grid.cols - 2 : 0;
    Index r = step_quotient(grid, y > 0 ? y - 1 : 0, grid.row_step, grid.row_magic, grid.row_shift);
    r = r < last_row ? r : last_row;
    const Index below = grid.rows > 1 ? r + 1 : r;
    const f64 down = 2.0 * whole_f64(y - r * grid.row_step) - 1.0, up = 2.0 * whole_f64(grid.row_step) - down;
    const f64 step = 2.0 * whole_f64(grid.col_step);
    const bool plain = LANES > 1 && FULL && !grid.mask && grid.nodata != grid.nodata && rows.turn == 0 && cols.turn == 0;
    for (int first = 0, last; first < n; first = last) {
        if (plain && down == 1.0 && below > r && x + first > 0 && x + first < grid.cols) {  // the same, in the midst of nodes
            last = grid.cols - x < n ? (int)(grid.cols - x) : n;
            const Index left = r * grid.pitch + x - 1, under = left + grid.pitch;
            LANE_LOOP(l, first, last) {
                const Index i = left + l, j = under + l;
                const f64 at_row = 0.25 * (grid.row[i] + grid.row[i + 1] + grid.row[j + 1] + grid.row[j]);
                const f64 at_col = 0.25 * (grid.col[i] + grid.col[i + 1] + grid.col[j + 1] + grid.col[j]);
                row[l] = PLACES ? place_in(rows, at_row) : at_row;
                col[l] = PLACES ? place_in(cols, at_col) : at_col;
            }
            continue;
        }
        const Index previous = x + first > 0 ? x + first - 1 : 0;
        Index c = step_quotient(grid, previous, grid.col_step, grid.col_magic, grid.col_shift);
        const bool is_last = c >= last_col;
        c = is_last ? last_col : c;
        const Index right = grid.cols > 1 ? c + 1 : c;
        const int start = (int)(c * grid.col_step - x);  // of the cell
        last = LANES > 1 && !is_last && start + grid.col_step + 1 < n ? start + (int)grid.col_step + 1 : n;
        const Node n1 = node_at(grid, r, c);
        Node n2 = node_at(grid, r, right), n3 = node_at(grid, below, right), n4 = node_at(grid, below, c);
        if (rows.turn != 0 || cols.turn != 0) {
            n2 = {near_to(n1.row, n2.row, rows.turn), near_to(n1.col, n2.col, cols.turn)};
            n3 = {near_to(n1.row, n3.row, rows.turn), near_to(n1.col, n3.col, cols.turn)};
            n4 = {near_to(n1.row, n4.row, rows.turn), near_to(n1.col, n4.col, cols.turn)};
        }
        LANE_LOOP(l, first, last) {
            const f64 after = 2.0 * whole_f64(l - start) - 1.0, before = step - after;
            const f64 w1 = up * before, w2 = up * after, w3 = down * after, w4 = down * before;
            const f64 row_sum = n1.row * w1 + n2.row * w2 + n3.row * w3 + n4.row * w4;
            const f64 col_sum = n1.col * w1 + n2.col * w2 + n3.col * w3 + n4.col * w4;
            const f64 at_row = area_quotient(grid, 0.25 * row_sum), at_col = area_quotient(grid, 0.25 * col_sum);
            row[l] = PLACES ? place_in(rows, at_row) : at_row;
            col[l] = PLACES ? place_in(cols, at_col) : at_col;
        }
    }
}

// A corner of output pixels lies between the nodes of a cell, or up to half a pixel beyond those at the grid's edge.
// Bilinear, in halves of a pixel. A lone row or column of nodes is its own neighbour. The corners above a segment, and one
// more: from the upper left one of pixel (y, x) on. PLACES: as places in a window. Otherwise as coordinates.
template <bool PLACES>
INLINE void corner_places(const Grid& grid, Index y, Index x, int n, const Places& rows, const Places& cols, f64* row,
                          f64* col)
{
    if (LANES > 1) return corners_in_cells<PLACES>(grid, y, x, n + 1, rows, cols, row, col);
    UNROLL for (int k = 0; k < 2; ++k) corners_in_cells<PLACES>(grid, y, x + k, 1, rows, cols, row + k, col + k);
}

// Corners above and below a segment, and one more each.
struct CornerRows {
    LANE_ARRAY f64 upper_row[LANES + 1], upper_col[LANES + 1], lower_row[LANES + 1], lower_col[LANES + 1];
};

// Finds those of the segment from (y, x) on. below: whether they are known of the segment above.
template <bool PLACES>
INLINE void find_corners(const Grid& grid, Index y, Index x, int n, const Places& rows, const Places& cols, bool below,
                         CornerRows& at)
{
    if (below) {
        LANE_LOOP(l, 0, n + 1) {
            at.upper_row[l] = at.lower_row[l];
            at.upper_col[l] = at.lower_col[l];
        }
    } else {
        corner_places<PLACES>(grid, y, x, n, rows, cols, at.upper_row, at.upper_col);
    }
    corner_places<PLACES>(grid, y + 1, x, n, rows, cols, at.lower_row, at.lower_col);
}
