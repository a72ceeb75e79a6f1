// renormalize: values for pixels that resample left invalid, of those source pixels with a weight that are valid.
// Their weighted sum is divided by the sum of their weights, where their share (see shares.cuh) is min_share at least, where
// the sum is LEAST_SUM at least, and where the source pixel nearest to the coordinate is valid. Pixels beyond the source are
// invalid. If valid is null, all within it are valid.
// Valid pixels must be finite.
// Arguments as in resample.cu, the same TAPS, and no SPLINE. Twin: twins.py:renormalize.
#define BLOCKS (4 - (TAPS > 4) - (TAPS > 2 && sizeof(ACC_T) == 8))  // fewer where 64 registers are not enough
#include "boundary.cuh"
#include "convert.cuh"
#include "coords.cuh"
#include "parameters.cuh"
#include "shares.cuh"
#include "target.cuh"
#include "weights.cuh"

// Weights of both signs may sum up to less, and then what is divided by them is noise.
#define LEAST_SUM 1e-5

// The window of the source that is here, and which of its pixels are valid.
struct Pixels {
    Index rows, cols, pitch, plane;
    const SRC_T* source;
    const u8* valid;
    Index valid_pitch;
};

INLINE bool is_valid(const Pixels& here, Index r, Index c)
{
    return r >= 0 && r < here.rows && c >= 0 && c < here.cols && (!here.valid || here.valid[r * here.valid_pitch + c]);
}

// A bit for each of TAPS by TAPS source pixels.
#if TAPS * TAPS > 32
typedef u64 Taps;
#else
typedef u32 Taps;
#endif

INLINE bool has_tap(Taps taps, int k, int j) { return taps >> (k * TAPS + j) & 1; }

// Where a coordinate lies on an axis that begins at `origin`: the pixel at or before it, in the turn in which an anchor has
// its taps before it, and the fraction beyond. Returns whether there is such a place near n pixels.
#if FIXED && LANES == 1
INLINE bool locate(i64 coordinate, i64 origin, Index period, Index n, Index* at, f32* fraction)
{
    const i64 from = coordinate - (origin * (1LL << FIXED_BITS) + FIXED_ZERO);
    *fraction = (f32)((i32)from & ((1 << FIXED_BITS) - 1)) * (f32)(1.0 / FIXED_ONE);
    const i32 whole = (i32)(from >> FIXED_BITS);
    *at = period ? whole_in_turn(whole, -FIRST_TAP, (i32)period) : whole;
    return coordinate >= 0 && *at >= -1 && *at < n;
}
#else
INLINE bool locate(f64 coordinate, i64 origin, Index period, Index n, Index* at, Fraction* fraction)
{
    const f64 whole = floor(coordinate), place = whole - (f64)origin;
    const f64 from = !period ? place : fabs(whole) < FARTHEST ? in_turn(place, (f64)-FIRST_TAP, (f64)period) : nan("");
    const bool near = from >= -1.0 && from < (f64)n;
    *fraction = (Fraction)(coordinate - whole);
    *at = near ? (Index)from : -1;
    return near;
}
#endif

// The weights of the taps on one axis. At a whole number just the anchor has one.
INLINE void axis_weights(Fraction fraction, ACC_T* w)
{
    ACC_T lanes[TAPS][LANES];  // of which just the first is filled
    tap_weights(fraction, lanes, 0);
    for (int k = 0; k < TAPS; ++k)
        w[k] = fraction != 0 ? lanes[k][0] : (ACC_T)(k == ANCHOR_TAP ? 1 : 0);
}

// The sum of the sizes of weights.
INLINE ACC_T sum_of_sizes(const ACC_T* w)
{
    ACC_T sum = (ACC_T)0;
    for (int k = 0; k < TAPS; ++k) sum += (ACC_T)fabs(w[k]);
    return sum;
}

KERNEL(renormalize, Size rows, Size cols,
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS, Carried<f32> min_share)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Pixels here = {source_rows, source_cols, pitch, plane, source, valid, valid_pitch};
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        u8* done = validity + y * validity_pitch + x;
        i32 all = 1;
        LANE_LOOP_ALL(l, 0, n, all) all &= done[l] == 1 ? 1 : 0;
        if (all) continue;
        LANE_ARRAY Coordinate row[LANES], col[LANES];
        source_coordinates(grid, first_row + y, first_col + x, n, row, col);
        for (int l = 0; l < n; ++l) {
            Index r, c;
            Fraction down, across;
            if (done[l] == 1 || !locate(row[l], origin_row, row_period, source_rows, &r, &down)
                || !locate(col[l], origin_col, col_period, source_cols, &c, &across)
                || !is_valid(here, r + (down >= (Fraction)0.5 ? 1 : 0), c + (across >= (Fraction)0.5 ? 1 : 0)))
                continue;
            r += FIRST_TAP;
            c += FIRST_TAP;
            Taps taps = 0;  // those that are valid
            for (int k = TAPS - 1; k >= 0; --k)
                for (int j = TAPS - 1; j >= 0; --j)
                    taps = taps << 1 | (is_valid(here, r + k, c + j) ? 1 : 0);
            ACC_T row_weights[TAPS], col_weights[TAPS], total = (ACC_T)0, sizes = (ACC_T)0;
            axis_weights(down, row_weights);
            axis_weights(across, col_weights);
            const ACC_T all = sum_of_sizes(row_weights) * sum_of_sizes(col_weights);
            for (int k = 0; k < TAPS; ++k)
                for (int j = 0; j < TAPS; ++j) {
                    const ACC_T w = has_tap(taps, k, j) ? row_weights[k] * col_weights[j] : (ACC_T)0;
                    total += w;
                    sizes += (ACC_T)fabs(w);
                }
            if (!(total >= (ACC_T)LEAST_SUM) || !(share_of(sizes, all) >= uncarried<f32>(min_share))) continue;
            for (Index band = 0; band < bands; ++band) {
                ACC_T sum = (ACC_T)0;
                for (int k = 0; k < TAPS; ++k)
                    for (int j = 0; j < TAPS; ++j) {
                        const ACC_T w = row_weights[k] * col_weights[j];
                        if (w != (ACC_T)0 && has_tap(taps, k, j))
                            sum += w * (ACC_T)source[band * plane + (r + k) * pitch + c + j];
                    }
                image[band * image_plane + y * image_pitch + x + l] = convert<OUT_T>(sum / total);
            }
            done[l] = 1;
        }
    }
}
