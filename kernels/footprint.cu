// footprint: one word per source pixel, saying which interpolation footprints anchored there are wholly valid.
// valid: non-zero is valid, bands x rows x cols (pitch between rows, plane between bands). footprint: see footprints.cuh;
// as many bands as a word has, or fewer. -D TAPS, SPLINE, BY_BAND. Twin: reference.py:footprint.
#include "target.cuh"
#include "weights.cuh"
#include "footprints.cuh"

// One band's bits of a segment.
INLINE void footprint_bits(const u8* __restrict__ valid, i64 rows, i64 cols, i64 pitch, i64 y, i64 x, int n, u8* bits)
{
    const bool rows_exist = y + FIRST_TAP >= 0 && y + LAST_TAP < rows;
    const bool whole_exists = y + FIRST_TAP + FIRST_AT_WHOLE >= 0 && y + FIRST_TAP + LAST_AT_WHOLE < rows;
    // With a frame of TAPS - 1 columns around the segment: the taps along its column where the row is a whole number
    // (the pixel itself, but for B-splines), and where it lies between two.
    LANE_ARRAY u8 pixel[LANES + TAPS - 1], column[LANES + TAPS - 1];
    const int first = x + FIRST_TAP < 0 ? (int)-(x + FIRST_TAP) : 0;
    const int last = x + n + LAST_TAP > cols ? (int)(cols - x - FIRST_TAP) : n + TAPS - 1;
    for (int j = 0; j < LANES + TAPS - 1; ++j)
        pixel[j] = column[j] = 0;
    const u8* frame = valid + y * pitch + x + FIRST_TAP;
    WIDE_LOOP(j, LANES + TAPS - 1, first, last) {
        u8 all = 1;
        if (whole_exists) {
            for (int k = FIRST_TAP + FIRST_AT_WHOLE; k <= FIRST_TAP + LAST_AT_WHOLE; ++k)
                all &= frame[k * pitch + j] != 0;
            pixel[j] = all;
        }
        if (rows_exist) {
            for (int k = FIRST_TAP; k <= LAST_TAP; ++k)
                all &= frame[k * pitch + j] != 0;
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

KERNEL(footprint, i64 rows, i64 cols, const u8* __restrict__ valid, i64 pitch, i64 plane, i64 bands,
       Footprints* __restrict__ out)
{
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
}
