// coords: the source coordinates of output pixels, from a grid of nodes.
// Between nodes they are bilinear with integer weights; all are rounded to 1e-12, which decides what is a whole number.

// FULL: there is a node for each output pixel. PLAIN_NODES: all of them count.
#ifndef FULL
#define FULL (grid.row_step == 1 && grid.col_step == 1)
#endif
#ifndef PLAIN_NODES
#define PLAIN_NODES false
#endif

struct Grid {
    const f64* row;  // source coordinates at the nodes (rows x cols)
    const f64* col;
    const u8* mask;  // non-zero where a node counts; null: all do
    f64 nodata;      // a node with this row or col does not count; NaN: none
    Index rows, cols;
    Index pitch, mask_pitch;  // from row to row
    Index row_step, col_step;  // output pixels from node to node
    i64 row_magic, row_shift, col_magic, col_shift;  // see quotient
    f64 area_high, area_low;  // see divided, of 1 / (row_step * col_step)
    i64 area_magic, area_shift, area_less;  // see whole_quotient
};
// A grid among a kernel's parameters; first_row, first_col: of the output pixels.
#define GRID_PARAMETERS                                                                                            \
    const f64 *__restrict__ grid_row, const f64 *__restrict__ grid_col, const u8 *__restrict__ grid_mask,          \
        f64 grid_nodata, Size grid_rows, Size grid_cols, Size grid_pitch, Size mask_pitch, Size row_step,          \
        Size col_step, Size first_row, Size first_col, i64 row_magic, i64 row_shift, i64 col_magic, i64 col_shift, \
        f64 area_high, f64 area_low, i64 area_magic, i64 area_shift, i64 area_less
#define GRID_OF_PARAMETERS                                                                                         \
    {grid_row,   grid_col, grid_mask, grid_nodata, grid_rows, grid_cols, grid_pitch, mask_pitch, row_step,         \
     col_step,   row_magic, row_shift, col_magic, col_shift, area_high, area_low, area_magic, area_shift, area_less}

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

// Full-resolution grids: every output pixel is a node.
INLINE void node_coordinates(const Grid& grid, Index y, Index x, int n, f64* row, f64* col)
{
    const Index first = y * grid.pitch + x;
    prefetch_right(grid.row + first);
    prefetch_right(grid.col + first);
    LANE_LOOP(l, 0, n) {
        row[l] = grid.row[first + l];
        col[l] = grid.col[first + l];
    }
    if (PLAIN_NODES) return;
    if (grid.mask) {
        const u8* mask = grid.mask + y * grid.mask_pitch + x;
        LANE_LOOP(l, 0, n) row[l] = mask[l] ? row[l] : nan("");
    }
    if (grid.nodata == grid.nodata)
        LANE_LOOP(l, 0, n) row[l] = is_nodata(grid, row[l], col[l]) ? nan("") : row[l];
}

// Coarse grids: cell by cell along the segment. Of a cell's corners one without a weight is taken as 0, or as another
// that has one: what it holds has no say.
INLINE void cell_coordinates(const Grid& grid, Index y, Index x, int n, f64* row, f64* col)
{
    const Index r = quotient(y, grid.row_step, grid.row_magic, grid.row_shift), a = y - r * grid.row_step;
    const f64 down = whole_f64(a), up = whole_f64(grid.row_step - a), step = whole_f64(grid.col_step);
    const f64 area = (f64)grid.row_step * (f64)grid.col_step;
    for (int first = 0, last; first < n; first = last) {
        const Index c = quotient(x + first, grid.col_step, grid.col_magic, grid.col_shift);
        const int start = (int)(c * grid.col_step - x);
        last = LANES > 1 && start + grid.col_step < n ? start + (int)grid.col_step : n;
        const Index right_of = last - start > 1 && c + 1 < grid.cols ? c + 1 : c, below = a ? r + 1 : r;
        const Node n1 = node_at(grid, r, c), n2 = node_at(grid, r, right_of);
        const Node n3 = node_at(grid, below, right_of), n4 = node_at(grid, below, c);
        LANE_LOOP(l, first, last) {
            const Index b = l - start;
            const bool has_right = LANES == 1 || b;
            const f64 right = whole_f64(b), left = step - right;
            const f64 w1 = up * left, w2 = up * right, w3 = down * right, w4 = down * left;
            const f64 row_sum = n1.row * w1 + (has_right ? n2.row : 0.0) * w2 + (has_right ? n3.row : 0.0) * w3 + n4.row * w4;
            const f64 col_sum = n1.col * w1 + (has_right ? n2.col : 0.0) * w2 + (has_right ? n3.col : 0.0) * w3 + n4.col * w4;
            row[l] = divided(row_sum, area, grid.area_high, grid.area_low);
            col[l] = divided(col_sum, area, grid.area_high, grid.area_low);
        }
    }
}

INLINE f64 rounded(f64 v) { return divided(floor(1e12 * v + 0.5), 1e12, 1e-12, 2.0113352370744385e-29); }

INLINE void source_coordinates(const Grid& grid, Index y, Index x, int n, f64* row, f64* col)
{
    if (FULL)
        node_coordinates(grid, y, x, n, row, col);
    else
        cell_coordinates(grid, y, x, n, row, col);
    LANE_LOOP(l, 0, n) {
        row[l] = rounded(row[l]);
        col[l] = rounded(col[l]);
    }
}
