// all_finite: where the pixels of all bands are finite, and valid. -D SRC_T, f32 or f64.
// source: bands x rows x cols. most: the largest size that counts as finite. valid: of the pixels; null: all are.
// out: uint8, 1 where every band is finite. Twin: reference.py:all_finite.
#include "target.cuh"

KERNEL(all_finite, i64 rows, i64 cols, const SRC_T* __restrict__ source, i64 bands, i64 pitch, i64 plane, f64 most,
       const u8* __restrict__ valid, i64 valid_pitch, u8* __restrict__ out)
{
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        LANE_ARRAY u8 all[LANES];
        LANE_LOOP(l, 0, n) all[l] = 1;
        if (valid)
            LANE_LOOP(l, 0, n) all[l] = valid[y * valid_pitch + x + l] != 0;
        for (i64 band = 0; band < bands; ++band) {
            const SRC_T* pixel = source + band * plane + y * pitch + x;
            LANE_LOOP(l, 0, n) all[l] &= fabs((f64)pixel[l]) <= most;
        }
        LANE_LOOP(l, 0, n) out[y * cols + x + l] = all[l];
    }
}
