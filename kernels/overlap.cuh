// overlap: which source pixels output pixels cover, and the area of each that they cover.
// An output pixel is the quadrilateral of its corners. Places are in pixels of a window of the source. Its first pixel is
// the square from 0 to 1 along both axes.
#include "boundary.cuh"
#include "coords.cuh"
#include "target.cuh"

#define LEAST_AREA 1e-9    // of a quadrilateral. Of a smaller one, the pixel at its centre counts alone
#define LEAST_SHARE 1e-10  // of a pixel and of a quadrilateral. Where less is covered, that does not count
#define FAR 1e9            // pixels. Nothing lies further away

INLINE f64 least(f64 a, f64 b) { return a < b ? a : b; }
INLINE f64 most(f64 a, f64 b) { return a > b ? a : b; }
INLINE Index least(Index a, Index b) { return a < b ? a : b; }
INLINE Index most(Index a, Index b) { return a > b ? a : b; }

// An axis of the window: n pixels, and the place at which its source begins anew. 0 if it ends.
struct Line {
    Index n;
    f64 period;
};

// The pixel of the window that stands at a place, n or more if there is none. The place may lie turns away.
INLINE Index in_window(const Line& line, Index i)
{
    return line.period == 0 ? i : (Index)in_turn((f64)i, 0.0, line.period);
}

// Pixels from the first on, without the last.
struct Span {
    Index first, last;
};

// Output pixels of a segment, and what they cover. One that lies inside a pixel, or has no area, is taken as that pixel.
// What is so, or not, is 1 or 0: all are f64, so that they are handled REALS at a time.
struct Covers : CornerRows {  // as places in the window. Those to the right of a pixel are the next one's
    LANE_ARRAY f64 top[LANES], bottom[LANES], left[LANES], right[LANES];  // of the box around it
    LANE_ARRAY f64 area[LANES];    // what its weights add up to
    LANE_ARRAY f64 scale[LANES];   // what of that it covers
    LANE_ARRAY f64 is_box[LANES];  // whether it is a rectangle along the axes
    LANE_ARRAY f64 is_cut[LANES];  // whether it reaches beyond the window
    LANE_ARRAY f64 first_row[LANES], last_row[LANES], first_col[LANES], last_col[LANES];  // in the window, without the last
    f64 row_turn, col_turn;        // see Places
};

// The corners of output pixels, in the order in which they lie around them.
template <class R> struct Corners {
    R row[4], col[4];
};

template <class R> INLINE R least(const R* v)
{
    const R a = v[0] < v[1] ? v[0] : v[1], b = v[2] < v[3] ? v[2] : v[3];
    return a < b ? a : b;
}
template <class R> INLINE R most(const R* v)
{
    const R a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];
    return a > b ? a : b;
}
template <class R> INLINE R sum(const R* v) { return (v[0] + v[1]) + (v[2] + v[3]); }
template <class R> INLINE R sum_beyond(R origin, const R* v)
{
    return ((v[0] - origin) + (v[1] - origin)) + ((v[2] - origin) + (v[3] - origin));
}

// The area, less than 0 where corners lie the other way round.
template <class R> INLINE R area_of(const Corners<R>& at)
{
    return 0.5 * ((at.col[2] - at.col[0]) * (at.row[3] - at.row[1]) - (at.col[3] - at.col[1]) * (at.row[2] - at.row[0]));
}

INLINE Corners<f64> corners_at(const Covers& at, int l)
{
    const f64 row = at.upper_row[l], col = at.upper_col[l], row_turn = at.row_turn, col_turn = at.col_turn;
    return {{row, near_to(row, at.upper_row[l + 1], row_turn), near_to(row, at.lower_row[l + 1], row_turn),
             near_to(row, at.lower_row[l], row_turn)},
            {col, near_to(col, at.upper_col[l + 1], col_turn), near_to(col, at.lower_col[l + 1], col_turn),
             near_to(col, at.lower_col[l], col_turn)}};
}

INLINE Corners<Reals> corners_from(const Covers& at, int l)
{
    if (at.row_turn == 0 && at.col_turn == 0)
        return {{load_reals(at.upper_row + l), load_reals(at.upper_row + l + 1), load_reals(at.lower_row + l + 1),
                 load_reals(at.lower_row + l)},
                {load_reals(at.upper_col + l), load_reals(at.upper_col + l + 1), load_reals(at.lower_col + l + 1),
                 load_reals(at.lower_col + l)}};
    LANE_ARRAY f64 row[4][REALS], col[4][REALS];
    for (int i = 0; i < REALS; ++i) {
        const Corners<f64> one = corners_at(at, l + i);
        UNROLL for (int k = 0; k < 4; ++k) row[k][i] = one.row[k], col[k][i] = one.col[k];
    }
    return {{load_reals(row[0]), load_reals(row[1]), load_reals(row[2]), load_reals(row[3])},
            {load_reals(col[0]), load_reals(col[1]), load_reals(col[2]), load_reals(col[3])}};
}

// Whether two sides cross: of the triangles of three corners two are turned one way, and two the other.
template <class R> INLINE auto is_folded(const Corners<R>& at)
{
    const R zero = {}, one = zero + 1.0;
    R right = zero, left = zero;
    UNROLL for (int k = 0; k < 4; ++k) {
        const int before = (k + 3) & 3, next = (k + 1) & 3;
        const R turned = (at.col[k] - at.col[before]) * (at.row[next] - at.row[k])
            - (at.row[k] - at.row[before]) * (at.col[next] - at.col[k]);
        right = right + (turned > zero ? one : zero);
        left = left + (turned < zero ? one : zero);
    }
    return (right > one) & (left > one);
}

template <class R> INLINE auto is_box(const Corners<R>& at)
{
    const R *r = at.row, *c = at.col;
    return ((r[0] == r[1]) & (r[2] == r[3]) & (c[0] == c[3]) & (c[1] == c[2])) |
           ((r[0] == r[3]) & (r[1] == r[2]) & (c[0] == c[1]) & (c[2] == c[3]));
}

// Fills in, for one axis, the pixels of the window between two places. Returns which places lie beyond it.
INLINE Reals clip(const Line& line, Reals there, Reals low, Reals high, f64* first, f64* last)
{
    const Reals zero = {}, start = zero + (line.period == 0 ? 0.0 : -FAR), stop = zero + (line.period == 0 ? (f64)line.n : FAR);
    const Reals from = low > start ? low : start, to = high < stop ? high : stop;
    const Reals any = from < to ? there : zero;
    store_reals(first, any != zero ? from : zero);
    store_reals(last, any != zero ? to : zero);
    return any == zero ? zero + 1.0 : (from > low) | (to < high) ? zero + 1.0 : zero;
}

// The corners of upright boxes, of which two are enough.
INLINE Corners<Reals> upright_from(const Covers& at, int l)
{
    const Reals upper = load_reals(at.upper_row + l), lower = load_reals(at.lower_row + l);
    const Reals left = load_reals(at.upper_col + l), right = load_reals(at.upper_col + l + 1);
    return {{upper, upper, lower, lower}, {left, right, right, left}};
}

// Fills in what follows from the corners, of REALS pixels. UPRIGHT: all are boxes, whose first two corners lie in a row.
template <bool UPRIGHT> INLINE void find_boxes(const Line& rows, const Line& cols, int l, Covers& at)
{
    const Corners<Reals> c = UPRIGHT ? upright_from(at, l) : corners_from(at, l);
    const Reals zero = {}, one = zero + 1.0, top = least(c.row), bottom = most(c.row), left = least(c.col), right = most(c.col);
    const Reals sides = (bottom - top) * (right - left), around = area_of(c), size = around < zero ? -around : around + zero;  // not -0
    const Reals box = UPRIGHT ? one : is_box(c) ? one : zero, area = UPRIGHT ? sides : box != zero ? sides : size;
    const auto flat = area < zero + LEAST_AREA;
    const Reals first_row = floored(top), first_col = floored(left);
    const Reals row = flat ? first_row + floored(0.25 * sum_beyond(first_row, c.row)) : first_row;
    const Reals col = flat ? first_col + floored(0.25 * sum_beyond(first_col, c.col)) : first_col;
    const auto single = flat | ((bottom <= row + one) & (right <= col + one));
    const Reals far = zero + FAR, all = sum(c.row) + sum(c.col);  // not finite, if one of them is not
    const auto near = (top > -far) & (bottom < far) & (left > -far) & (right < far) & (all - all == zero);
    const auto row_once = (bottom - top <= zero + rows.period) | (zero + rows.period == zero);
    const auto col_once = (right - left <= zero + cols.period) | (zero + cols.period == zero);
    const Reals folded = UPRIGHT ? zero : is_folded(c) ? one : zero;
    const Reals there = near & row_once & col_once & (flat | (folded == zero)) ? one : zero;
    const Reals from_row = single ? row : top, to_row = single ? row + one : bottom;
    const Reals from_col = single ? col : left, to_col = single ? col + one : right;
    store_reals(at.top + l, from_row);
    store_reals(at.bottom + l, to_row);
    store_reals(at.left + l, from_col);
    store_reals(at.right + l, to_col);
    store_reals(at.area + l, single ? one : area);
    store_reals(at.scale + l, single ? area : one);
    store_reals(at.is_box + l, single ? one : box);
    const Reals cut_rows = clip(rows, there, floored(from_row), -floored(-to_row), at.first_row + l, at.last_row + l);
    const Reals cut_cols = clip(cols, there, floored(from_col), -floored(-to_col), at.first_col + l, at.last_col + l);
    store_reals(at.is_cut + l, (cut_rows != zero) | (cut_cols != zero) ? one : zero);
}

// What the pixels of a segment, from (y, x) of the output on, cover of a window that begins at an origin. below: whether `at`
// has what those of the segment above cover.
CALLED void find_covers(const Line& rows, const Line& cols, i64 origin_row, i64 origin_col, const Grid& grid, Index y, Index x,
                        int n, bool below, Covers& at)
{
    // Nodes of a full grid may lie in different turns of a source that goes around. Those of a coarse one don't.
    const Places row = {(f64)origin_row, FULL ? rows.period : 0.0}, col = {(f64)origin_col, FULL ? cols.period : 0.0};
    at.row_turn = row.turn;
    at.col_turn = col.turn;
    find_corners<true>(grid, y, x, n, row, col, below, at);
    i32 upright = LANES > 1 && at.row_turn == 0 && at.col_turn == 0 ? 1 : 0;
    LANE_LOOP_ALL(l, 0, n, upright)
        upright &= (at.upper_row[l] == at.upper_row[l + 1]) & (at.lower_row[l] == at.lower_row[l + 1])
            & (at.upper_col[l] == at.lower_col[l]) & (at.upper_col[l + 1] == at.lower_col[l + 1]) ? 1 : 0;
    for (int l = 0; l < n; l += REALS) {
        if (upright)
            find_boxes<true>(rows, cols, l, at);
        else
            find_boxes<false>(rows, cols, l, at);
    }
}

// Neighbouring output pixels. Several of them are boxes that cover the same rows.
struct Run {
    int begin, end;
    Span rows, cols;  // of the window, of all of them
};

// The pixels of a run. On CUDA it has one, and arrays with an item for each melt into registers.
#define RUN_LOOP(l, run) for (int l = LANES == 1 ? 0 : run.begin; l < (LANES == 1 ? 1 : run.end); ++l)

// Whether a pixel covers any pixels of the window.
INLINE bool covers_any(const Covers& at, int l)
{
    return at.first_row[l] < at.last_row[l] && at.first_col[l] < at.last_col[l];
}

// Whether a pixel goes on with a run of boxes from the one before it.
INLINE bool goes_on(const Covers& at, int l)
{
    return (at.is_box[l] != 0) & (at.top[l] == at.top[l - 1]) & (at.bottom[l] == at.bottom[l - 1])
        & (at.first_row[l] < at.last_row[l]) & (at.first_col[l] < at.last_col[l])
        & (at.first_col[l] <= at.last_col[l - 1]) & (at.last_col[l] >= at.first_col[l - 1]);
}

INLINE Run run_from(const Covers& at, int l, int n)
{
    f64 first = at.first_col[l], last = at.last_col[l];
    int end = l + 1;
    if (LANES > 1 && at.is_box[l] != 0 && covers_any(at, l) && end < n && goes_on(at, end)) {
        i32 all = 1;
        LANE_LOOP_ALL(k, end, n, all) all &= goes_on(at, k) ? 1 : 0;  // most are boxes, or none
        if (all)
            end = n;
        else
            while (end < n && goes_on(at, end)) ++end;
        LANE_LOOP_JOIN(k, l, end, min, first) first = least(first, at.first_col[k]);
        LANE_LOOP_JOIN(k, l, end, max, last) last = most(last, at.last_col[k]);
    }
    return {l, end, {(Index)at.first_row[l], (Index)at.last_row[l]}, {(Index)first, (Index)last}};
}

// The corners of an output pixel, the first one again after the last, and how its sides are inclined.
// Places are counted from a pixel that all windows have in common, so that rounding is the same in all of them.
struct Outline {
    f64 first_row, first_col;  // that pixel, in the window
    f64 row[5], col[5];
    f64 slope[4];      // columns a row
    f64 turned;        // -1 where corners lie the other way round, else 1
    f64 threshold;     // pixels of which no more is covered don't count
};

INLINE Outline outline_at(const Covers& at, int l)
{
    if (at.is_box[l] != 0) return {};  // which has no use for one
    Outline out;
    Corners<f64> corners = corners_at(at, l);
    out.first_row = floor(least(corners.row));
    out.first_col = floor(least(corners.col));
    UNROLL for (int k = 0; k < 4; ++k) {
        corners.row[k] -= out.first_row;
        corners.col[k] -= out.first_col;
    }
    out.turned = area_of(corners) < 0 ? -1.0 : 1.0;
    out.threshold = LEAST_SHARE * least(at.area[l], 1.0);
    UNROLL for (int k = 0; k < 5; ++k) {
        out.row[k] = corners.row[k & 3];
        out.col[k] = corners.col[k & 3];
    }
    SHORT_LOOP(k, 4) {
        const f64 rows = out.row[k + 1] - out.row[k];
        out.slope[k] = rows == 0 ? 0.0 : (out.col[k + 1] - out.col[k]) / rows;
    }
    return out;
}

// The sides in a row of pixels: the columns between which each runs, and how many rows it spans, by its sign: above 0 where
// it has the output pixel to its left.
struct Sides {
    f64 low[4], high[4], rows[4];
};

// Each side from its upper end on, so that the output pixels to both sides of it agree on where it runs.
INLINE void find_sides(const Outline& out, f64 top, Sides& at)
{
    SHORT_LOOP(k, 4) {
        const bool down = out.row[k] < out.row[k + 1];
        const f64 upper_row = down ? out.row[k] : out.row[k + 1], upper_col = down ? out.col[k] : out.col[k + 1];
        const f64 lower_row = down ? out.row[k + 1] : out.row[k], lower_col = down ? out.col[k + 1] : out.col[k];
        const f64 begin = most(upper_row, top), end = least(lower_row, top + 1.0);
        const f64 span = end > begin ? end - begin : 0.0, slope = out.slope[k];
        const f64 a = begin == upper_row ? upper_col : upper_col + (begin - upper_row) * slope;
        const f64 b = end == lower_row ? lower_col : upper_col + (end - upper_row) * slope;
        at.low[k] = least(a, b);
        at.high[k] = most(a, b);
        at.rows[k] = down ? span * out.turned : -(span * out.turned);
    }
}

// Adds to the REALS areas of pixels from column `left` on what lies between them and a side with two ends.
INLINE Reals with_side(Reals areas, Reals left, f64 low, f64 high, f64 rows)
{
    const Reals zero = left - left, one = zero + 1.0, from = low - left, to = high - left;
    const Reals near = from < zero ? zero : from > one ? one : from, far = to < zero ? zero : to > one ? one : to;
    const Reals beyond = (to > one ? to - one : zero) - (from > one ? from - one : zero);
    const Reals slanted = ((far - near) * (near + far) * 0.5 + beyond) / (to > from ? to - from : one);
    const Reals mean = left < zero + floor(low) ? one : to > from ? slanted : near;
    return areas + rows * mean;
}

// The length that lies between two places of an axis, of the pixel that begins at `begin`.
INLINE f64 length_between(f64 low, f64 high, f64 begin) { return least(high, begin + 1.0) - most(low, begin); }

// So many columns are handled at a time.
#if LANES == 1
#define COLUMNS 1
#else
#define COLUMNS 512
#endif

// How many columns from `first` to `last` can be handled at a time: their pixels are neighbours, and all or none of them
// are in the window.
INLINE int neighbours(const Line& line, Index first, Index last)
{
    Index end = first + COLUMNS < last ? first + COLUMNS : last;
    if (line.period != 0) {
        const Index here = in_window(line, first), stop = first + (here < line.n ? line.n : (Index)line.period) - here;
        end = end < stop ? end : stop;
    }
    return (int)(end - first);
}
