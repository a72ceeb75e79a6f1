// coords: the source coordinates of output pixels, from a grid of nodes.
// Between nodes they are bilinear with integer weights; all are rounded to 1e-12, which decides what is a whole number.

struct Grid {
    const f64* row;  // source coordinates at the nodes (rows x cols)
    const f64* col;
    const u8* mask;  // non-zero where a node counts; null: all do
    f64 nodata;      // a node with this row or col does not count; NaN: none
    i64 rows, cols;
    i64 pitch, mask_pitch;  // from row to row
    i64 row_step, col_step;  // output pixels from node to node
};

struct Node {
    f64 row, col;
};

INLINE bool is_nodata(const Grid& grid, f64 row, f64 col)
{
    return (fabs(row - grid.nodata) < 1e-5) | (fabs(col - grid.nodata) < 1e-5);
}

// A node that does not count becomes NaN, which no coordinate survives.
INLINE Node node_at(const Grid& grid, i64 r, i64 c)
{
    const i64 i = r * grid.pitch + c;
    const Node node = {grid.row[i], grid.col[i]}, none = {nan(""), nan("")};
    return (grid.mask && !grid.mask[r * grid.mask_pitch + c]) || is_nodata(grid, node.row, node.col) ? none : node;
}

// Full-resolution grids: every output pixel is a node.
INLINE void node_coordinates(const Grid& grid, i64 y, i64 x, int n, f64* row, f64* col)
{
    const i64 first = y * grid.pitch + x;
    prefetch_right(grid.row + first);
    prefetch_right(grid.col + first);
    LANE_LOOP(l, 0, n) {
        row[l] = grid.row[first + l];
        col[l] = grid.col[first + l];
    }
    if (grid.mask) {
        const u8* mask = grid.mask + y * grid.mask_pitch + x;
        LANE_LOOP(l, 0, n) row[l] = mask[l] ? row[l] : nan("");
    }
    if (grid.nodata == grid.nodata)
        LANE_LOOP(l, 0, n) row[l] = is_nodata(grid, row[l], col[l]) ? nan("") : row[l];
}

// Coarse grids: cell by cell along the segment. A node of weight 0 is taken as 0, so that what it holds has no say.
INLINE void cell_coordinates(const Grid& grid, i64 y, i64 x, int n, f64* row, f64* col)
{
    const Node zero = {0.0, 0.0};
    const i64 r = y / grid.row_step, a = y - r * grid.row_step;
    const f64 down = (f64)a, up = (f64)(grid.row_step - a), step = (f64)grid.col_step;
    const f64 area = (f64)(grid.row_step * grid.col_step);
    for (int first = 0, last; first < n; first = last) {
        const i64 c = (x + first) / grid.col_step;
        const int start = (int)(c * grid.col_step - x);
        last = start + grid.col_step < n ? start + (int)grid.col_step : n;
        const bool has_right = last - start > 1 && c + 1 < grid.cols;
        const Node n1 = node_at(grid, r, c);
        const Node n2 = has_right ? node_at(grid, r, c + 1) : zero;
        const Node n3 = has_right && a ? node_at(grid, r + 1, c + 1) : zero;
        const Node n4 = a ? node_at(grid, r + 1, c) : zero;
        LANE_LOOP(l, first, last) {
            const int b = l - start;
            const f64 right = (f64)b, left = step - right;
            const f64 w1 = up * left, w2 = up * right, w3 = down * right, w4 = down * left;
            const f64 row_sum = n1.row * w1 + (b ? n2.row : 0.0) * w2 + (b ? n3.row : 0.0) * w3 + n4.row * w4;
            const f64 col_sum = n1.col * w1 + (b ? n2.col : 0.0) * w2 + (b ? n3.col : 0.0) * w3 + n4.col * w4;
            row[l] = row_sum / area;
            col[l] = col_sum / area;
        }
    }
}

INLINE void source_coordinates(const Grid& grid, i64 y, i64 x, int n, f64* row, f64* col)
{
    if (grid.row_step == 1 && grid.col_step == 1)
        node_coordinates(grid, y, x, n, row, col);
    else
        cell_coordinates(grid, y, x, n, row, col);
    LANE_LOOP(l, 0, n) {
        row[l] = floor(1e12 * row[l] + 0.5) / 1e12;
        col[l] = floor(1e12 * col[l] + 0.5) / 1e12;
    }
}
