// anchors: where output pixels fall in the source, and whether all that they need is there and valid.
// Needs -D TAPS. See weights.cuh.
#include "boundary.cuh"
#include "coords.cuh"
#include "footprints.cuh"
#include "target.cuh"
#include "weights.cuh"

// Where a segment's pixels fall in the source window: anchor pixel, fraction beyond it, and whether anything is there.
struct Anchors {
    LANE_ARRAY Fraction row_fraction[LANES], col_fraction[LANES];
    LANE_ARRAY i32 row[LANES], col[LANES];
    LANE_ARRAY i32 between[LANES];  // 2 where the row lies between two pixels, plus 1 where the column does
    LANE_ARRAY i32 inside[LANES], valid[LANES];
};

INLINE void find_between(int n, Anchors& at)
{
    if (TAPS == 1) return;
    LANE_LOOP(l, 0, n) at.between[l] = (at.row_fraction[l] != 0 ? 2 : 0) + (at.col_fraction[l] != 0 ? 1 : 0);
}

INLINE i32 between(const Anchors& at, int l) { return TAPS == 1 ? 0 : at.between[l]; }


// An axis of a window of the source, which has n pixels from an origin on. Around it, `frame` pixels are there by
// place_of(mode). The whole source begins anew every `period` pixels, unless this is 0.
struct Axis {
    Index n;
    i64 origin;
    Index frame, mode;
    i64 period;
};

struct Extent {
    Axis row, col;
};

// Whether the source ends with its window: no frame, no period.
#ifndef PLAIN_EDGES
#define PLAIN_EDGES false
#endif

// Brings anchors of any turn into that in which they have their taps before them in a window, or to NaN if they are too far.
INLINE void into_window(const Axis& axis, int n, f64* places)
{
    const f64 origin = (f64)axis.origin, least = (f64)(-FIRST_TAP - axis.frame), period = (f64)axis.period;
    LANE_LOOP(l, 0, n)
        places[l] = fabs(places[l] + origin) < FARTHEST ? in_turn(places[l], least, period) : nan("");
}

// Fills in everything but what the footprint knows.
#if LANES == 1
#if FIXED
INLINE bool place(const Axis& axis, i64 coordinate, i32* at, f32* fraction)
{
    const i64 from = coordinate + (TAPS == 1 ? 1 << (FIXED_BITS - 1) : 0) - (axis.origin * (1LL << FIXED_BITS) + FIXED_ZERO);
    *at = (i32)(from >> FIXED_BITS);
    *fraction = TAPS == 1 ? 0.0f : (f32)((i32)from & ((1 << FIXED_BITS) - 1)) * (f32)(1.0 / FIXED_ONE);
    if (PLAIN_EDGES) return (u32)*at < (u32)axis.n;  // never so where there is no coordinate
    if (axis.period) *at = whole_in_turn(*at, (i32)(-FIRST_TAP - axis.frame), (i32)axis.period);
    return coordinate >= 0 && *at >= -axis.frame && *at < axis.n + axis.frame;
}
#else
INLINE bool place(const Axis& axis, f64 coordinate, i32* at, f64* fraction)
{
    if (PLAIN_EDGES) {
        Index number;
        const f64 whole = floored(ANCHORED(coordinate), (Index)axis.origin, &number);
        *fraction = TAPS == 1 ? 0.0 : coordinate - whole;
        *at = (i32)number;
        return is_below(number, axis.n);
    }
    const f64 whole = floor(ANCHORED(coordinate));
    *fraction = TAPS == 1 ? 0.0 : coordinate - whole;
    f64 from = whole - (f64)axis.origin;
    if (axis.period) into_window(axis, 1, &from);
    *at = __double2int_rd(from);  // which saturates
    return from >= -(f64)axis.frame && from < (f64)(axis.n + axis.frame);
}
#endif

INLINE void anchor(const Extent& window, const Coordinate* row, const Coordinate* col, int, Anchors& at)
{
    const bool rows = place(window.row, row[0], at.row, at.row_fraction);
    const bool cols = place(window.col, col[0], at.col, at.col_fraction);
    at.inside[0] = at.valid[0] = rows & cols;
    find_between(1, at);
}
#else
INLINE void anchor(const Extent& window, const f64* row, const f64* col, int n, Anchors& at)
{
    const f64 first_row = -(f64)window.row.frame, rows = (f64)(window.row.n + window.row.frame);
    const f64 first_col = -(f64)window.col.frame, cols = (f64)(window.col.n + window.col.frame);
    // A place where all taps exist, if there is one, for the pixels that fall outside.
    const f64 safe = window.row.n >= TAPS && window.col.n >= TAPS ? (f64)ANCHOR_TAP : 0.0;
    LANE_ARRAY f64 r[LANES], c[LANES];
    LANE_LOOP(l, 0, n) {
        const f64 whole_row = floor(ANCHORED(row[l])), whole_col = floor(ANCHORED(col[l]));
        r[l] = whole_row - (f64)window.row.origin;
        c[l] = whole_col - (f64)window.col.origin;
        at.row_fraction[l] = TAPS == 1 ? (Fraction)0 : (Fraction)(row[l] - whole_row);
        at.col_fraction[l] = TAPS == 1 ? (Fraction)0 : (Fraction)(col[l] - whole_col);
    }
    if (window.row.period) into_window(window.row, n, r);
    if (window.col.period) into_window(window.col, n, c);
    LANE_LOOP(l, 0, n) {
        const bool inside = (r[l] >= first_row) & (c[l] >= first_col) & (r[l] < rows) & (c[l] < cols);  // false for NaN
        at.row[l] = (i32)(inside ? r[l] : safe);
        at.col[l] = (i32)(inside ? c[l] : safe);
        at.inside[l] = at.valid[l] = inside ? 1 : 0;
    }
    find_between(n, at);
}
#endif

// An anchor may be any i32 where it is not inside: sums wrap.
INLINE i32 moved(i32 anchor, i32 by) { return (i32)((u32)anchor + (u32)by); }

// Negative where one of an anchor's taps lies outside the window and a frame around it.
INLINE i32 room(i32 anchor, i32 n, i32 frame)
{
    return moved(anchor, FIRST_TAP + frame) | moved(~anchor, n - LAST_TAP + frame);
}

// The same of the taps that have a weight at a whole number.
INLINE i32 room_at_whole(i32 anchor, i32 n, i32 frame)
{
    return moved(anchor, FIRST_TAP + FIRST_AT_WHOLE + frame) | moved(~anchor, n - FIRST_TAP - LAST_AT_WHOLE + frame);
}

INLINE i32 room_for_weights(const Axis& axis, i32 anchor, bool between)
{
    return between ? room(anchor, (i32)axis.n, (i32)axis.frame)
                   : room_at_whole(anchor, (i32)axis.n, (i32)axis.frame);
}

// Returns whether all taps of the whole segment lie in the window. Where they must, a pixel without them is invalid.
INLINE bool check_taps(const Extent& window, int n, bool must_exist, Anchors& at)
{
    const i32 rows = (i32)window.row.n, cols = (i32)window.col.n;
    i32 signs = -1;  // the sign bit stays where there is room in every lane
    LANE_LOOP_ALL(l, 0, n, signs) signs &= ~(room(at.row[l], rows, 0) | room(at.col[l], cols, 0));
    const bool interior = signs < 0;
    if (must_exist && !interior)
        LANE_LOOP(l, 0, n) {
            const i32 row = room_for_weights(window.row, at.row[l], between(at, l) & 2);
            const i32 col = room_for_weights(window.col, at.col[l], between(at, l) & 1);
            at.valid[l] &= (row | col) >= 0;
        }
    return interior;
}

// Where a segment's pixels find their footprints, and what is there.
struct Lookup {
    LANE_ARRAY Index offset[LANES];
    LANE_ARRAY i32 word[LANES];
};

// Footprints are there for the frame too.
INLINE void find_footprints(const Extent& window, int n, const Anchors& at, Lookup& found)
{
    const Index pitch = window.col.n + 2 * window.col.frame;
    LANE_LOOP(l, 0, n) found.offset[l] = (at.row[l] + window.row.frame) * pitch + at.col[l] + window.col.frame;
}

// Takes a word for each pixel, which says whether every source pixel with a weight is valid.
INLINE void look_up(const Footprints* __restrict__ footprints, int n, Lookup& found)
{
    SCALAR_LOOP(l, n) found.word[l] = (i32)footprints[found.offset[l]];
}

// Leaves of what was valid before what is so in a band.
INLINE void check_footprints(const Lookup& found, int band, int n, const Anchors& at, const i32* before, i32* valid)
{
    LANE_LOOP(l, 0, n) {
        valid[l] = before[l] & found.word[l] >> (between(at, l) + BITS_A_BAND * band) & 1;
    }
}

INLINE bool none_valid(int n, const i32* valid)
{
    i32 none = 1;
    LANE_LOOP_ALL(l, 0, n, none) none &= ~valid[l];
    return none;
}
