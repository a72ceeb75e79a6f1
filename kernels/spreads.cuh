// spreads: how far apart output pixels lie in the source, and which source pixels an interpolator reads if it is as wide.
// Places are pixels of a window of the source, as in overlap.cuh. Needs -D TAPS.
#include "boundary.cuh"
#include "coords.cuh"
#include "overlap.cuh"
#include "profile.cuh"
#include "target.cuh"

#define NEARLY 1e-9          // A scale so little above 1 is 1. A tap so little within an interpolator's edge is none
#define LARGEST_SCALE 65536.0  // A wider output pixel has no value. Nor has one that is wider than a turn

// One axis of a segment: where its pixels lie, and their taps. offset: of a tap from the anchor, which is the pixel at or
// before the coordinate.
struct Spread {
    LANE_ARRAY f64 scale[LANES], fraction[LANES];  // pixels from one output pixel to the next, and beyond the anchor
    LANE_ARRAY i32 anchor[LANES];
    LANE_ARRAY i32 first[LANES], last[LANES];    // taps that are in the window, without the last
    LANE_ARRAY i32 lowest[LANES], count[LANES];  // all taps: the offset of the first
};

struct Spreads {
    Spread row, col;
    LANE_ARRAY i32 is_inside[LANES];  // the coordinate, in the source
    LANE_ARRAY i32 is_cut[LANES];     // some taps are not there
    LANE_ARRAY i32 is_fine[LANES];    // both scales are 1
};

// A corner that is not known lies opposite to the one across, as seen from the pixel. If that is not known either, it lies
// at the pixel.
INLINE f64 known_corner(f64 corner, f64 across, f64 middle)
{
    return is_finite(corner) ? corner : is_finite(across) ? middle + (middle - across) : middle;
}

// The scale along an axis of the source: the length of its gradient, where coordinates lie amid the corners above and below
// them. With a turn, corners are moved by whole turns to where they are nearest to a coordinate.
template <bool TURNS>
CALLED void find_scales_along(const f64* upper, const f64* lower, const f64* middle, f64 turn, int n, f64* scale)
{
    LANE_LOOP(l, 0, n) {
        const f64 at = middle[l];
        const f64 a = TURNS ? near_to(at, upper[l], turn) : upper[l], b = TURNS ? near_to(at, upper[l + 1], turn) : upper[l + 1];
        const f64 c = TURNS ? near_to(at, lower[l + 1], turn) : lower[l + 1], d = TURNS ? near_to(at, lower[l], turn) : lower[l];
        const f64 upper_left = known_corner(a, c, at), upper_right = known_corner(b, d, at);
        const f64 lower_right = known_corner(c, a, at), lower_left = known_corner(d, b, at);
        const f64 down = 0.5 * ((lower_left - upper_left) + (lower_right - upper_right));
        const f64 across = 0.5 * ((upper_right - upper_left) + (lower_right - lower_left));
        const f64 length = sqrt(down * down + across * across);
        scale[l] = length > 1.0 + NEARLY ? length : 1.0;
    }
}

INLINE void find_scales(const CornerRows& corners, int n, const f64* row, const f64* col, f64 row_turn, f64 col_turn, Spreads& at)
{
    const f64 *upper_row = corners.upper_row, *upper_col = corners.upper_col;
    const f64 *lower_row = corners.lower_row, *lower_col = corners.lower_col;
    if (row_turn != 0)
        find_scales_along<true>(upper_row, lower_row, row, row_turn, n, at.row.scale);
    else
        find_scales_along<false>(upper_row, lower_row, row, 0.0, n, at.row.scale);
    if (col_turn != 0)
        find_scales_along<true>(upper_col, lower_col, col, col_turn, n, at.col.scale);
    else
        find_scales_along<false>(upper_col, lower_col, col, 0.0, n, at.col.scale);
    LANE_LOOP(l, 0, n) at.is_fine[l] = (at.row.scale[l] == 1.0) & (at.col.scale[l] == 1.0) ? 1 : 0;
}

// Where pixels lie on an axis, and their taps. origin: of the window. Leaves of is_inside what is so along this axis too.
CALLED void find_taps(const Line& line, f64 origin, const f64* coordinate, int n, Spread& at, i32* is_inside, i32* is_cut)
{
    const f64 period = line.period, end = period == 0 ? (f64)line.n : FAR, begin = period == 0 ? 0.0 : -FAR;
    const f64 widest = period == 0 || period > LARGEST_SCALE ? LARGEST_SCALE : period;
    LANE_ARRAY f64 place[LANES], half[LANES];
    LANE_LOOP(l, 0, n) place[l] = floor(coordinate[l]) - origin;
    if (period != 0)
        LANE_LOOP(l, 0, n) place[l] = fabs(place[l] + origin) < FARTHEST ? in_turn(place[l], 0.0, period) : nan("");
    LANE_LOOP(l, 0, n) {
        const f64 fraction = coordinate[l] - floor(coordinate[l]);
        const bool near = (place[l] >= begin) & ((place[l] < end - 1.0) | ((place[l] < end) & (fraction == 0.0)));
        const bool inside = near & (at.scale[l] <= widest);  // false for NaN
        at.fraction[l] = inside ? fraction : 0.0;
        place[l] = inside ? place[l] : 0.0;
        half[l] = (inside ? (f64)HALF * at.scale[l] : 1.0) - NEARLY;
        is_inside[l] &= inside ? 1 : 0;
    }
    LANE_LOOP(l, 0, n) {
        const f64 lowest = floor(at.fraction[l] - half[l]) + 1.0, beyond = -floor(-(at.fraction[l] + half[l]));
        at.anchor[l] = (i32)place[l];
        at.lowest[l] = (i32)lowest;
        at.count[l] = (i32)(beyond - lowest);
    }
    LANE_LOOP(l, 0, n) {
        const f64 lowest = place[l] + (f64)at.lowest[l], beyond = lowest + (f64)at.count[l];
        const f64 first = most(lowest, begin), last = least(beyond, end);
        at.first[l] = (i32)first;
        at.last[l] = (i32)last;
    }
    LANE_LOOP(l, 0, n) is_cut[l] |= at.last[l] - at.first[l] < at.count[l] ? 1 : 0;
}

// What a tap weighs, by its offset from the anchor.
INLINE f64 tap_weight(const Spread& axis, int l, i32 offset)
{
    return profile(((f64)offset - axis.fraction[l]) / axis.scale[l]);
}

// Whether a pixel has the same taps down its columns as the one before it, with the same weights, and columns beside its.
INLINE bool is_alike(const Spreads& at, int l)
{
    return (at.row.scale[l] == at.row.scale[l - 1]) & (at.row.fraction[l] == at.row.fraction[l - 1])
        & (at.row.anchor[l] == at.row.anchor[l - 1]) & (at.is_inside[l] != 0) & (at.is_fine[l] == at.is_fine[l - 1])
        & (at.col.first[l] <= at.col.last[l - 1]) & (at.col.last[l] >= at.col.first[l - 1]);
}

// Neighbouring pixels from one on that are alike. Their columns can be summed together.
INLINE Run alike_from(const Spreads& at, int l, int n)
{
    Run run = {l, l + 1, {at.row.first[l], at.row.last[l]}, {at.col.first[l], at.col.last[l]}};
    if (LANES == 1 || !at.is_inside[l] || l + 1 == n || !is_alike(at, l + 1)) return run;
    i32 all = 1, first = at.col.first[l], last = at.col.last[l];
    LANE_LOOP_ALL(k, l + 1, n, all) all &= is_alike(at, k) ? 1 : 0;
    LANE_LOOP_JOIN(k, l, n, min, first) first = at.col.first[k] < first ? at.col.first[k] : first;
    LANE_LOOP_JOIN(k, l, n, max, last) last = at.col.last[k] > last ? at.col.last[k] : last;
    if (all && last - first <= COLUMNS) return {l, n, run.rows, {first, last}};
    for (; run.end < n && is_alike(at, run.end); ++run.end) {
        const int next = run.end;
        const Span cols = {least(run.cols.first, (Index)at.col.first[next]), most(run.cols.last, (Index)at.col.last[next])};
        if (cols.last - cols.first > COLUMNS) break;
        run.cols = cols;
    }
    return run;
}
