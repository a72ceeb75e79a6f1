// area: statistics of what output pixels cover of a source. A source pixel weighs by the area of it that is covered.
// -D STATISTIC is one of those in column_totals.cuh. SRC_T, OUT_T: types of the source and of the image. Sums are f64.
// valid: as in renormalize.cu. Valid pixels must be finite. shares: of what is covered that are there and valid.
// Twin: twin_areas.py:area.
#define BLOCKS 2  // 128 registers for each thread
#include "convert.cuh"
#include "parameters.cuh"
#include "column_totals.cuh"
#include "coverage.cuh"
#include "target.cuh"

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
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS, AREAS_PARAMETERS)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Place place = PLACE_OF_PARAMETERS;
    const OUT_T empty = uncarried<OUT_T>(nodata);
    Covers at;
    FOR_TILED_SEGMENTS_WITH(at, y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Covered covered;
        find_covers(place, grid, first_row + y, first_col + x, n, IS_BELOW_THE_LAST(y), at);
        find_covered(place, at, n, covered);
        f32* shown = shares ? shares + (y * shares_pitch + x) : nullptr;
        say_covered(at, n, least_share, (u8)outside, covered, validity + (y * validity_pitch + x), shown);
        for (Index band = 0; band < bands; band += GROUP) {
            const int some = (int)least(bands - band, (Index)GROUP);
            LANE_ARRAY Total totals[GROUP][LANES];
            UNROLL for (int b = 0; b < GROUP; ++b)
                LANE_LOOP(l, 0, n) totals[b][l] = none();
            Run run;
            for (int begin = 0; begin < n; begin = run.end) {
                run = run_from(at, begin, n);
                if (any_value(run, covered))
                    find_totals(source + band * plane, pitch, plane, some, place, at, run, covered.masked[begin] != 0, totals);
            }
            UNROLL for (int b = 0; b < GROUP; ++b) {
                if (b >= some) break;
                OUT_T* to = image + ((band + b) * image_plane + y * image_pitch + x);
                LANE_LOOP(l, 0, n)
                    to[l] = covered.has_value[l] != 0 ? finished(totals[b][l], covered.area[l], at.scale[l], empty) : empty;
            }
        }
    }
}
