// anchors: where output pixels fall in the source, and whether all that they need is there and valid.
// Needs weights.cuh and footprints.cuh before it.

// Where a segment's pixels fall in the source window: anchor pixel, fraction beyond it, and whether anything is there.
struct Anchors {
    LANE_ARRAY f64 row_fraction[LANES], col_fraction[LANES];
    LANE_ARRAY i32 row[LANES], col[LANES];
    LANE_ARRAY i32 valid[LANES];
};

// A window of the source that begins at an origin. Around it, `frame` pixels are there by place_of(mode).
struct Extent {
    i64 rows, cols, origin_row, origin_col, frame, mode;
};

// Takes coordinates for fractions, and fills in everything but what the footprint knows.
INLINE void anchor(const Extent& window, int n, Anchors& at)
{
    const f64 rows = (f64)(window.rows + window.frame), cols = (f64)(window.cols + window.frame);
    const f64 first = -(f64)window.frame;
    // A place where all taps exist, if there is one, for the pixels that fall outside.
    const f64 safe = window.rows >= TAPS && window.cols >= TAPS ? (f64)ANCHOR_TAP : 0.0;
    LANE_LOOP(l, 0, n) {
        const f64 row = floor(at.row_fraction[l] + ANCHOR_SHIFT), col = floor(at.col_fraction[l] + ANCHOR_SHIFT);
        const f64 r = row - (f64)window.origin_row, c = col - (f64)window.origin_col;
        const bool inside = (r >= first) & (c >= first) & (r < rows) & (c < cols);  // false for NaN
        at.row_fraction[l] = TAPS == 1 ? 0.0 : at.row_fraction[l] - row;
        at.col_fraction[l] = TAPS == 1 ? 0.0 : at.col_fraction[l] - col;
        at.row[l] = (i32)(inside ? r : safe);
        at.col[l] = (i32)(inside ? c : safe);
        at.valid[l] = inside ? 1 : 0;
    }
}

// Negative where one of an anchor's taps lies outside the window and a frame around it.
INLINE i32 room(i32 anchor, i32 n, i32 frame)
{
    return (anchor + FIRST_TAP + frame) | (n - 1 - LAST_TAP - anchor + frame);
}

// The same of the taps that have a weight at a whole number.
INLINE i32 room_at_whole(i32 anchor, i32 n, i32 frame)
{
    return (anchor + FIRST_TAP + FIRST_AT_WHOLE + frame) | (n - 1 - FIRST_TAP - LAST_AT_WHOLE - anchor + frame);
}

// Returns whether all taps of the whole segment lie in the window. Where they must, a pixel without them is invalid.
INLINE bool check_taps(const Extent& window, int n, bool must_exist, Anchors& at)
{
    const i32 rows = (i32)window.rows, cols = (i32)window.cols, frame = (i32)window.frame;
    i32 signs = -1;  // the sign bit stays where there is room in every lane
    LANE_LOOP_ALL(l, 0, n, signs) signs &= ~(room(at.row[l], rows, 0) | room(at.col[l], cols, 0));
    const bool interior = signs < 0;
    if (must_exist && !interior)
        LANE_LOOP(l, 0, n) {
            const i32 row = at.row_fraction[l] == 0.0 ? room_at_whole(at.row[l], rows, frame) : room(at.row[l], rows, frame);
            const i32 col = at.col_fraction[l] == 0.0 ? room_at_whole(at.col[l], cols, frame) : room(at.col[l], cols, frame);
            at.valid[l] &= (row | col) >= 0;
        }
    return interior;
}

// Where a segment's pixels find their footprints, and what is there.
struct Lookup {
    LANE_ARRAY i64 offset[LANES];
    LANE_ARRAY i32 word[LANES];
};

// Footprints are there for the frame too.
INLINE void find_footprints(const Extent& window, int n, const Anchors& at, Lookup& found)
{
    const i64 pitch = window.cols + 2 * window.frame;
    LANE_LOOP(l, 0, n) found.offset[l] = (at.row[l] + window.frame) * pitch + at.col[l] + window.frame;
}

// Takes a word for each pixel, which says whether every source pixel with a weight is valid.
INLINE void look_up(const Footprints* __restrict__ footprints, int n, Lookup& found)
{
    SCALAR_LOOP(l, n) found.word[l] = (i32)footprints[found.offset[l]];
}

INLINE void check_footprints(const Lookup& found, int band, int n, const Anchors& at, i32* valid)
{
    LANE_LOOP(l, 0, n) {
        const int bit = (at.row_fraction[l] != 0.0 ? 2 : 0) + (at.col_fraction[l] != 0.0 ? 1 : 0);
        valid[l] &= found.word[l] >> (bit + BITS_A_BAND * band) & 1;
    }
}

INLINE bool none_valid(int n, const i32* valid)
{
    i32 none = 1;
    LANE_LOOP_ALL(l, 0, n, none) none &= ~valid[l];
    return none;
}
