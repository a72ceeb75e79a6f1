// area: statistics of what output pixels cover of a source. A source pixel weighs by the area of it that is covered.
// -D STATISTIC is one of those below. SRC_T, OUT_T: types of the source and of the image. Sums are f64.
// -D VALIDITY_T: u8 for a validity of 0 and 1, f32 for the share of what is covered that is there and valid.
// valid: as in renormalize.cu. Valid pixels must be finite. least_share: from which share on there is a value; above 1 all
// that is covered must be valid. outside: what validity is where no pixel of the source is covered.
// Twin: area_twins.py:area.
#define AVERAGE 0
#define SUM 1
#define RMS 2
#define MIN 3
#define MAX 4
#include "convert.cuh"
#include "parameters.cuh"
#include "shares.cuh"
#include "target.cuh"

#define IS_SUM (STATISTIC <= RMS)
#define BELOW_ONE 0.99999994  // the greatest f32 below 1

#if IS_SUM
typedef f64 Total;
INLINE Total none() { return 0.0; }
INLINE Total joined(Total a, Total b) { return a + b; }
INLINE Total weighted(f64 weight, SRC_T v)
{
    const f64 value = (f64)v;
    return weight * (STATISTIC == RMS ? value * value : value);
}
INLINE Total widened(f64 width, Total sum) { return width * sum; }
#else
typedef SRC_T Total;
INLINE Total none() { return STATISTIC == MIN ? Range<SRC_T>::highest : Range<SRC_T>::lowest; }
INLINE Total joined(Total a, Total b) { return (STATISTIC == MIN ? b < a : b > a) ? b : a; }
INLINE Total weighted(f64, SRC_T v) { return v; }
INLINE Total widened(f64, Total v) { return v; }
#endif

// The totals of a run's pixels in one band. MASKED: only of valid pixels.
template <bool BOX, bool MASKED>
INLINE void add_up(const SRC_T* band, Index pitch, const Place& place, const Covers& at, const Run& run,
                   const Outline& outline, Total* totals)
{
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        const Index x = in_window(place.cols, c);
        if (x >= place.cols.n) continue;
        LANE_ARRAY Total columns[COLUMNS];
        LANE_LOOP(j, 0, n) columns[j] = none();
        for (Index r = run.rows.first; r < run.rows.last; ++r) {
            const RowWeights<BOX> row = row_weights<BOX>(at, run.begin, outline, r);
            const Index y = in_window(place.rows, r);
            if (y >= place.rows.n) continue;
            const SRC_T* pixels = band + (y * pitch + x);
            const u8* valid = MASKED ? place.valid + (y * place.pitch + x) : nullptr;
            LANE_LOOP(j, 0, n) {
                const f64 weight = weight_at(row, c + j);
                const bool has_say = counts(row, weight) && (!MASKED || valid[j]);
                columns[j] = joined(columns[j], has_say ? weighted(weight, pixels[j]) : none());
            }
        }
        for (int l = run.begin; l < run.end; ++l)
            for (Index k = most(c, (Index)at.first_col[l]), stop = least(c + n, (Index)at.last_col[l]); k < stop; ++k)
                totals[l] = joined(totals[l], widened(width_at<BOX>(at, l, k), columns[k - c]));
    }
}

INLINE void find_totals(const SRC_T* band, Index pitch, const Place& place, const Covers& at, const Run& run,
                        const Outline& outline, bool masked, Total* totals)
{
    for (int l = run.begin; l < run.end; ++l) totals[l] = none();
    if (at.is_box[run.begin])
        if (masked)
            add_up<true, true>(band, pitch, place, at, run, outline, totals);
        else
            add_up<true, false>(band, pitch, place, at, run, outline, totals);
    else if (masked)
        add_up<false, true>(band, pitch, place, at, run, outline, totals);
    else
        add_up<false, false>(band, pitch, place, at, run, outline, totals);
}

// What a pixel becomes, of its total.
INLINE OUT_T finished(Total total, f64 area, f64 scale, OUT_T nodata)
{
#if STATISTIC == SUM
    const f64 value = total * scale;
#elif STATISTIC == RMS
    const f64 value = sqrt(total / area);
#elif STATISTIC == AVERAGE
    const f64 value = total / area;
#else
    const SRC_T value = total;
#endif
    return value == value ? convert<OUT_T>(value) : nodata;
}

KERNEL(area, Size rows, Size cols,
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS,
       Carried<OUT_T> nodata, Size outside, f64 least_share)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Place place = {{source_rows, (f64)row_period}, {source_cols, (f64)col_period}, valid, valid_pitch};
    // Nodes of a full grid may lie in different turns of a source that goes around. Those of a coarse one don't.
    const Places row_places = {(f64)origin_row, FULL ? place.rows.period : 0.0};
    const Places col_places = {(f64)origin_col, FULL ? place.cols.period : 0.0};
    const OUT_T empty = uncarried<OUT_T>(nodata);
    FOR_TILED_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Covers at;
        at.row_turn = row_places.turn;
        at.col_turn = col_places.turn;
        corner_places(grid, first_row + y, first_col + x, n, row_places, col_places, at.upper_row, at.upper_col);
        corner_places(grid, first_row + y + 1, first_col + x, n, row_places, col_places, at.lower_row, at.lower_col);
        find_covers(place.rows, place.cols, n, at);
        Run run;
        for (int begin = 0; begin < n; begin = run.end) {
            run = run_from(at, begin, n);
            Outline outline = {};
            if (!at.is_box[begin]) outline = outline_at(at, begin);
            Shares shares;
            const bool masked = !find_shares(place, at, run, outline, shares);
            i32 any = 0;
            LANE_ARRAY i32 has_value[LANES];
            VALIDITY_T* shown = validity + (y * validity_pitch + x);
            for (int l = run.begin; l < run.end; ++l) {
                const bool is_all = shares.is_all[l];
                const f64 share = is_all ? 1.0 : least(shares.area[l] / at.area[l], BELOW_ONE);
                has_value[l] = is_all || (shares.area[l] > 0 && share >= least_share) ? 1 : 0;
                any |= has_value[l];
                const bool is_outside = at.first_row[l] >= at.last_row[l];
                shown[l] = is_outside ? (VALIDITY_T)outside : Kind<VALIDITY_T>::is_float ? (VALIDITY_T)share : (VALIDITY_T)has_value[l];
            }
            for (Index band = 0; band < bands; ++band) {
                OUT_T* to = image + (band * image_plane + y * image_pitch + x);
                LANE_ARRAY Total totals[LANES];
                if (any) find_totals(source + band * plane, pitch, place, at, run, outline, masked, totals);
                for (int l = run.begin; l < run.end; ++l)
                    to[l] = has_value[l] ? finished(totals[l], shares.area[l], at.scale[l], empty) : empty;
            }
        }
    }
}
