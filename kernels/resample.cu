// resample: every band of a source image, in the geometry that a grid gives, with its validity.
// SRC_T, OUT_T: types of the source and of the image; ACC_T: f64 or f32, for weights and sums; TAPS: see weights.cuh.
// source: bands x source_rows x source_cols, a window of the whole image that begins at (origin_row, origin_col). Around
// it `frame` pixels of each axis are what place_of(mode) says. The whole image begins anew every `period` pixels, if any.
// footprint: from footprint.cu with the same TAPS, of the window and its frame; null: all is valid. validity: may be null.
// -D BY_BAND: each band is valid by itself, and validity has as many planes as the image; footprint has a plane for each
// eight bands, or, where footprint_plane is 0, one that is every band's. Otherwise bands are valid together.
// outside: what validity is where a coordinate lies outside the source, or there is none.
// A sum that is not a number (a NaN among its taps, or inf - inf) makes the pixel invalid, in every band that is valid
// together with it.
// Twin: reference.py:resample.
#include "target.cuh"
#include "weights.cuh"
#include "footprints.cuh"
#include "coords.cuh"
#include "boundary.cuh"
#include "anchors.cuh"
#include "convert.cuh"
#include "sums.cuh"

// Writes what is valid; elsewhere: what the others are.
INLINE void say_valid(u8* __restrict__ out, const u8* elsewhere, int n, const i32* valid)
{
    prefetch_right_to_write(out);
    LANE_LOOP(l, 0, n) out[l] = valid[l] ? 1 : elsewhere[l];
}

KERNEL(resample, i64 rows, i64 cols,
       const SRC_T* __restrict__ source, i64 bands, i64 source_rows, i64 source_cols, i64 pitch, i64 plane,
       i64 origin_row, i64 origin_col, i64 row_frame, i64 col_frame, i64 row_mode, i64 col_mode,
       i64 row_period, i64 col_period, const Footprints* __restrict__ footprint, i64 footprint_plane,
       const f64* __restrict__ grid_row, const f64* __restrict__ grid_col, const u8* __restrict__ grid_mask,
       f64 grid_nodata, i64 grid_rows, i64 grid_cols, i64 grid_pitch, i64 mask_pitch, i64 row_step, i64 col_step,
       i64 first_row, i64 first_col,
       OUT_T* __restrict__ image, i64 image_pitch, i64 image_plane, Carried<OUT_T> nodata,
       u8* __restrict__ validity, i64 validity_pitch, i64 validity_plane, i64 outside)
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
        const bool differ = BY_BAND && footprint && footprint_plane;
        Lookup taps;
        if (footprint) {
            find_footprints(window, n, at, taps);
            look_up(footprint, n, taps);
            if (!differ) check_footprints(taps, 0, n, at, at.valid, at.valid);
        }
        const bool none = none_valid(n, at.valid);

        LANE_ARRAY ACC_T row_weights[TAPS][LANES], col_weights[TAPS][LANES];
        LANE_LOOP(l, 0, n) tap_weights(at.row_fraction[l], row_weights, l);
        LANE_LOOP(l, 0, n) tap_weights(at.col_fraction[l], col_weights, l);
        i32 all_numbers = 1;
        for (i64 band = 0; band < bands; ++band) {
            OUT_T* out = image + band * image_plane + y * image_pitch + x;
            u8* said = BY_BAND && validity ? validity + band * validity_plane + y * validity_pitch + x : nullptr;
            LANE_ARRAY i32 own[LANES];  // what is valid in this band alone
            i32* valid = BY_BAND ? own : at.valid;
            const Footprints* words = differ ? footprint + band / BANDS_A_WORD * footprint_plane : footprint;
            if (differ && band && band % BANDS_A_WORD == 0) look_up(words, n, taps);
            if (differ)
                check_footprints(taps, (int)(band % BANDS_A_WORD), n, at, at.valid, own);
            else if (BY_BAND)
                LANE_LOOP(l, 0, n) own[l] = at.valid[l];
            prefetch_right_to_write(out);
            if (none || (differ && none_valid(n, own))) {
                LANE_LOOP(l, 0, n) out[l] = (OUT_T)nodata;
                if (said) say_valid(said, elsewhere, n, valid);
                continue;
            }
            const SRC_T* pixels = source + band * plane;
            prefetch_source(pixels, pitch, words, source_cols + 2 * col_frame, (int)y, n, at);
            LANE_ARRAY ACC_T sums[LANES][TAPS];
            sum_segment(pixels, pitch, window, interior, n, at, row_weights, sums);
            LANE_LOOP_ALL(l, 0, n, all_numbers) {
                const ACC_T value = weighted_sum(col_weights, l, sums[l], at.col_fraction[l] == 0.0);
                const i32 still = value == value ? valid[l] : 0;
                all_numbers &= ~(still ^ valid[l]);
                valid[l] = still;
                out[l] = still ? convert<OUT_T>(value) : (OUT_T)nodata;
            }
            if (said) say_valid(said, elsewhere, n, valid);
        }
        if (BY_BAND) continue;
        if (!all_numbers)  // a later band made a pixel invalid: the earlier ones follow
            for (i64 band = 0; band < bands; ++band)
                for (int l = 0; l < n; ++l)
                    if (!at.valid[l]) image[band * image_plane + y * image_pitch + x + l] = (OUT_T)nodata;
        if (validity) say_valid(validity + y * validity_pitch + x, elsewhere, n, at.valid);
    }
}
