// anchors: where output pixels fall in the source, and whether all that they need is there and valid.
// Needs TAPS, as weights.cuh.

// Where a segment's pixels fall in the source window: anchor pixel, fraction beyond it, and whether anything is there.
struct Anchors {
    LANE_ARRAY f64 row_fraction[LANES], col_fraction[LANES];
    LANE_ARRAY i32 row[LANES], col[LANES];
    LANE_ARRAY i32 valid[LANES];
};

struct Extent {
    i64 rows, cols, origin_row, origin_col;
};

// Takes coordinates for fractions, and fills in everything but what the footprint knows.
INLINE void anchor(const Extent& window, int n, Anchors& at)
{
    const f64 rows = (f64)window.rows, cols = (f64)window.cols;
    // A place where all taps exist, if there is one, for the pixels that fall outside.
    const f64 safe = window.rows >= TAPS && window.cols >= TAPS ? (f64)ANCHOR_TAP : 0.0;
    LANE_LOOP(l, 0, n) {
        const f64 row = floor(at.row_fraction[l] + ANCHOR_SHIFT), col = floor(at.col_fraction[l] + ANCHOR_SHIFT);
        const f64 r = row - (f64)window.origin_row, c = col - (f64)window.origin_col;
        const bool inside = (r >= 0.0) & (c >= 0.0) & (r < rows) & (c < cols);  // false for NaN
        at.row_fraction[l] = TAPS == 1 ? 0.0 : at.row_fraction[l] - row;
        at.col_fraction[l] = TAPS == 1 ? 0.0 : at.col_fraction[l] - col;
        at.row[l] = (i32)(inside ? r : safe);
        at.col[l] = (i32)(inside ? c : safe);
        at.valid[l] = inside ? 1 : 0;
    }
}

// Negative where one of an anchor's taps lies outside the window.
INLINE i32 room(i32 anchor, i32 n) { return (anchor + FIRST_TAP) | (n - 1 - LAST_TAP - anchor); }

// Returns whether all taps of the whole segment lie in the window. Where they must, a pixel without them is invalid.
INLINE bool check_taps(const Extent& window, int n, bool must_exist, Anchors& at)
{
    const i32 rows = (i32)window.rows, cols = (i32)window.cols;
    i32 signs = -1;  // the sign bit stays where there is room in every lane
    LANE_LOOP_ALL(l, 0, n, signs) signs &= ~(room(at.row[l], rows) | room(at.col[l], cols));
    const bool interior = signs < 0;
    if (must_exist && !interior)
        LANE_LOOP(l, 0, n) {
            const bool row_taps = (room(at.row[l], rows) >= 0) | (at.row_fraction[l] == 0.0);
            const bool col_taps = (room(at.col[l], cols) >= 0) | (at.col_fraction[l] == 0.0);
            at.valid[l] &= row_taps & col_taps;
        }
    return interior;
}

// Looks up, in one byte, whether every source pixel with a weight is valid.
INLINE void check_footprints(const u8* __restrict__ footprint, i64 pitch, int n, Anchors& at)
{
    LANE_ARRAY i64 offset[LANES];
    LANE_ARRAY i32 bits[LANES];
    LANE_LOOP(l, 0, n) offset[l] = at.row[l] * pitch + at.col[l];
    SCALAR_LOOP(l, n) bits[l] = footprint[offset[l]];
    LANE_LOOP(l, 0, n) {
        const int bit = (at.row_fraction[l] != 0.0 ? 2 : 0) + (at.col_fraction[l] != 0.0 ? 1 : 0);
        at.valid[l] &= bits[l] >> bit & 1;
    }
}

INLINE bool none_valid(int n, const Anchors& at)
{
    i32 none = 1;
    LANE_LOOP_ALL(l, 0, n, none) none &= ~at.valid[l];
    return none;
}
