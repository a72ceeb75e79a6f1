// prefilter: the coefficients of a B-spline, along one AXIS: 0 filters columns, 1 rows. Run once for each.
// y counts segments, x the lines of that axis.
// A coefficient depends on `frame` samples to either side, so each segment is filtered by itself, within a buffer of
// SAMPLES; where segments begin depends on the image alone: a window of it gets the same bits.
// source: the samples from `origin` on, `length` of them; beyond them place_of(mode) stands in.
// valid: of the samples, or null. Within the buffer, the last sample before it, or else the first after it, stands in for
// one that is not valid or not finite; 0 where there is none.
// out: coefficients from `first` on, none before `lowest` or from `highest` on. Segments begin there, and at each
// multiple of `segment`. poles, steps: of each of `count` poles its value and how far its filter looks.
// After Briand and Monasse, IPOL 2018, algorithms 1 and 2, without the gain. Twin: reference.py:prefilter.
#include "target.cuh"
#include "boundary.cuh"

// From line to line, and from sample to sample.
#define LINE_STEP(pitch) (AXIS == 0 ? 1 : pitch)
#define SAMPLE_STEP(pitch) (AXIS == 0 ? pitch : 1)

KERNEL(prefilter, i64 rows, i64 cols, const SRC_T* __restrict__ source, i64 pitch, i64 length, i64 origin, i64 mode,
       const u8* __restrict__ valid, i64 valid_pitch, f64* __restrict__ out, i64 out_pitch, i64 first, i64 lowest, i64 highest, i64 segment,
       i64 count, const f64* __restrict__ poles, const i64* __restrict__ steps, i64 frame)
{
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        // Division that rounds down, as `first` may lie before the image.
        const i64 number = (first >= 0 ? first / segment : -((segment - 1 - first) / segment)) + y;
        const i64 begin = number * segment > lowest ? number * segment : lowest;
        const i64 end = (number + 1) * segment < highest ? (number + 1) * segment : highest;
        const i64 size = end - begin + 2 * frame;
        LANE_ARRAY f64 s[SAMPLES][LANES];
        LANE_ARRAY f64 before[LANES];
        LANE_LOOP(l, 0, n) before[l] = nan("");
        i32 begun = 1;
        for (i64 i = 0; i < size; ++i) {
            const i64 place = place_of(begin - frame + i - origin, length, mode);
            if (place < 0) {
                LANE_LOOP(l, 0, n) before[l] = s[i][l] = 0.0;
                continue;
            }
            const SRC_T* sample = source + x * LINE_STEP(pitch) + place * SAMPLE_STEP(pitch);
            LANE_LOOP(l, 0, n) {
                const f64 value = (f64)sample[l * LINE_STEP(pitch)];
                before[l] = value - value == 0.0 ? value : before[l];
                s[i][l] = before[l];
            }
            if (valid) {
                const u8* counts = valid + x * LINE_STEP(valid_pitch) + place * SAMPLE_STEP(valid_pitch);
                const f64* last = s[i > 0 ? i - 1 : 0];
                LANE_LOOP(l, 0, n) {
                    s[i][l] = counts[l * LINE_STEP(valid_pitch)] ? s[i][l] : i > 0 ? last[l] : nan("");
                    before[l] = s[i][l];
                }
            }
        }
        LANE_LOOP_ALL(l, 0, n, begun) begun &= s[0][l] == s[0][l] ? 1 : 0;
        if (!begun) {
            LANE_LOOP(l, 0, n) before[l] = 0.0;
            for (i64 i = size - 1; i >= 0; --i)
                LANE_LOOP(l, 0, n) s[i][l] = before[l] = s[i][l] == s[i][l] ? s[i][l] : before[l];
        }
        i64 from = 0, last = size - 1;  // what the poles so far have left right
        for (i64 k = 0; k < count; ++k) {
            const f64 z = poles[k];
            const i64 reach = steps[k], head = from + reach, tail = last - reach;
            LANE_ARRAY f64 ahead[LANES];
            // Forwards, from a sum over the samples before; and what the way back begins with, while they are there.
            for (i64 i = from + 1; i <= head; ++i)
                LANE_LOOP(l, 0, n) s[i][l] = s[i][l] + z * s[i - 1][l];
            LANE_LOOP(l, 0, n) ahead[l] = s[last][l];
            for (i64 i = last - 1; i > tail; --i)
                LANE_LOOP(l, 0, n) ahead[l] = s[i][l] + z * ahead[l];
            for (i64 i = head + 1; i <= tail; ++i)
                LANE_LOOP(l, 0, n) s[i][l] = s[i][l] + z * s[i - 1][l];
            LANE_LOOP(l, 0, n) s[tail][l] = z / (z * z - 1.0) * (s[tail][l] + z * ahead[l]);
            for (i64 i = tail - 1; i >= head; --i)
                LANE_LOOP(l, 0, n) s[i][l] = z * (s[i + 1][l] - s[i][l]);
            from = head;
            last = tail;
        }
        for (i64 i = begin; i < end; ++i) {
            f64* to = out + x * LINE_STEP(out_pitch) + (i - first) * SAMPLE_STEP(out_pitch);
            LANE_LOOP(l, 0, n) to[l * LINE_STEP(out_pitch)] = s[i - begin + frame][l];
        }
    }
}
