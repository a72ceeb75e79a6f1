// resample: every band of a source image, in the geometry that a grid gives, with its validity.
// SRC_T, OUT_T: types of the source and of the image; ACC_T: f64 or f32, for weights and sums; TAPS: see weights.cuh.
// source: bands x source_rows x source_cols, a window of the whole image that begins at (origin_row, origin_col).
// footprint: from footprint.cu with the same TAPS, or null: every source pixel is valid. validity: may be null.
// A sum that is not a number (a NaN among its taps, or inf - inf) makes the pixel invalid in every band.
// Twin: reference.py:resample.
#include "target.cuh"
#include "weights.cuh"
#include "coords.cuh"
#include "convert.cuh"

// Where a segment's pixels fall in the source window: anchor pixel, fraction beyond it, and whether anything is there.
struct Anchors {
    LANE_ARRAY f64 row_fraction[LANES], col_fraction[LANES];
    LANE_ARRAY i32 row[LANES], col[LANES];
    LANE_ARRAY i32 valid[LANES];
};

struct Extent {
    i64 rows, cols, origin_row, origin_col;
};

// Fills in everything but what the footprint knows. Returns 1 where all taps of the whole segment lie in the window.
INLINE int anchor(const Extent& window, int n, bool taps_must_exist, Anchors& at)
{
    const f64 rows = (f64)window.rows, cols = (f64)window.cols;
    // A place where all taps exist, if there is one, for the pixels that fall outside.
    const i32 safe = window.rows >= TAPS && window.cols >= TAPS ? ANCHOR_TAP : 0;
    int interior = 1;
    LANE_LOOP_ALL(l, 0, n, interior) {
        const f64 row = floor(at.row_fraction[l] + ANCHOR_SHIFT), col = floor(at.col_fraction[l] + ANCHOR_SHIFT);
        const f64 row_fraction = TAPS == 1 ? 0.0 : at.row_fraction[l] - row;
        const f64 col_fraction = TAPS == 1 ? 0.0 : at.col_fraction[l] - col;
        const f64 r = row - (f64)window.origin_row, c = col - (f64)window.origin_col;
        const bool inside = (r >= 0.0) & (c >= 0.0) & (r < rows) & (c < cols);  // false for NaN
        const bool row_taps = (r + FIRST_TAP >= 0.0) & (r + LAST_TAP < rows);
        const bool col_taps = (c + FIRST_TAP >= 0.0) & (c + LAST_TAP < cols);
        const bool taps_exist = (row_taps | (row_fraction == 0.0)) & (col_taps | (col_fraction == 0.0));
        at.row[l] = inside ? (i32)r : safe;
        at.col[l] = inside ? (i32)c : safe;
        at.row_fraction[l] = inside ? row_fraction : 0.0;
        at.col_fraction[l] = inside ? col_fraction : 0.0;
        at.valid[l] = inside & (taps_exist | !taps_must_exist);
        interior &= (row_taps & col_taps) | (!inside & (safe == ANCHOR_TAP));
    }
    return interior;
}

// Looks up, in one byte, whether every source pixel with a weight is valid. Returns 1 where no lane is valid.
INLINE int check_footprints(const u8* __restrict__ footprint, i64 pitch, int n, Anchors& at)
{
    int none = 1;
    if (footprint) {
        LANE_ARRAY i32 bits[LANES];
        SCALAR_LOOP(l, n) bits[l] = footprint[at.row[l] * pitch + at.col[l]];
        LANE_LOOP(l, 0, n) {
            const int bit = (at.row_fraction[l] != 0.0 ? 2 : 0) + (at.col_fraction[l] != 0.0 ? 1 : 0);
            at.valid[l] &= bits[l] >> bit & 1;
        }
    }
    LANE_LOOP_ALL(l, 0, n, none) none &= !at.valid[l];
    return none;
}

// The segment to the right needs pixels one segment's step further on. They are asked for now, since no hardware foresees
// a slanted line; one row above and one below are enough, the rows of a tile ask for the others.
INLINE void prefetch_source(const SRC_T* pixels, i64 pitch, const u8* footprint, i64 cols, i64 step_rows, i64 step_cols,
                            int n, const Anchors& at)
{
    if (LANES == 1) return;
    for (int l = 0; l < n; l += 4) {
        const i64 r = at.row[l] + step_rows, c = at.col[l] + step_cols;
        PREFETCH(address_of(pixels, (r + FIRST_TAP) * pitch + c));
        PREFETCH(address_of(pixels, (r + LAST_TAP) * pitch + c));
        if (footprint) PREFETCH(address_of(footprint, r * cols + c));
    }
}

// Sums along the columns of TAPS x TAPS pixels, of which `taps` is the first: one value for each tap along the row.
// A whole-number row has one tap, whatever lies above and below.
INLINE void sum_columns(const SRC_T* taps, i64 pitch, int l, const Anchors& at, const ACC_T (*weights)[LANES], ACC_T* sums)
{
    Vector<ACC_T, TAPS> rows[TAPS];
    for (int k = 0; k < TAPS; ++k)
        rows[k] = load_vector<ACC_T, TAPS>(taps + k * pitch);
    store_vector(sums, at.row_fraction[l] == 0.0 ? rows[ANCHOR_TAP] : weighted_sum(weights, l, rows));
}

INLINE i64 clamp(i64 i, i64 last) { return i < 0 ? 0 : i < last ? i : last; }

// Near an edge: taps beyond it have no weight, so any pixel stands in for them.
INLINE void gather_taps(const SRC_T* source, i64 pitch, const Extent& window, int l, const Anchors& at, SRC_T* taps)
{
    for (int k = 0; k < TAPS; ++k)
        for (int j = 0; j < TAPS; ++j) {
            const i64 r = clamp(at.row[l] + FIRST_TAP + k, window.rows - 1);
            const i64 c = clamp(at.col[l] + FIRST_TAP + j, window.cols - 1);
            taps[k * TAPS + j] = source[r * pitch + c];
        }
}

KERNEL(resample, i64 rows, i64 cols,
       const SRC_T* __restrict__ source, i64 bands, i64 source_rows, i64 source_cols, i64 pitch, i64 plane,
       i64 origin_row, i64 origin_col, const u8* __restrict__ footprint,
       const f64* __restrict__ grid_row, const f64* __restrict__ grid_col, const u8* __restrict__ grid_mask,
       f64 grid_nodata, i64 grid_rows, i64 grid_cols, i64 grid_pitch, i64 mask_pitch, i64 row_step, i64 col_step, i64 first_row, i64 first_col,
       OUT_T* __restrict__ image, i64 image_pitch, i64 image_plane, f64 nodata,
       u8* __restrict__ validity, i64 validity_pitch)
{
    const Grid grid = {grid_row, grid_col, grid_mask, grid_nodata, grid_rows, grid_cols, grid_pitch, mask_pitch, row_step, col_step};
    const Extent window = {source_rows, source_cols, origin_row, origin_col};
    FOR_TILED_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Anchors at;
        source_coordinates(grid, first_row + y, first_col + x, n, at.row_fraction, at.col_fraction);
        const int interior = anchor(window, n, !footprint, at);
        const int none = check_footprints(footprint, source_cols, n, at);

        LANE_ARRAY ACC_T row_weights[TAPS][LANES], col_weights[TAPS][LANES];
        LANE_LOOP(l, 0, n) tap_weights((ACC_T)at.row_fraction[l], row_weights, l);
        LANE_LOOP(l, 0, n) tap_weights((ACC_T)at.col_fraction[l], col_weights, l);
        int finite = 1;
        for (i64 band = 0; band < bands; ++band) {
            OUT_T* out = image + band * image_plane + y * image_pitch + x;
            prefetch_right_to_write(out);
            if (none) {
                LANE_LOOP(l, 0, n) out[l] = (OUT_T)nodata;
                continue;
            }
            LANE_ARRAY ACC_T sums[LANES][TAPS];
            const SRC_T* pixels = source + band * plane;
            prefetch_source(pixels, pitch, footprint, source_cols, at.row[n - 1] - at.row[0], at.col[n - 1] - at.col[0], n, at);
            SCALAR_LOOP(l, n) {
                SRC_T taps[TAPS * TAPS];
                if (interior) {
                    const i64 first = (at.row[l] + FIRST_TAP) * pitch + at.col[l] + FIRST_TAP;
                    sum_columns(pixels + first, pitch, l, at, row_weights, sums[l]);
                } else {
                    gather_taps(pixels, pitch, window, l, at, taps);
                    sum_columns(taps, TAPS, l, at, row_weights, sums[l]);
                }
            }
            LANE_LOOP_ALL(l, 0, n, finite) {
                const ACC_T sum = weighted_sum(col_weights, l, sums[l]);
                const ACC_T value = at.col_fraction[l] == 0.0 ? sums[l][ANCHOR_TAP] : sum;
                const bool number = value == value;
                finite &= number | !at.valid[l];
                at.valid[l] &= number;
                out[l] = at.valid[l] ? convert<OUT_T>(value) : (OUT_T)nodata;
            }
        }
        if (!finite)  // a later band made a pixel invalid: the earlier ones follow
            for (i64 band = 0; band < bands; ++band)
                for (int l = 0; l < n; ++l)
                    if (!at.valid[l]) image[band * image_plane + y * image_pitch + x + l] = (OUT_T)nodata;
        if (validity) {
            u8* out = validity + y * validity_pitch + x;
            prefetch_right_to_write(out);
            LANE_LOOP(l, 0, n) out[l] = (u8)at.valid[l];
        }
    }
}
