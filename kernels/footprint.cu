// footprint: one word per source pixel, saying which interpolation footprints anchored there are wholly valid.
// valid: non-zero is valid, bands x rows x cols (pitch between rows, plane between bands). footprint: see footprints.cuh;
// as many bands as a word has, or fewer. -D TAPS, SPLINE, BY_BAND. Twin: twins.py:footprint.
#include "footprints.cuh"
#include "target.cuh"
#include "weights.cuh"

#if LANES == 1
// Of a row's taps about a column: bit 0 says that those are valid which count at a whole number, bit 1 that all are.
INLINE u32 row_bits(const u8* taps)
{
    bool whole = true, all = true;
    UNROLL for (int j = 0; j < TAPS; ++j) {
        const bool is_valid = taps[j] != 0;
        all &= is_valid;
        if (j >= FIRST_AT_WHOLE && j <= LAST_AT_WHOLE) whole &= is_valid;
    }
    return all ? 3 : whole ? 1 : 0;
}

// One band's bits of a strip whose taps all exist. The first of them is at `first`. Pixels share what rows they both need.
INLINE void strip_bits(const u8* first, Index pitch, u32* bits)
{
    u32 rows[STRIP + TAPS - 1];
    UNROLL for (int k = 0; k < STRIP + TAPS - 1; ++k, first += pitch) rows[k] = row_bits(first);
    UNROLL for (int l = 0; l < STRIP; ++l) {
        u32 whole = 3, all = 3;
        UNROLL for (int k = 0; k < TAPS; ++k) {
            all &= rows[l + k];
            if (k >= FIRST_AT_WHOLE && k <= LAST_AT_WHOLE) whole &= rows[l + k];
        }
        bits[l] = whole | all << 2;
    }
}

// One band's bits of one pixel near an edge.
INLINE u32 edge_bits(const u8* valid, Index rows, Index cols, Index pitch, Index y, Index x)
{
    u32 bits = 15;
    _Pragma("unroll 1") for (int k = 0; k < TAPS; ++k) {
        const Index r = y + FIRST_TAP + k;
        const u32 of_row = k >= FIRST_AT_WHOLE && k <= LAST_AT_WHOLE ? 15 : 12;
        _Pragma("unroll 1") for (int j = 0; j < TAPS; ++j) {
            const Index c = x + FIRST_TAP + j;
            const u32 of_col = j >= FIRST_AT_WHOLE && j <= LAST_AT_WHOLE ? 15 : 10;
            if (r < 0 || r >= rows || c < 0 || c >= cols || !valid[r * pitch + c]) bits &= ~(of_row & of_col);
        }
    }
    return bits;
}
#else
// One band's bits of a segment.
INLINE void footprint_bits(const u8* __restrict__ valid, i64 rows, i64 cols, i64 pitch, i64 y, i64 x, int n, u8* bits)
{
    const bool rows_exist = y + FIRST_TAP >= 0 && y + LAST_TAP < rows;
    const bool whole_exists = y + FIRST_TAP + FIRST_AT_WHOLE >= 0 && y + FIRST_TAP + LAST_AT_WHOLE < rows;
    // With TAPS - 1 more columns around the segment: the taps along its column where the row is a whole number
    // (the pixel itself, but for B-splines), and where it lies between two.
    LANE_ARRAY u8 pixel[LANES + TAPS - 1], column[LANES + TAPS - 1];
    const int first = x + FIRST_TAP < 0 ? (int)-(x + FIRST_TAP) : 0;
    const int last = x + n + LAST_TAP > cols ? (int)(cols - x - FIRST_TAP) : n + TAPS - 1;
    for (int j = 0; j < LANES + TAPS - 1; ++j)
        pixel[j] = column[j] = 0;
    const u8* taps = valid + y * pitch + x + FIRST_TAP;
    LANE_LOOP(j, first, last) {
        u8 all = 1;
        if (whole_exists) {
            for (int k = FIRST_TAP + FIRST_AT_WHOLE; k <= FIRST_TAP + LAST_AT_WHOLE; ++k)
                all &= taps[k * pitch + j] != 0;
            pixel[j] = all;
        }
        if (rows_exist) {
            for (int k = FIRST_TAP; k <= LAST_TAP; ++k)
                all &= taps[k * pitch + j] != 0;
            column[j] = all;
        }
    }
    LANE_LOOP(l, 0, n) {
        u8 both_whole = 1, along_row = 1, along_column = 1, neither = 1;
        for (int j = 0; j < TAPS; ++j) {
            along_row &= pixel[l + j];
            neither &= column[l + j];
        }
        for (int j = FIRST_AT_WHOLE; j <= LAST_AT_WHOLE; ++j) {
            both_whole &= pixel[l + j];
            along_column &= column[l + j];
        }
        bits[l] = (u8)(both_whole | along_row << 1 | along_column << 2 | neither << 3);
    }
}
#endif

KERNEL(footprint, Size rows, Size cols, const u8* __restrict__ valid, Size pitch, Size plane, Size bands,
       Footprints* __restrict__ out)
{
#if LANES == 1
    FOR_STRIPS(y, rows, x, cols) {
        const bool interior = y + FIRST_TAP >= 0 && y + (STRIP - 1) + LAST_TAP < rows && x + FIRST_TAP >= 0
                              && x + LAST_TAP < cols;
        Footprints* words = out + (y * cols + x);
        if (interior) {
            const u8* first = valid + ((y + FIRST_TAP) * pitch + (x + FIRST_TAP));
            u32 all[STRIP], bits[STRIP];
            strip_bits(first, pitch, all);
            if (BY_BAND)
                _Pragma("unroll 1") for (int band = 1; band < (int)bands; ++band) {
                    first += plane;
                    strip_bits(first, pitch, bits);
                    UNROLL for (int l = 0; l < STRIP; ++l) all[l] |= bits[l] << BITS_A_BAND * band;
                }
            UNROLL for (int l = 0; l < STRIP; ++l, words += cols) *words = (Footprints)all[l];
            continue;
        }
        const int n = STRIP_SIZE(y, rows, x, cols);
        _Pragma("unroll 1") for (int l = 0; l < n; ++l, words += cols) {
            u32 all = 0;
            _Pragma("unroll 1") for (int band = 0; band < (BY_BAND ? (int)bands : 1); ++band)
                all |= edge_bits(valid + band * plane, rows, cols, pitch, y + l, x) << BITS_A_BAND * band;
            *words = (Footprints)all;
        }
    }
#else
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Footprints* words = out + y * cols + x;
        if (!BY_BAND) {
            footprint_bits(valid, rows, cols, pitch, y, x, n, (u8*)words);
            continue;
        }
        LANE_ARRAY Footprints all[LANES];
        LANE_ARRAY u8 bits[LANES];
        LANE_LOOP(l, 0, n) all[l] = 0;
        for (int band = 0; band < (int)bands; ++band) {
            footprint_bits(valid + band * plane, rows, cols, pitch, y, x, n, bits);
            LANE_LOOP(l, 0, n) all[l] |= (Footprints)bits[l] << BITS_A_BAND * band;
        }
        LANE_LOOP(l, 0, n) words[l] = all[l];
    }
#endif
}
