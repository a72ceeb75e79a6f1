// resample: every band of a source image, in the geometry that a grid gives, with its validity.
// SRC_T, OUT_T: types of the source and of the image. ACC_T: f64 or f32, for weights and sums. TAPS: see weights.cuh.
// source: bands x source_rows x source_cols. See parameters.cuh. Around it `frame` pixels of each axis are what
// place_of(mode) says.
// footprint: from footprint.cu with the same TAPS, of the window and its frame, or null if all is valid.
// -D BY_BAND: each band is valid by itself, and validity has as many planes as the image. Footprint has a plane for each
// eight bands, or, where footprint_plane is 0, one that is every band's. Otherwise bands are valid together.
// outside: what validity is where a coordinate lies outside the source, or there is none.
// -D SHARE: shares of the valid pixels go to `shares`. See shares.cuh. valid: as for footprint.cu, by band if BY_BAND, or for
// all bands where valid_plane is 0. Here NaN is not valid.
// A sum that is not a number (a NaN among its taps, or inf - inf) makes the pixel invalid, in every band that is valid
// together with it.
// Twin: twins.py:resample.
#if TAPS == 1
#define BLOCKS 6
#else  // fewer where 64 registers are not enough
#define BLOCKS (4 - (TAPS > 4) - ((TAPS > 4 || BY_BAND) && sizeof(ACC_T) == 8))
#endif
#include "anchors.cuh"
#include "convert.cuh"
#include "coords.cuh"
#include "footprints.cuh"
#include "parameters.cuh"
#include "sums.cuh"
#include "target.cuh"
#include "weights.cuh"

#ifndef SHARE
#define SHARE 0
#endif
#if SHARE
#include "shares.cuh"
#endif
#ifndef HAS_FOOTPRINT
#define HAS_FOOTPRINT (footprint != nullptr)
#endif

// The source's window, from its first pixel on, and what surrounds it.
struct Pixels {
    const SRC_T* first;
    Index bands, pitch, plane;
    Extent window;
};

// A segment of the output. validity: by band if BY_BAND.
struct Out {
    OUT_T* image;
    Index first, plane;  // the segment's first pixel, and from band to band
    OUT_T nodata;
    u8* validity;
    Index validity_first, validity_plane;
};

// Writes what is valid. `elsewhere` has what the others are.
INLINE void say_valid(const Out& out, Index band, const u8* elsewhere, int n, const i32* valid)
{
    u8* validity = out.validity + (out.validity_first + (BY_BAND ? band * out.validity_plane : 0));
    prefetch_right_to_write(validity);
    LANE_LOOP(l, 0, n) validity[l] = valid[l] ? 1 : elsewhere[l];
}

// What the validity is where a pixel is not valid.
INLINE void find_elsewhere(const Extent& window, u8 outside, int n, const Anchors& at, u8* elsewhere)
{
    const i32 rows = (i32)(window.row.n + window.row.frame), cols = (i32)(window.col.n + window.col.frame);
    LANE_LOOP(l, 0, n) {
        const bool below = at.row[l] >= rows - (between(at, l) >> 1);
        const bool beyond = at.col[l] >= cols - (between(at, l) & 1);  // a place saturates
        elsewhere[l] = !at.inside[l] | below | beyond ? outside : 0;
    }
}

// One band of a segment, of which `first` is the first pixel from the source's. Where a sum is no number its pixel is not
// valid. Returns whether all were numbers.
template <bool EVERY_TAP>
INLINE i32 interpolate(const Pixels& source, Index first, bool interior, int n, const Anchors& at,
                       const ACC_T (*row_weights)[LANES], const ACC_T (*col_weights)[LANES], OUT_T* image, OUT_T nodata,
                       i32* valid)
{
    LANE_ARRAY ACC_T sums[LANES][TAPS];
    sum_segment<EVERY_TAP>(source.first, first, source.pitch, source.window, interior, n, at, row_weights, sums);
    i32 all_numbers = 1;
    LANE_LOOP_ALL(l, 0, n, all_numbers) {
        const bool whole = (LANES > 1 || !EVERY_TAP) && !(between(at, l) & 1);
        const ACC_T value = weighted_sum(col_weights, l, sums[l], whole);
        const i32 still = !Kind<SRC_T>::is_float || value == value ? valid[l] : 0;
        all_numbers &= ~(still ^ valid[l]);
        valid[l] = still;
        image[l] = still ? convert<OUT_T>(value) : nodata;
    }
    return all_numbers;
}

// All bands of a segment. Of bands that are valid together, returns whether all sums were numbers.
template <bool EVERY_TAP>
INLINE bool interpolate_bands(const Pixels& source, bool interior, const Footprints* footprint, Index footprint_plane,
                              Lookup& taps, const u8* elsewhere, int y, int n, Anchors& at, const Out& out)
{
    const bool differ = BY_BAND && HAS_FOOTPRINT && footprint_plane;
    const Axis& col_axis = source.window.col;
    LANE_ARRAY ACC_T row_weights[TAPS][LANES], col_weights[TAPS][LANES];
    LANE_LOOP(l, 0, n) tap_weights(at.row_fraction[l], row_weights, l);
    LANE_LOOP(l, 0, n) tap_weights(at.col_fraction[l], col_weights, l);
    if (LANES == 1) at.valid[0] = 1;  // as it is
    i32 all_numbers = 1;
    // A band's first pixel in the source, and of the image: whole, or with few registers to spare less the first band's.
    const bool rest = TAPS > 2;
    Index first = 0, image_first = rest ? 0 : out.first;
    ROLLED for (Index band = 0;;) {
        LANE_ARRAY i32 own[LANES];  // what is valid in this band alone
        i32* valid = BY_BAND ? own : at.valid;
        const Footprints* words = differ ? footprint + band / BANDS_A_WORD * footprint_plane : footprint;
        if (differ && band && band % BANDS_A_WORD == 0) look_up(words, n, taps);
        if (differ)
            check_footprints(taps, (int)(band % BANDS_A_WORD), n, at, at.valid, own);
        else if (BY_BAND)
            LANE_LOOP(l, 0, n) own[l] = at.valid[l];
        OUT_T* image = out.image + (rest ? out.first + image_first : image_first);
        prefetch_right_to_write(image);
        if (differ && none_valid(n, own)) {
            LANE_LOOP(l, 0, n) image[l] = out.nodata;
        } else {
            prefetch_source(source.first + first, source.pitch, words, col_axis.n + 2 * col_axis.frame, y, n, at);
            all_numbers &= interpolate<EVERY_TAP>(source, first, interior, n, at, row_weights, col_weights, image,
                                                  out.nodata, valid);
        }
        if (BY_BAND) say_valid(out, band, elsewhere, n, own);
        if (++band >= source.bands) return BY_BAND || all_numbers;
        first += source.plane;
        image_first += out.plane;
    }
}

#if SHARE
#define SAY_SHARES                                                                                                   \
    ROLLED for (Index plane = 0; plane < (BY_BAND ? bands : 1); ++plane)                                             \
        say_shares(pixels.window, valid ? valid + plane * valid_plane : valid, valid_pitch, interior, n, at,         \
                   out.validity + (out.validity_first + plane * out.validity_plane),                                 \
                   shares + (y * shares_pitch + x + plane * shares_plane))
#else
#define SAY_SHARES (void)0
#endif

KERNEL(resample, Size rows, Size cols,
       SOURCE_PARAMETERS, Size row_frame, Size col_frame, Size row_mode, Size col_mode,
       const Footprints* __restrict__ footprint, Size footprint_plane, GRID_PARAMETERS, TARGET_PARAMETERS,
       Carried<OUT_T> nodata, Size outside, SHARES_PARAMETERS)
{
    const Grid grid = GRID_OF_PARAMETERS;
    Pixels pixels = {source, bands, pitch, plane, {{source_rows, origin_row, 0, row_mode, 0},
                                                   {source_cols, origin_col, 0, col_mode, 0}}};
    if (!PLAIN_EDGES) {
        pixels.window.row.frame = row_frame;
        pixels.window.col.frame = col_frame;
        pixels.window.row.period = row_period;
        pixels.window.col.period = col_period;
    }
    FOR_TILED_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        const Out out = {image,    y * image_pitch + x,    image_plane,   uncarried<OUT_T>(nodata),
                         validity, y * validity_pitch + x, validity_plane};
        Anchors at;
        LANE_ARRAY Coordinate row[LANES], col[LANES];
        source_coordinates(grid, first_row + y, first_col + x, n, row, col);
        anchor(pixels.window, row, col, n, at);
        const bool interior = check_taps(pixels.window, n, !HAS_FOOTPRINT, at);
        bool none = none_valid(n, at.valid);
        Lookup taps;
        if (HAS_FOOTPRINT && !none) {
            find_footprints(pixels.window, n, at, taps);
            look_up(footprint, n, taps);
            if (!(BY_BAND && footprint_plane)) check_footprints(taps, 0, n, at, at.valid, at.valid);
            none = none_valid(n, at.valid);
        }
        LANE_ARRAY u8 elsewhere[LANES] = {};  // 0 for a pixel whose taps are there
        if (LANES > 1 || BY_BAND || none) find_elsewhere(pixels.window, (u8)outside, n, at, elsewhere);
        if (!none) {
            const bool all_numbers = has_every_tap(interior, n, at)
                ? interpolate_bands<true>(pixels, interior, footprint, footprint_plane, taps, elsewhere, (int)y, n, at,
                                          out)
                : interpolate_bands<false>(pixels, interior, footprint, footprint_plane, taps, elsewhere, (int)y, n, at,
                                           out);
            if (all_numbers) {
                if (!BY_BAND) say_valid(out, 0, elsewhere, n, at.valid);
                SAY_SHARES;
                continue;
            }
        }
        ROLLED for (Index band = 0; band < bands; ++band) {  // a later band made a pixel invalid: the earlier ones follow
            OUT_T* left = out.image + (out.first + band * out.plane);
            LANE_LOOP(l, 0, n) left[l] = LANES > 1 && !none && at.valid[l] ? left[l] : out.nodata;
            if (BY_BAND) say_valid(out, band, elsewhere, n, at.valid);
        }
        if (!BY_BAND) say_valid(out, 0, elsewhere, n, at.valid);
        SAY_SHARES;
    }
}
