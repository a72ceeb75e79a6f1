// shares: of the weights of an output pixel's taps, by their sizes, the part that valid pixels have.
// Needs -D ACC_T, TAPS.
#include "anchors.cuh"
#include "target.cuh"
#include "weights.cuh"

// Of a pixel that lacks something: less than 1, whatever the division says.
INLINE f32 share_of(ACC_T valid, ACC_T all)
{
    const f32 share = (f32)(valid / all);
    return share < 1.0f ? share : 0.99999994f;  // 1 - 2^-24
}

#if TAPS > 1
// Which pixels of a window and of the frame around it are valid. valid: non-zero where they are, or null if all are.
struct ValidPixels {
    Extent window;
    const u8* valid;
    Index pitch;
};

// A byte for each tap along a row, 0 where its pixel is not valid.
#if TAPS > 4
typedef u64 Row;
#else
typedef u32 Row;
#endif

// Of a place that may lie beyond the window.
INLINE Row row_near_edge(const ValidPixels& pixels, i32 row, i32 col)
{
    const Axis &rows = pixels.window.row, &cols = pixels.window.col;
    const Index r = row + rows.frame, c = col + cols.frame;
    Row found = 0;
    if (r < 0 || r >= rows.n + 2 * rows.frame) return found;
    for (int j = 0; j < TAPS; ++j)
        if (c + j >= 0 && c + j < cols.n + 2 * cols.frame)
            found |= (Row)(pixels.valid ? pixels.valid[r * pixels.pitch + c + j] : 1) << 8 * j;
    return found;
}

// Returns whether any tap of some lanes is valid. interior: all of them lie in the window.
INLINE bool find_rows(const ValidPixels& pixels, bool interior, int count, const i32* lanes, const Anchors& at,
                      Row (*rows)[LANES])
{
    const Axis &row_axis = pixels.window.row, &col_axis = pixels.window.col;
    if (interior && pixels.valid) {
        const Index first = (row_axis.frame + FIRST_TAP) * pixels.pitch + col_axis.frame + FIRST_TAP;
        SCALAR_LOOP(i, count) {
            const u8* taps = pixels.valid + (first + at.row[lanes[i]] * pixels.pitch + at.col[lanes[i]]);
            UNROLL for (int k = 0; k < TAPS; ++k) rows[k][i] = load_bytes<Row, TAPS>(taps + k * pixels.pitch);
        }
    } else {
        for (int i = 0; i < count; ++i)
            for (int k = 0; k < TAPS; ++k)
                rows[k][i] = row_near_edge(pixels, at.row[lanes[i]] + FIRST_TAP + k, at.col[lanes[i]] + FIRST_TAP);
    }
    i32 none = 1;
    LANE_LOOP_ALL(i, 0, count, none) {
        Row any = 0;
        UNROLL for (int k = 0; k < TAPS; ++k) any |= rows[k][i];
        none &= any ? 0 : 1;
    }
    return !none;
}

// The sizes of the weights of some lanes. At a whole number just the anchor has one.
INLINE void find_sizes(const Fraction* fractions, int count, const i32* lanes, ACC_T (*sizes)[LANES])
{
    LANE_ARRAY Fraction some[LANES];
    SCALAR_LOOP(i, count) some[i] = fractions[lanes[i]];
    LANE_LOOP(i, 0, count) tap_weights(some[i], sizes, i);
    LANE_LOOP(i, 0, count) {
        UNROLL for (int k = 0; k < TAPS; ++k)
            sizes[k][i] = some[i] != 0 ? (ACC_T)fabs(sizes[k][i]) : (ACC_T)(k == ANCHOR_TAP ? 1 : 0);
    }
}

// Fills in the shares of pixels that `done` has as 0: something is missing.
INLINE void find_shares(const ValidPixels& pixels, bool interior, int n, const Anchors& at, const u8* done, f32* shares)
{
    LANE_ARRAY i32 lanes[LANES];  // those to compute
    int count = 0;
    for (int l = 0; l < n; ++l) {
        lanes[count] = l;
        count += done[l] ? 0 : 1;
    }
    LANE_ARRAY Row rows[TAPS][LANES];
    if (!find_rows(pixels, interior, count, lanes, at, rows)) return;
    LANE_ARRAY ACC_T down[TAPS][LANES], across[TAPS][LANES];
    find_sizes(at.row_fraction, count, lanes, down);
    find_sizes(at.col_fraction, count, lanes, across);
    LANE_ARRAY f32 found[LANES];
    LANE_LOOP(i, 0, count) {
        ACC_T all_down = (ACC_T)0, all_across = (ACC_T)0, valid = (ACC_T)0;
        UNROLL for (int k = 0; k < TAPS; ++k) {
            UNROLL for (int j = 0; j < TAPS; ++j)
                valid += rows[k][i] >> 8 * j & 255 ? down[k][i] * across[j][i] : (ACC_T)0;
            all_down += down[k][i];
            all_across += across[k][i];
        }
        found[i] = share_of(valid, all_down * all_across);
    }
    SCALAR_LOOP(i, count) shares[lanes[i]] = found[i];
}

#endif

// Writes a whole segment of ones past the caches, as it is not read again.
INLINE void stream_ones(f32* shares)
{
    LANE_ARRAY f32 ones[LANES];
    LANE_LOOP(l, 0, LANES) ones[l] = 1.0f;
    for (int part = 0; part < (int)sizeof(f32); ++part)
        stream_segment((u8*)shares + part * LANES, (const u8*)ones + part * LANES);
}

// The shares of a segment. They are 1 where `done`, its validity, is 1, and 0 where that is neither 1 nor 0.
INLINE void say_shares(const Extent& window, const u8* valid, Index pitch, bool interior, int n, const Anchors& at,
                       const u8* done, f32* shares)
{
    i32 ones = 1, known = 1;
    LANE_LOOP_ALL(l, 0, n, ones) ones &= done[l] == 1 ? 1 : 0;
    if (LANES > 1 && ones && n == LANES) {
        stream_ones(shares);
        return;
    }
    LANE_LOOP(l, 0, n) shares[l] = done[l] == 1 ? 1.0f : 0.0f;
    LANE_LOOP_ALL(l, 0, n, known) known &= done[l] ? 1 : 0;
#if TAPS > 1
    if (known) return;
    find_shares({window, valid, pitch}, interior, n, at, done, shares);
#endif
}
