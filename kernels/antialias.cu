// antialias: pixels that resample made, anew where output pixels lie more than a source pixel apart. There the interpolator
// is as wide as they lie apart. Its weights are divided by their sum. Weights and sums are f64.
// SRC_T, OUT_T: types of the source and of the image. TAPS: 2, 4 or 6. See profile.cuh.
// valid: as in renormalize.cu. Valid pixels must be finite. outside: as in resample.cu.
// shares: where the shares go of the sizes of all weights that valid taps have, or null.
// least_share: from which share on there is a value, if the nearest pixel is valid. Above 1 all taps must be valid.
// over: whether resample has run. If not, every pixel is made here.
// Twin: twin_antialias.py:antialias.
#define BLOCKS 2  // as 85 registers are not enough
#include "convert.cuh"
#include "parameters.cuh"
#include "tap_sums.cuh"
#include "target.cuh"

#define LEAST_WEIGHT 1e-5     // what valid weights must sum up to, if all do to 1

// What the taps of a run's pixels lack.
struct Judgement {
    LANE_ARRAY f64 share[LANES], weight[LANES];  // of valid taps: their share, and the sum of their weights
    LANE_ARRAY i32 has_value[LANES];
};

INLINE bool is_nearest_valid(const Place& place, const Spreads& at, int l)
{
    const Index r = in_window(place.rows, at.row.anchor[l] + (at.row.fraction[l] >= 0.5 ? 1 : 0));
    const Index c = in_window(place.cols, at.col.anchor[l] + (at.col.fraction[l] >= 0.5 ? 1 : 0));
    return r < place.rows.n && c < place.cols.n && (!place.valid || place.valid[r * place.pitch + c]);
}

// The one place that decides what is valid. Returns whether sums must look at each pixel. row_weight: the sum of the weights
// down the rows.
CALLED bool judge(const Place& place, const Spreads& at, const Run& run, f64 row_weight, f64 least_share, bool shares,
                  Judgement& found)
{
    const bool whole = all_valid(place, run), wants_shares = least_share <= 1.0 || shares;
    LANE_ARRAY f64 missing[LANES], sizes[LANES], unused[LANES];
    i32 all = 1;
    LANE_LOOP(l, run.begin, run.end) missing[l] = 0.0;
    if (!whole) add_up<MISSING, true>(nullptr, 0, place, at, run, missing, unused);
    LANE_LOOP_ALL(l, run.begin, run.end, all) {
        const bool has_value = (missing[l] == 0.0) & (at.is_cut[l] == 0);
        found.has_value[l] = has_value ? 1 : 0;
        found.share[l] = has_value ? 1.0 : 0.0;
        found.weight[l] = 0.0;  // of a pixel that lacks nothing: all, which is not known yet
        all &= has_value ? 1 : 0;
    }
    if (all || !wants_shares) return !whole;
    add_up<SIZES, true>(nullptr, 0, place, at, run, sizes, unused);
    add_up<WEIGHTS, true>(nullptr, 0, place, at, run, found.weight, unused);
    const f64 row_size = all_weights<SIZES>(at.row, run.begin);
    for (int l = run.begin; l < run.end; ++l) {
        if (found.has_value[l]) {
            found.weight[l] = 0.0;
            continue;
        }
        found.share[l] = least(sizes[l] / (row_size * all_weights<SIZES>(at.col, l)), BELOW_ONE);
        const bool enough = found.weight[l] / (row_weight * all_weights<WEIGHTS>(at.col, l)) >= LEAST_WEIGHT;
        found.has_value[l] = enough && found.share[l] >= least_share && is_nearest_valid(place, at, l) ? 1 : 0;
    }
    return !whole;
}

// A segment of the output.
struct Out {
    OUT_T* image;
    Index plane;
    OUT_T nodata;
    u8* validity;
    f32* shares;  // or null
};

// Writes the validity of a run, and any shares. Returns whether a pixel of it has a value.
INLINE bool say_valid(const Spreads& at, const Run& run, const Judgement& found, Size outside, const Out& out)
{
    i32 any = 0;
    LANE_LOOP_JOIN(l, run.begin, run.end, |, any) {
        out.validity[l] = at.is_inside[l] ? (u8)found.has_value[l] : (u8)outside;
        any |= found.has_value[l];
    }
    if (out.shares)
        LANE_LOOP(l, run.begin, run.end) out.shares[l] = at.is_inside[l] ? (f32)found.share[l] : 0.0f;
    return any;
}

CALLED void make_run(const SRC_T* source, Index bands, Index pitch, Index plane, const Place& place, const Spreads& at,
                     const Run& run, f64 least_share, Size outside, const Out& out)
{
    Judgement found;
    found.has_value[run.begin] = 0;
    found.share[run.begin] = 0.0;
    f64 row_weight = 0.0;
    bool masked = true;
    if (at.is_inside[run.begin]) {
        row_weight = all_weights<WEIGHTS>(at.row, run.begin);
        masked = judge(place, at, run, row_weight, least_share, out.shares, found);
    }
    const bool any = say_valid(at, run, found, outside, out);
    ROLLED for (Index band = 0; band < bands; ++band) {
        LANE_ARRAY f64 totals[LANES], col_weights[LANES];
        if (any && masked)
            add_up<VALUES, true>(source + band * plane, pitch, place, at, run, totals, col_weights);
        else if (any)
            add_up<VALUES, false>(source + band * plane, pitch, place, at, run, totals, col_weights);
        OUT_T* to = out.image + band * out.plane;
        if (!any) LANE_LOOP(l, run.begin, run.end) totals[l] = col_weights[l] = 0.0;
        LANE_LOOP(l, run.begin, run.end) {
            const f64 value = totals[l] / (found.weight[l] != 0.0 ? found.weight[l] : row_weight * col_weights[l]);
            const bool has_value = (found.has_value[l] != 0) & (value == value);
            to[l] = has_value ? convert<OUT_T>(has_value ? value : 0.0) : out.nodata;
        }
    }
}

KERNEL(antialias, Size rows, Size cols,
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS, AREAS_PARAMETERS, Size over)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Place place = PLACE_OF_PARAMETERS;
    const f64 row_turn = FULL ? place.rows.period : 0.0, col_turn = FULL ? place.cols.period : 0.0;  // see overlap.cuh
    CornerRows corners;
    FOR_TILED_SEGMENTS_WITH(corners, y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        const Out out = {image + (y * image_pitch + x), image_plane, uncarried<OUT_T>(nodata),
                         validity + (y * validity_pitch + x),
                         shares ? shares + (y * shares_pitch + x) : nullptr};
        LANE_ARRAY Coordinate row[LANES], col[LANES];
        source_coordinates(grid, first_row + y, first_col + x, n, row, col);
        Spreads at;
        find_corners<false>(grid, first_row + y, first_col + x, n, {0.0, row_turn}, {0.0, col_turn}, IS_BELOW_THE_LAST(y), corners);
        find_scales(corners, n, row, col, row_turn, col_turn, at);
        LANE_LOOP(l, 0, n) at.is_inside[l] = 1;
        LANE_LOOP(l, 0, n) at.is_cut[l] = 0;
        find_taps(place.rows, (f64)origin_row, row, n, at.row, at.is_inside, at.is_cut);
        find_taps(place.cols, (f64)origin_col, col, n, at.col, at.is_inside, at.is_cut);
        Run run;
        for (int begin = 0; begin < n; begin = run.end) {
            run = alike_from(at, begin, n);
            if (!over || !at.is_fine[begin])
                make_run(source, bands, pitch, plane, place, at, run, least_share, outside, out);
        }
    }
}
