// sums: of the source pixels under a segment's taps, down their columns first.
// Needs -D TAPS, SRC_T, ACC_T. See resample.cu.
#include "anchors.cuh"
#include "boundary.cuh"
#include "footprints.cuh"
#include "target.cuh"
#include "weights.cuh"

// Asks for the pixels that the segment to the right will need: one segment's step further on in the source, where no
// hardware foresees a slanted line. Every fourth lane, but another one in each row: a tile misses no line of the cache.
INLINE void prefetch_source(const SRC_T* pixels, Index pitch, const Footprints* footprint, Index cols, int first, int n,
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
INLINE void sum_some_columns(const SRC_T* taps, Index pitch, int l, bool whole, const ACC_T (*weights)[LANES], ACC_T* sums)
{
    Vector<ACC_T, COLUMNS> rows[TAPS];
    UNROLL for (int k = 0; k < TAPS; ++k)
        rows[k] = load_vector<ACC_T, COLUMNS>(taps + k * pitch);
    store_vector(sums, weighted_sum(weights, l, rows, whole));
}

template <bool WHOLE_ROWS>
INLINE void sum_columns(const SRC_T* taps, Index pitch, int l, const Anchors& at, const ACC_T (*weights)[LANES],
                        ACC_T* sums)
{
    const bool whole = WHOLE_ROWS && at.row_fraction[l] == 0.0;
    sum_some_columns<TAPS < 4 ? TAPS : 4>(taps, pitch, l, whole, weights, sums);
    if (TAPS >= 8) sum_some_columns<4>(taps + 4, pitch, l, whole, weights, sums + 4);
    if (TAPS >= 12) sum_some_columns<4>(taps + 8, pitch, l, whole, weights, sums + 8);
    if (TAPS % 4 == 2 && TAPS > 2)
        sum_some_columns<2>(taps + TAPS - 2, pitch, l, whole, weights, sums + TAPS - 2);
}

INLINE Index clamp(Index i, Index last) { return i < 0 ? 0 : i < last ? i : last; }

// A tap's place on an axis: in a frame, and beyond it, where it has no weight, that of any pixel.
INLINE Index tap_place(Index i, const Axis& axis)
{
    return axis.frame ? place_of(clamp(i + axis.frame, axis.n - 1 + 2 * axis.frame) - axis.frame, axis.n, axis.mode)
                      : clamp(i, axis.n - 1);
}

#if LANES == 1
// EVERY_TAP: all taps lie in the window, and have a weight. first: of the band's first pixel, from `pixels`.
template <bool EVERY_TAP>
INLINE void sum_segment(const SRC_T* pixels, Index first, Index pitch, const Extent& window, bool, int,
                        const Anchors& at, const ACC_T (*weights)[LANES], ACC_T (*sums)[TAPS])
{
    ACC_T v[TAPS];
    if constexpr (EVERY_TAP) {
        const SRC_T* rows[TAPS];
        UNROLL for (int k = 0; k < TAPS; ++k)
            rows[k] = pixels + (first + (at.row[0] + FIRST_TAP + k) * pitch + at.col[0]);
        UNROLL for (int j = 0; j < TAPS; ++j) {
            UNROLL for (int k = 0; k < TAPS; ++k) v[k] = (ACC_T)rows[k][FIRST_TAP + j];
            sums[0][j] = weighted_sum(weights, 0, v, false);
        }
        return;
    }
    const bool row_whole = !(between(at, 0) & 2), col_whole = !(between(at, 0) & 1);
    Index rows[TAPS];
    UNROLL for (int k = 0; k < TAPS; ++k) rows[k] = tap_place(at.row[0] + FIRST_TAP + k, window.row);
    UNROLL for (int j = 0; j < TAPS; ++j) {
        sums[0][j] = (ACC_T)0;
        if (col_whole && (j < FIRST_AT_WHOLE || j > LAST_AT_WHOLE)) continue;
        const Index col = tap_place(at.col[0] + FIRST_TAP + j, window.col);
        UNROLL for (int k = 0; k < TAPS; ++k)
            v[k] = (ACC_T)(rows[k] < 0 || col < 0 ? (SRC_T)0 : pixels[first + rows[k] * pitch + col]);
        sums[0][j] = weighted_sum(weights, 0, v, row_whole);
    }
}
#else
// Near an edge.
INLINE void gather_taps(const SRC_T* pixels, Index pitch, const Extent& window, int l, const Anchors& at, SRC_T* taps)
{
    for (int j = 0; j < TAPS; ++j) {
        const Index c = tap_place(at.col[l] + FIRST_TAP + j, window.col);
        for (int k = 0; k < TAPS; ++k) {
            const Index r = tap_place(at.row[l] + FIRST_TAP + k, window.row);
            taps[k * TAPS + j] = r < 0 || c < 0 ? (SRC_T)0 : pixels[r * pitch + c];
        }
    }
}

// sum_columns for every lane. EVERY_TAP: all taps of the segment lie in the window, and no row is a whole number.
template <bool EVERY_TAP>
INLINE void sum_segment(const SRC_T* pixels, Index first, Index pitch, const Extent& window, bool interior, int n,
                        const Anchors& at, const ACC_T (*weights)[LANES], ACC_T (*sums)[TAPS])
{
    pixels += first;
    LANE_ARRAY i64 offset[LANES];
    LANE_LOOP(l, 0, n) offset[l] = (at.row[l] + FIRST_TAP) * pitch + at.col[l] + FIRST_TAP;
    if constexpr (EVERY_TAP) {
        SCALAR_LOOP(l, n) sum_columns<false>(pixels + offset[l], pitch, l, at, weights, sums[l]);
    } else if (interior) {
        SCALAR_LOOP(l, n) sum_columns<true>(pixels + offset[l], pitch, l, at, weights, sums[l]);
    } else {
        SCALAR_LOOP(l, n) {
            SRC_T taps[TAPS * TAPS];
            gather_taps(pixels, pitch, window, l, at, taps);
            sum_columns<true>(taps, TAPS, l, at, weights, sums[l]);
        }
    }
}
#endif

// Whether sum_segment<true> may be called.
INLINE bool has_every_tap(bool interior, int n, const Anchors& at)
{
    if (LANES == 1)
        return (PLAIN_EDGES || interior) && (TAPS == 1 || between(at, 0) == 3);
    if (TAPS == 1 || TAPS > 4) return false;  // of more taps the compiler has enough to do with one kind
    i32 sloped = 1;
    LANE_LOOP_ALL(l, 0, n, sloped) sloped &= between(at, l) >> 1;
    return interior && sloped;
}
