// resample: every band of a source image, in the geometry that a grid gives, with its validity.
// SRC_T, OUT_T: types of the source and of the image; ACC_T: f64 or f32, for weights and sums; TAPS: see weights.cuh.
// source: bands x source_rows x source_cols, a window of the whole image that begins at (origin_row, origin_col). Around
// it `frame` pixels of each axis are what place_of(mode) says. The whole image begins anew every `period` pixels, if any.
// footprint: from footprint.cu with the same TAPS, of the window and its frame; null: all is valid. validity: may be null.
// outside: what validity is where a coordinate lies outside the source, or there is none.
// A sum that is not a number (a NaN among its taps, or inf - inf) makes the pixel invalid in every band.
// Twin: reference.py:resample.
#include "target.cuh"
#include "weights.cuh"
#include "coords.cuh"
#include "boundary.cuh"
#include "anchors.cuh"
#include "convert.cuh"

// Asks for the pixels that the segment to the right will need: one segment's step further on in the source, where no
// hardware foresees a slanted line. Every fourth lane, but another one in each row: a tile misses no line of the cache.
INLINE void prefetch_source(const SRC_T* pixels, i64 pitch, const u8* footprint, i64 cols, int first, int n,
                            const Anchors& at)
{
    const i64 rows_on = at.row[n - 1] - at.row[0], cols_on = at.col[n - 1] - at.col[0];
    for (int l = first & 3; LANES > 1 && l < n; l += 4) {
        const i64 r = at.row[l] + rows_on, c = at.col[l] + cols_on;
        PREFETCH(address_of(pixels, (r + FIRST_TAP) * pitch + c));
        PREFETCH(address_of(pixels, (r + LAST_TAP) * pitch + c));
        if (footprint) PREFETCH(address_of(footprint, r * cols + c));
    }
}

// Sums along the columns of TAPS x TAPS pixels, of which `taps` is the first: one value for each tap along the row.
// A whole-number row has one tap (B-splines all but the last), whatever lies above and below.
template <int COLUMNS>
INLINE void sum_some_columns(const SRC_T* taps, i64 pitch, int l, bool whole, const ACC_T (*weights)[LANES], ACC_T* sums)
{
    Vector<ACC_T, COLUMNS> rows[TAPS];
    UNROLL for (int k = 0; k < TAPS; ++k)
        rows[k] = load_vector<ACC_T, COLUMNS>(taps + k * pitch);
    store_vector(sums, weighted_sum(weights, l, rows, whole));
}

template <bool WHOLE_ROWS>
INLINE void sum_columns(const SRC_T* taps, i64 pitch, int l, const Anchors& at, const ACC_T (*weights)[LANES],
                        ACC_T* sums)
{
    const bool whole = WHOLE_ROWS && at.row_fraction[l] == 0.0;
    sum_some_columns<TAPS < 4 ? TAPS : 4>(taps, pitch, l, whole, weights, sums);
    if (TAPS >= 8) sum_some_columns<4>(taps + 4, pitch, l, whole, weights, sums + 4);
    if (TAPS >= 12) sum_some_columns<4>(taps + 8, pitch, l, whole, weights, sums + 8);
    if (TAPS % 4 == 2 && TAPS > 2)
        sum_some_columns<2>(taps + TAPS - 2, pitch, l, whole, weights, sums + TAPS - 2);
}

INLINE i64 clamp(i64 i, i64 last) { return i < 0 ? 0 : i < last ? i : last; }

// A tap's place on an axis: in a frame, and beyond it, where it has no weight, that of any pixel.
INLINE i64 tap_place(i64 i, const Axis& axis)
{
    return axis.frame ? place_of(clamp(i + axis.frame, axis.n - 1 + 2 * axis.frame) - axis.frame, axis.n, axis.mode)
                      : clamp(i, axis.n - 1);
}

// Near an edge.
INLINE void gather_taps(const SRC_T* pixels, i64 pitch, const Extent& window, int l, const Anchors& at, SRC_T* taps)
{
    for (int j = 0; j < TAPS; ++j) {
        const i64 c = tap_place(at.col[l] + FIRST_TAP + j, window.col);
        for (int k = 0; k < TAPS; ++k) {
            const i64 r = tap_place(at.row[l] + FIRST_TAP + k, window.row);
            taps[k * TAPS + j] = r < 0 || c < 0 ? (SRC_T)0 : pixels[r * pitch + c];
        }
    }
}

// sum_columns for every lane, on the shortest way that the segment allows.
INLINE void sum_segment(const SRC_T* pixels, i64 pitch, const Extent& window, bool interior, int n, const Anchors& at,
                        const ACC_T (*weights)[LANES], ACC_T (*sums)[TAPS])
{
    LANE_ARRAY i64 offset[LANES];
    i32 sloped = 1;
    LANE_LOOP_ALL(l, 0, n, sloped) {
        offset[l] = (at.row[l] + FIRST_TAP) * pitch + at.col[l] + FIRST_TAP;
        sloped &= at.row_fraction[l] != 0.0 ? 1 : 0;
    }
    if (!interior) {
        SCALAR_LOOP(l, n) {
            SRC_T taps[TAPS * TAPS];
            gather_taps(pixels, pitch, window, l, at, taps);
            sum_columns<true>(taps, TAPS, l, at, weights, sums[l]);
        }
    } else if (sloped && TAPS <= 4) {  // of more taps the compiler has enough to do with one kind
        SCALAR_LOOP(l, n) sum_columns<false>(pixels + offset[l], pitch, l, at, weights, sums[l]);
    } else {
        SCALAR_LOOP(l, n) sum_columns<true>(pixels + offset[l], pitch, l, at, weights, sums[l]);
    }
}

KERNEL(resample, i64 rows, i64 cols,
       const SRC_T* __restrict__ source, i64 bands, i64 source_rows, i64 source_cols, i64 pitch, i64 plane,
       i64 origin_row, i64 origin_col, i64 row_frame, i64 col_frame, i64 row_mode, i64 col_mode,
       i64 row_period, i64 col_period, const u8* __restrict__ footprint,
       const f64* __restrict__ grid_row, const f64* __restrict__ grid_col, const u8* __restrict__ grid_mask,
       f64 grid_nodata, i64 grid_rows, i64 grid_cols, i64 grid_pitch, i64 mask_pitch, i64 row_step, i64 col_step,
       i64 first_row, i64 first_col,
       OUT_T* __restrict__ image, i64 image_pitch, i64 image_plane, f64 nodata,
       u8* __restrict__ validity, i64 validity_pitch, i64 outside)
{
    const Grid grid = {grid_row,  grid_col,   grid_mask,  grid_nodata, grid_rows,
                       grid_cols, grid_pitch, mask_pitch, row_step,    col_step};
    const Extent window = {{source_rows, origin_row, row_frame, row_mode, row_period},
                           {source_cols, origin_col, col_frame, col_mode, col_period}};
    FOR_TILED_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Anchors at;
        source_coordinates(grid, first_row + y, first_col + x, n, at.row_fraction, at.col_fraction);
        anchor(window, n, at);
        LANE_ARRAY u8 elsewhere[LANES];
        LANE_LOOP(l, 0, n) {
            const bool below = at.row[l] + (at.row_fraction[l] > 0.0 ? 1 : 0) >= (i32)(source_rows + row_frame);
            const bool beyond = at.col[l] + (at.col_fraction[l] > 0.0 ? 1 : 0) >= (i32)(source_cols + col_frame);
            elsewhere[l] = !at.valid[l] | below | beyond ? (u8)outside : 0;
        }
        const bool interior = check_taps(window, n, !footprint, at);
        if (footprint) check_footprints(footprint, window, n, at);
        const bool none = none_valid(n, at);

        LANE_ARRAY ACC_T row_weights[TAPS][LANES], col_weights[TAPS][LANES];
        LANE_LOOP(l, 0, n) tap_weights(at.row_fraction[l], row_weights, l);
        LANE_LOOP(l, 0, n) tap_weights(at.col_fraction[l], col_weights, l);
        i32 all_numbers = 1;
        for (i64 band = 0; band < bands; ++band) {
            OUT_T* out = image + band * image_plane + y * image_pitch + x;
            prefetch_right_to_write(out);
            if (none) {
                LANE_LOOP(l, 0, n) out[l] = (OUT_T)nodata;
                continue;
            }
            const SRC_T* pixels = source + band * plane;
            prefetch_source(pixels, pitch, footprint, source_cols + 2 * col_frame, (int)y, n, at);
            LANE_ARRAY ACC_T sums[LANES][TAPS];
            sum_segment(pixels, pitch, window, interior, n, at, row_weights, sums);
            LANE_LOOP_ALL(l, 0, n, all_numbers) {
                const ACC_T value = weighted_sum(col_weights, l, sums[l], at.col_fraction[l] == 0.0);
                const i32 valid = value == value ? at.valid[l] : 0;
                all_numbers &= ~(valid ^ at.valid[l]);
                at.valid[l] = valid;
                out[l] = valid ? convert<OUT_T>(value) : (OUT_T)nodata;
            }
        }
        if (!all_numbers)  // a later band made a pixel invalid: the earlier ones follow
            for (i64 band = 0; band < bands; ++band)
                for (int l = 0; l < n; ++l)
                    if (!at.valid[l]) image[band * image_plane + y * image_pitch + x + l] = (OUT_T)nodata;
        if (validity) {
            u8* out = validity + y * validity_pitch + x;
            prefetch_right_to_write(out);
            LANE_LOOP(l, 0, n) out[l] = at.valid[l] ? 1 : elsewhere[l];
        }
    }
}
