// all_finite: where the pixels of all bands are finite, and valid. -D SRC_T, f32 or f64.
// source: bands x rows x cols. most: the largest size that counts as finite, at most SRC_T's own.
// out: uint8, 1 where every band is finite and the pixel valid. Twin: twins.py:all_finite.
#include "parameters.cuh"
#include "target.cuh"

// The largest SRC_T up to a value. A value between two of them becomes the one before it.
INLINE SRC_T rounded_down(f64 value)
{
    const SRC_T nearest = (SRC_T)value;
    return (f64)nearest > value ? nearest * (SRC_T)0.99999994 : nearest;  // 1 - 2^-24
}

// n is known to the compiler but at the end of a row or column.
INLINE void find_finite(const SRC_T* source, Index bands, Index pitch, Index plane, SRC_T most, const u8* valid,
                        Index valid_pitch, int n, u8* all)
{
    STRIP_LOOP(l, 0, n) all[l] = 1;
    if (valid)
        STRIP_LOOP(l, 0, n) all[l] = valid[l * STRIP_STEP(valid_pitch)] != 0;
    for (Index band = 0; band < bands; ++band, source += plane)
        STRIP_LOOP(l, 0, n) all[l] &= fabs(source[l * STRIP_STEP(pitch)]) <= most;
}

KERNEL(all_finite, Size rows, Size cols, PIXELS_PARAMETERS, f64 most, VALID_PARAMETERS, u8* __restrict__ out)
{
    const SRC_T limit = rounded_down(most);
    FOR_STRIPS(y, rows, x, cols) {
        const int n = STRIP_SIZE(y, rows, x, cols);
        const SRC_T* pixel = source + (y * pitch + x);
        const u8* counts = valid ? valid + (y * valid_pitch + x) : valid;
        u8* found = out + (y * cols + x);
        LANE_ARRAY u8 all[STRIP];
        if (n == STRIP)
            find_finite(pixel, bands, pitch, plane, limit, counts, valid_pitch, STRIP, all);
        else
            find_finite(pixel, bands, pitch, plane, limit, counts, valid_pitch, n, all);
        STRIP_LOOP(l, 0, n) found[l * STRIP_STEP(cols)] = all[l];
    }
}
