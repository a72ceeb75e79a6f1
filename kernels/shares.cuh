// shares: how much of what output pixels cover is there and valid, and what source pixels weigh.
#include "overlap.cuh"
#include "target.cuh"

// A window of a source, and which of its pixels are valid. Null if all are.
struct Place {
    Line rows, cols;
    const u8* valid;
    Index pitch;
};

// The weights of a row of pixels for a run. For a box they are its height. Widths are for when columns are summed.
template <bool BOX> struct RowWeights {
    f64 height, threshold;
    Side sides[4];
};

template <bool BOX> INLINE f64 weight_at(const RowWeights<BOX>& row, Index c)
{
    return BOX ? row.height : area_inside(row.sides, (f64)c);
}

template <bool BOX> INLINE bool counts(const RowWeights<BOX>& row, f64 weight) { return BOX || weight > row.threshold; }

template <bool BOX> INLINE RowWeights<BOX> row_weights(const Covers& at, int l, const Outline& outline, Index r)
{
    RowWeights<BOX> row;
    row.height = length_between(at.top[l], at.bottom[l], (f64)r);
    row.threshold = outline.threshold;
    if (!BOX) find_sides(outline, (f64)r, row.sides);
    return row;
}

template <bool BOX> INLINE f64 width_at(const Covers& at, int l, Index c)
{
    return BOX ? length_between(at.left[l], at.right[l], (f64)c) : 1.0;
}

// The valid area of each of a run's pixels, and whether all of it is valid. Down the columns first, as all sums are.
struct Shares {
    LANE_ARRAY f64 area[LANES];
    LANE_ARRAY i32 is_all[LANES];
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

template <bool BOX>
INLINE void add_shares(const Place& place, const Covers& at, const Run& run, const Outline& outline, Shares& shares)
{
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        const Index x = in_window(place.cols, c);
        LANE_ARRAY f64 sums[COLUMNS];
        LANE_ARRAY i32 missing[COLUMNS];
        LANE_LOOP(j, 0, n) sums[j] = 0.0;
        LANE_LOOP(j, 0, n) missing[j] = 0;
        for (Index r = run.rows.first; r < run.rows.last; ++r) {
            const RowWeights<BOX> row = row_weights<BOX>(at, run.begin, outline, r);
            const Index y = in_window(place.rows, r);
            const bool here = x < place.cols.n && y < place.rows.n;
            const u8* valid = place.valid && here ? place.valid + (y * place.pitch + x) : nullptr;
            LANE_LOOP(j, 0, n) {
                const f64 weight = weight_at(row, c + j);
                const bool is_valid = valid ? valid[j] != 0 : here;
                sums[j] += is_valid && counts(row, weight) ? weight : 0.0;
                missing[j] |= !is_valid && counts(row, weight) ? 1 : 0;
            }
        }
        for (int l = run.begin; l < run.end; ++l)
            for (Index k = most(c, (Index)at.first_col[l]), stop = least(c + n, (Index)at.last_col[l]); k < stop; ++k) {
                shares.area[l] += width_at<BOX>(at, l, k) * sums[k - c];
                shares.is_all[l] &= ~missing[k - c];
            }
    }
}

// Returns whether all of a run is valid. Then sums need not look at each pixel.
INLINE bool find_shares(const Place& place, const Covers& at, const Run& run, const Outline& outline, Shares& shares)
{
    i32 cut = 0;
    for (int l = run.begin; l < run.end; ++l) cut |= at.is_cut[l];
    const bool whole = all_valid(place, run);
    for (int l = run.begin; l < run.end; ++l) {
        shares.area[l] = whole && !cut ? at.area[l] : 0.0;
        shares.is_all[l] = at.is_cut[l] ? 0 : 1;
    }
    if (!whole || cut) {
        if (at.is_box[run.begin])
            add_shares<true>(place, at, run, outline, shares);
        else
            add_shares<false>(place, at, run, outline, shares);
        for (int l = run.begin; l < run.end; ++l)
            shares.area[l] = shares.is_all[l] ? at.area[l] : shares.area[l];
    }
    return whole;
}
