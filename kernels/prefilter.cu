// prefilter: the coefficients of a B-spline, along one AXIS: 0 filters columns, 1 rows. Run once for each.
// y counts stretches of a line, x the lines of that axis.
// A coefficient depends on `reach` samples to either side, so each stretch is filtered by itself, within a buffer of
// SAMPLES. Where stretches begin depends on the image alone: a window of it gets the same bits.
// source: the samples from `origin` on, `length` of them. Beyond them place_of(mode) stands in.
// valid: of the samples, or null. Within the buffer, the last sample before it, or else the first after it, stands in for
// one that is not valid or not finite. 0 where there is none.
// out: coefficients from `first` on, none before `lowest` or from `highest` on. Stretches begin there, and at each
// multiple of `stretch`. poles, steps: of each of `pole_count` poles its value and how far its filter looks.
// After Briand and Monasse, IPOL 2018, algorithms 1 and 2, without the gain. Twin: twins.py:prefilter.
#define ROWS 1  // of stretches there are few
#include "boundary.cuh"
#include "parameters.cuh"
#include "target.cuh"

// From line to line, and from sample to sample.
#define LINE_STEP(pitch) (AXIS == 0 ? 1 : pitch)
#define SAMPLE_STEP(pitch) (AXIS == 0 ? pitch : 1)

// The first to before the last sample of lines, which follow one another. counts: which of them do, or null.
// before: what stands in for a sample that does not count or is not finite.
INLINE void take_samples(const SRC_T* sample, Index pitch, const u8* counts, Index valid_pitch, int first, int last, int n,
                         f64* before, f64 (*s)[LANES])
{
    if (counts) {
        for (int i = first; i < last; ++i, sample += SAMPLE_STEP(pitch), counts += SAMPLE_STEP(valid_pitch))
            LANE_LOOP(l, 0, n) {
                const SRC_T value = sample[l * LINE_STEP(pitch)];
                const bool is_usable = is_finite(value) & (counts[l * LINE_STEP(valid_pitch)] != 0);
                s[i][l] = before[l] = is_usable ? (f64)value : before[l];
            }
    } else {
        for (int i = first; i < last; ++i, sample += SAMPLE_STEP(pitch))
            LANE_LOOP(l, 0, n) {
                const SRC_T value = sample[l * LINE_STEP(pitch)];
                s[i][l] = before[l] = is_finite(value) ? (f64)value : before[l];
            }
    }
}

KERNEL(prefilter, Size rows, Size cols, const SRC_T* __restrict__ source, Size pitch, Size length, Size origin, Size mode,
       VALID_PARAMETERS, f64* __restrict__ out, Size out_pitch, Size first, Size lowest, Size highest,
       Size stretch, Size pole_count, const f64* __restrict__ poles, const i64* __restrict__ steps, Size reach)
{
    // Division that rounds down, as `first` may lie before the image.
    const Index before_all = first >= 0 ? first / stretch : -((stretch - 1 - first) / stretch);
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        const Index number = before_all + y;
        const Index begin = number * stretch > lowest ? number * stretch : +lowest;
        const Index end = (number + 1) * stretch < highest ? (number + 1) * stretch : +highest;
        const int size = (int)(end - begin + 2 * reach);
        LANE_ARRAY f64 s[SAMPLES][LANES];
        LANE_ARRAY f64 before[LANES];
        LANE_LOOP(l, 0, n) before[l] = nan("");
        i32 begun = 1;
        const SRC_T* line = source + x * LINE_STEP(pitch);
        const u8* valid_line = valid ? valid + x * LINE_STEP(valid_pitch) : valid;
        const Index first_sample = begin - reach - origin;
        for (int i = 0, stop; i < size; i = stop) {
            const Index at = first_sample + i, place = place_of(at, length, mode);
            const Index left = at >= 0 && place == at ? length - at : 1;  // samples that follow one another
            stop = left < size - i ? i + (int)left : size;
            if (place < 0)
                LANE_LOOP(l, 0, n) before[l] = s[i][l] = 0.0;
            else
                take_samples(line + place * SAMPLE_STEP(pitch), pitch,
                             valid ? valid_line + place * SAMPLE_STEP(valid_pitch) : valid, valid_pitch, i, stop, n, before, s);
        }
        LANE_LOOP_ALL(l, 0, n, begun) begun &= s[0][l] == s[0][l] ? 1 : 0;
        if (!begun) {
            LANE_LOOP(l, 0, n) before[l] = 0.0;
            for (int i = size - 1; i >= 0; --i)
                LANE_LOOP(l, 0, n) s[i][l] = before[l] = s[i][l] == s[i][l] ? s[i][l] : before[l];
        }
        f64* to = out + (x * LINE_STEP(out_pitch) + (begin - first) * SAMPLE_STEP(out_pitch));
        int from = 0, last = size - 1;  // what the poles so far have left right
        for (int k = 0; k < (int)pole_count; ++k) {
            const f64 z = poles[k];
            const int step = (int)steps[k], head = from + step, tail = last - step;
            LANE_ARRAY f64 ahead[LANES];
            // Forwards, from a sum over the samples before. The way back begins with a sum of those that are there now.
            for (int i = from + 1; i <= head; ++i)
                LANE_LOOP(l, 0, n) s[i][l] = s[i][l] + z * s[i - 1][l];
            LANE_LOOP(l, 0, n) ahead[l] = s[last][l];
            for (int i = last - 1; i > tail; --i)
                LANE_LOOP(l, 0, n) ahead[l] = s[i][l] + z * ahead[l];
            for (int i = head + 1; i <= tail; ++i)
                LANE_LOOP(l, 0, n) s[i][l] = s[i][l] + z * s[i - 1][l];
            LANE_LOOP(l, 0, n) ahead[l] = z / (z * z - 1.0) * (s[tail][l] + z * ahead[l]);
            if (k + 1 < (int)pole_count) {
                LANE_LOOP(l, 0, n) s[tail][l] = ahead[l];
                for (int i = tail - 1; i >= head; --i)
                    LANE_LOOP(l, 0, n) s[i][l] = ahead[l] = z * (ahead[l] - s[i][l]);
            } else {  // of the last pole what is left are the coefficients
                f64* made = to + (tail - reach) * SAMPLE_STEP(out_pitch);
                LANE_LOOP(l, 0, n) made[l * LINE_STEP(out_pitch)] = ahead[l];
                for (int i = tail - 1; i >= head; --i) {
                    made -= SAMPLE_STEP(out_pitch);
                    LANE_LOOP(l, 0, n) {
                        ahead[l] = z * (ahead[l] - s[i][l]);
                        made[l * LINE_STEP(out_pitch)] = ahead[l];
                    }
                }
            }
            from = head;
            last = tail;
        }
    }
}
