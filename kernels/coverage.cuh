// coverage: how much of what output pixels cover is there and valid, and what source pixels weigh.
#include "convert.cuh"
#include "overlap.cuh"
#include "parameters.cuh"
#include "target.cuh"

// A window of a source, and which of its pixels are valid. Null if all are.
struct Place {
    Line rows, cols;
    i64 origin_row, origin_col;
    const u8* valid;
    Index pitch;
};
// That of a kernel's SOURCE_PARAMETERS and VALID_PARAMETERS.
#define PLACE_OF_PARAMETERS                                                                                        \
    {{source_rows, (f64)row_period}, {source_cols, (f64)col_period}, origin_row, origin_col, valid, valid_pitch}

INLINE void find_covers(const Place& place, const Grid& grid, Index y, Index x, int n, bool below, Covers& at)
{
    find_covers(place.rows, place.cols, place.origin_row, place.origin_col, grid, y, x, n, below, at);
}

// The weights of a row of pixels. For a box they are all its height. Widths are for when columns are summed.
template <bool BOX> struct RowWeights {
    f64 height, threshold, first_col;
    Sides sides;
};

template <bool BOX> INLINE RowWeights<BOX> row_weights(const Covers& at, int l, const Outline& outline, Index r)
{
    RowWeights<BOX> row;
    row.height = length_between(at.top[l], at.bottom[l], (f64)r);
    if (BOX) return row;
    row.threshold = outline.threshold;
    find_sides(outline, (f64)r - outline.first_row, row.sides);
    row.first_col = outline.first_col;
    return row;
}

// Those of REALS pixels from column c on. The area to the left of each side, which is not less than 0 nor more than that of
// the pixel, adds up to the area inside (Green's theorem). What does not count is 0.
INLINE Reals weights_from(const RowWeights<false>& row, Index col)
{
    const f64 c = (f64)col - row.first_col;
    const Reals left = counted_from(c), zero = left - left;
    Reals areas = zero;
    UNROLL for (int k = 0; k < 4; ++k) {
        const f64 low = row.sides.low[k], high = row.sides.high[k], rows = row.sides.rows[k];
        if (rows == 0 || c >= high) continue;
        areas = c + REALS <= floor(low) ? areas + rows : with_side(areas, left, low, high, rows);
    }
    return areas > zero + row.threshold ? areas : zero;
}

template <bool BOX> INLINE f64 width_at(const Covers& at, int l, Index c)
{
    return BOX ? length_between(at.left[l], at.right[l], (f64)c) : 1.0;
}

// Of a segment's pixels the valid area, whether all that they cover is valid, and whether they get a value.
struct Covered {
    LANE_ARRAY f64 area[LANES];
    LANE_ARRAY f64 is_all[LANES], has_value[LANES];  // 1 or 0
    LANE_ARRAY f64 masked[LANES];  // whether sums must look at the validity of each source pixel
};

// Whether all pixels that a run may cover are valid.
INLINE bool all_valid(const Place& place, const Run& run)
{
    if (!place.valid && place.rows.period == 0 && place.cols.period == 0) return true;
    i32 all = 1;
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        const Index x = in_window(place.cols, c);
        if (x >= place.cols.n) return false;
        for (Index r = run.rows.first; r < run.rows.last; ++r) {
            const Index y = in_window(place.rows, r);
            if (y >= place.rows.n) return false;
            if (!place.valid) continue;
            const u8* valid = place.valid + (y * place.pitch + x);
            LANE_LOOP_ALL(j, 0, n, all) all &= valid[j] ? 1 : 0;
        }
        if (!all) return false;
    }
    return true;
}

// What a row of n pixels adds to the valid areas of columns, and which of them it leaves without some. Null: all are valid.
// The last pixels may be fewer than REALS: there are some more columns then.
INLINE void add_row(const RowWeights<true>& row, Index, int n, bool here, const u8* valid, f64* sums, i32* missing)
{
    LANE_LOOP(j, 0, n) {
        const bool is_valid = valid ? valid[j] != 0 : here;
        sums[j] += is_valid ? row.height : 0.0;
        missing[j] |= is_valid ? 0 : 1;
    }
}

INLINE void add_row(const RowWeights<false>& row, Index c, int n, bool here, const u8* valid, f64* sums, i32* missing)
{
    for (int first = 0; first < n; first += REALS) {
        LANE_ARRAY f64 weights[REALS];
        store_reals(weights, weights_from(row, c + first));
        for (int j = first; j < first + REALS && j < n; ++j) {
            const bool is_valid = valid ? valid[j] != 0 : here;
            sums[j] += is_valid ? weights[j - first] : 0.0;
            missing[j] |= !is_valid && weights[j - first] != 0 ? 1 : 0;
        }
    }
}

// Down the columns first, as all sums are.
template <bool BOX>
INLINE void add_covered(const Place& place, const Covers& at, const Run& run, const Outline& outline, Covered& covered)
{
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        const Index x = in_window(place.cols, c);
        LANE_ARRAY f64 sums[COLUMNS];
        LANE_ARRAY i32 missing[COLUMNS];
        LANE_LOOP(j, 0, n) sums[j] = 0.0;
        LANE_LOOP(j, 0, n) missing[j] = 0;
        for (Index r = run.rows.first; r < run.rows.last; ++r) {
            const Index y = in_window(place.rows, r);
            const bool here = x < place.cols.n && y < place.rows.n;
            const u8* valid = place.valid && here ? place.valid + (y * place.pitch + x) : nullptr;
            add_row(row_weights<BOX>(at, run.begin, outline, r), c, (int)n, here, valid, sums, missing);
        }
        RUN_LOOP(l, run)
            for (Index k = most(c, (Index)at.first_col[l]), stop = least(c + n, (Index)at.last_col[l]); k < stop; ++k) {
                covered.area[l] += width_at<BOX>(at, l, k) * sums[k - c];
                if (missing[k - c]) covered.is_all[l] = 0.0;
            }
    }
}

// Those of a segment.
CALLED void find_covered(const Place& place, const Covers& at, int n, Covered& covered)
{
    LANE_LOOP(l, 0, n) {
        covered.area[l] = 0.0;
        covered.is_all[l] = 1.0 - at.is_cut[l];
    }
    Run run;
    for (int begin = 0; begin < n; begin = run.end) {
        run = run_from(at, begin, n);
        const bool masked = !all_valid(place, run);
        f64 cut = 0.0;
        RUN_LOOP(l, run) {
            covered.masked[l] = masked && place.valid ? 1.0 : 0.0;
            cut = most(cut, at.is_cut[l]);
        }
        if (!masked && cut == 0) continue;
        const Outline outline = outline_at(at, begin);
        if (at.is_box[begin] != 0)
            add_covered<true>(place, at, run, outline, covered);
        else
            add_covered<false>(place, at, run, outline, covered);
    }
    LANE_LOOP(l, 0, n) covered.area[l] = covered.is_all[l] != 0 ? at.area[l] : covered.area[l];
}

#define BELOW_ONE 0.99999994  // the greatest f32 below 1

// Decides which of a segment's pixels get a value: those with a share of `least_share`, or, if that is above 1, those of
// which all is valid. Writes their validity, and their shares unless `shares` is null. outside: what the validity is where no
// pixel of the source is covered.
INLINE void say_covered(const Covers& at, int n, f64 least_share, u8 outside, Covered& covered, u8* validity, f32* shares)
{
    LANE_LOOP(l, 0, n) {
        const bool is_all = covered.is_all[l] != 0, any = (at.first_row[l] < at.last_row[l]) & (at.first_col[l] < at.last_col[l]);
        const f64 share = is_all ? 1.0 : any ? least(covered.area[l] / at.area[l], BELOW_ONE) : 0.0;
        const bool has_value = is_all | ((covered.area[l] > 0) & (share >= least_share));
        validity[l] = any ? (has_value ? 1 : 0) : outside;
        if (shares) shares[l] = (f32)share;
        covered.has_value[l] = has_value ? 1.0 : 0.0;
    }
}

// Whether any of a run's pixels gets a value.
INLINE bool any_value(const Run& run, const Covered& covered)
{
    f64 any = 0.0;
    RUN_LOOP(l, run) any = most(any, covered.has_value[l]);
    return any != 0;
}
