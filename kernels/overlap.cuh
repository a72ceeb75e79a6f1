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
struct Covers {
    // Corners. Those to the right of a pixel are the next one's.
    LANE_ARRAY f64 upper_row[LANES + 1], upper_col[LANES + 1], lower_row[LANES + 1], lower_col[LANES + 1];
    LANE_ARRAY f64 top[LANES], bottom[LANES], left[LANES], right[LANES];  // of the box around it
    LANE_ARRAY f64 area[LANES];   // what its weights add up to
    LANE_ARRAY f64 scale[LANES];  // what of that it covers
    f64 row_turn, col_turn;  // see Places
    LANE_ARRAY i32 is_box[LANES], is_there[LANES], is_cut[LANES];
    LANE_ARRAY i32 first_row[LANES], last_row[LANES], first_col[LANES], last_col[LANES];  // in the window, without the last
};

// The corners of a pixel, in the order in which they lie around it.
struct Corners {
    f64 row[4], col[4];
};

INLINE Corners corners_at(const Covers& at, int l)
{
    const f64 row = at.upper_row[l], col = at.upper_col[l];
    if (at.row_turn == 0 && at.col_turn == 0)
        return {{row, at.upper_row[l + 1], at.lower_row[l + 1], at.lower_row[l]},
                {col, at.upper_col[l + 1], at.lower_col[l + 1], at.lower_col[l]}};
    return {{row, near_to(row, at.upper_row[l + 1], at.row_turn), near_to(row, at.lower_row[l + 1], at.row_turn),
             near_to(row, at.lower_row[l], at.row_turn)},
            {col, near_to(col, at.upper_col[l + 1], at.col_turn), near_to(col, at.lower_col[l + 1], at.col_turn),
             near_to(col, at.lower_col[l], at.col_turn)}};
}

// Twice the area of the triangle of three corners. Its sign says which way round they lie.
INLINE f64 triangle(const Corners& at, int a, int b, int c)
{
    return (at.col[b] - at.col[a]) * (at.row[c] - at.row[b]) - (at.row[b] - at.row[a]) * (at.col[c] - at.col[b]);
}

// Whether two sides cross.
INLINE bool is_folded(const Corners& at)
{
    const f64 t0 = triangle(at, 3, 0, 1), t1 = triangle(at, 0, 1, 2), t2 = triangle(at, 1, 2, 3), t3 = triangle(at, 2, 3, 0);
    const i32 right = (t0 > 0 ? 1 : 0) + (t1 > 0 ? 1 : 0) + (t2 > 0 ? 1 : 0) + (t3 > 0 ? 1 : 0);
    const i32 left = (t0 < 0 ? 1 : 0) + (t1 < 0 ? 1 : 0) + (t2 < 0 ? 1 : 0) + (t3 < 0 ? 1 : 0);
    return (right >= 2) & (left >= 2);
}

INLINE bool is_box(const Corners& at)
{
    const f64 *r = at.row, *c = at.col;
    return ((r[0] == r[1]) & (r[2] == r[3]) & (c[0] == c[3]) & (c[1] == c[2])) |
           ((r[0] == r[3]) & (r[1] == r[2]) & (c[0] == c[1]) & (c[2] == c[3]));
}

// The area, less than 0 where corners lie the other way round.
INLINE f64 area_of(const Corners& at)
{
    const f64 *r = at.row, *c = at.col;
    return 0.5 * ((c[2] - c[0]) * (r[3] - r[1]) - (c[3] - c[1]) * (r[2] - r[0]));
}

// The sum of four numbers.
INLINE f64 sum_of(const f64* v) { return (v[0] + v[1]) + (v[2] + v[3]); }
INLINE f64 least_of(const f64* v) { return least(least(v[0], v[1]), least(v[2], v[3])); }
INLINE f64 most_of(const f64* v) { return most(most(v[0], v[1]), most(v[2], v[3])); }

// Fills in all but the corners and the turns.
INLINE void find_covers(const Line& rows, const Line& cols, int n, Covers& at)
{
    LANE_LOOP(l, 0, n) {
        const Corners c = corners_at(at, l);
        const f64 top = least_of(c.row), bottom = most_of(c.row), left = least_of(c.col), right = most_of(c.col);
        const bool box = is_box(c);
        const f64 area = box ? (bottom - top) * (right - left) : fabs(area_of(c));
        const bool flat = area < LEAST_AREA;
        const f64 row = floor(flat ? 0.25 * sum_of(c.row) : top), col = floor(flat ? 0.25 * sum_of(c.col) : left);
        const bool single = flat | ((bottom <= row + 1.0) & (right <= col + 1.0));
        at.top[l] = single ? row : top;
        at.bottom[l] = single ? row + 1.0 : bottom;
        at.left[l] = single ? col : left;
        at.right[l] = single ? col + 1.0 : right;
        at.area[l] = single ? 1.0 : area;
        at.scale[l] = single ? area : 1.0;
        at.is_box[l] = single | box ? 1 : 0;
        const bool near = (top > -FAR) & (bottom < FAR) & (left > -FAR) & (right < FAR) & is_finite(sum_of(c.row) + sum_of(c.col));
        const bool once = ((rows.period == 0) | (bottom - top <= rows.period)) & ((cols.period == 0) | (right - left <= cols.period));
        at.is_there[l] = near & once & (flat | !is_folded(c)) ? 1 : 0;
    }
    const f64 last_row = rows.period == 0 ? (f64)rows.n : FAR, last_col = cols.period == 0 ? (f64)cols.n : FAR;
    const f64 first_row = rows.period == 0 ? 0.0 : -FAR, first_col = cols.period == 0 ? 0.0 : -FAR;
    LANE_LOOP(l, 0, n) {
        const f64 top = floor(at.top[l]), bottom = -floor(-at.bottom[l]), left = floor(at.left[l]), right = -floor(-at.right[l]);
        const f64 row = most(top, first_row), col = most(left, first_col), row_end = least(bottom, last_row), col_end = least(right, last_col);
        const bool any = at.is_there[l] & (row < row_end) & (col < col_end);
        at.is_cut[l] = !any | (row > top) | (row_end < bottom) | (col > left) | (col_end < right) ? 1 : 0;
        at.first_row[l] = (i32)(any ? row : 0.0);
        at.last_row[l] = (i32)(any ? row_end : 0.0);
        at.first_col[l] = (i32)(any ? col : 0.0);
        at.last_col[l] = (i32)(any ? col_end : 0.0);
    }
}

// Neighbouring output pixels. Several of them are boxes that cover the same rows.
struct Run {
    int begin, end;
    Span rows, cols;  // of the window, of all of them
};

INLINE Run run_from(const Covers& at, int l, int n)
{
    Run run = {l, l + 1, {at.first_row[l], at.last_row[l]}, {at.first_col[l], at.last_col[l]}};
    if (LANES == 1 || !at.is_box[l] || run.rows.first >= run.rows.last) return run;
    for (; run.end < n; ++run.end) {
        const int next = run.end;
        if (!at.is_box[next] || at.top[next] != at.top[l] || at.bottom[next] != at.bottom[l]
            || at.first_row[next] >= at.last_row[next] || at.first_col[next] > run.cols.last
            || at.last_col[next] < run.cols.first)
            break;
        run.cols = {least(run.cols.first, (Index)at.first_col[next]), most(run.cols.last, (Index)at.last_col[next])};
    }
    return run;
}

// A side of an output pixel in a row of pixels: the columns between which it runs, and how many rows it spans. Less than 0
// where it runs the other way.
struct Side {
    f64 low, high, rows;
};

// What the pixels of a row weigh for an output pixel that is no box. For a box see `height` and `width_at`.
struct Outline {
    Corners corners;
    f64 slope[4];  // columns a row, from each corner to the next
    f64 sign, threshold;
};

INLINE Outline outline_at(const Covers& at, int l)
{
    Outline out = {corners_at(at, l), {}, 1.0, LEAST_SHARE * least(at.area[l], 1.0)};
    const f64 *r = out.corners.row, *c = out.corners.col;
    out.sign = area_of(out.corners) < 0 ? -1.0 : 1.0;
    UNROLL for (int k = 0; k < 4; ++k) {
        const int next = (k + 1) & 3;
        out.slope[k] = r[next] == r[k] ? 0.0 : (c[next] - c[k]) / (r[next] - r[k]);
    }
    return out;
}

// The sides in the row of pixels that begins at `top`. Each is followed from its upper end on, so that the output pixels to
// both sides of it agree on where it runs.
INLINE void find_sides(const Outline& out, f64 top, Side* sides)
{
    UNROLL for (int k = 0; k < 4; ++k) {
        const int next = (k + 1) & 3;
        const f64 *r = out.corners.row, *c = out.corners.col;
        const bool down = r[k] < r[next];
        const f64 y0 = down ? r[k] : r[next], x0 = down ? c[k] : c[next], y1 = down ? r[next] : r[k], x1 = down ? c[next] : c[k];
        const f64 begin = most(y0, top), end = least(y1, top + 1.0), span = end > begin ? end - begin : 0.0;
        const f64 a = begin == y0 ? x0 : x0 + (begin - y0) * out.slope[k], b = end == y1 ? x1 : x0 + (end - y0) * out.slope[k];
        sides[k] = {span != 0 ? least(a, b) : 0.0, span != 0 ? most(a, b) : 0.0, (down ? span : -span) * out.sign};
    }
}

INLINE f64 from_0_to_1(f64 v) { return v < 0 ? 0.0 : v > 1 ? 1.0 : v; }

// What lies inside of the pixel that begins at `left`. Between each side and the pixel's left edge lies the integral of
// their distance, which is not less than 0 nor more than 1. The sum over all sides is the area (Green's theorem).
INLINE f64 area_inside(const Side* sides, f64 left)
{
    f64 area = 0.0;
    UNROLL for (int k = 0; k < 4; ++k) {
        const f64 low = sides[k].low - left, high = sides[k].high - left, begin = from_0_to_1(low), end = from_0_to_1(high);
        const f64 beyond = (high > 1 ? high - 1.0 : 0.0) - (low > 1 ? low - 1.0 : 0.0);
        const f64 mean = high > low ? ((end - begin) * (begin + end) * 0.5 + beyond) / (high - low) : begin;
        area += sides[k].rows * mean;
    }
    return area;
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
