// tap_sums: what the taps of spreads come to, down their columns first, then across.
// Each sum begins with 0 and adds one term after another. Across there are four of them, of every fourth tap from a pixel's
// first on, and (s0 + s1) + (s2 + s3) at the end. Needs -D TAPS, SRC_T.
#include "coverage.cuh"
#include "spreads.cuh"
#include "target.cuh"

// What is summed: pixels by their weights, how many taps with a weight are missing, and sizes of weights and weights of
// valid taps.
#define VALUES 0
#define MISSING 1
#define SIZES 2
#define WEIGHTS 3

template <int WHAT> INLINE f64 worth(f64 weight)
{
    return WHAT == MISSING ? (weight != 0.0 ? 1.0 : 0.0) : WHAT == SIZES ? fabs(weight) : weight;
}

struct Four {
    f64 at[4];
};

INLINE f64 sum_of(const Four& sums) { return (sums.at[0] + sums.at[1]) + (sums.at[2] + sums.at[3]); }

#if LANES == 1
// The sum of all weights of an axis, or of their sizes, missing taps included.
template <int WHAT> INLINE f64 all_weights(const Spread& axis, int)
{
    Four sums = {};
    ROLLED for (i32 k = 0; k < axis.count[0]; k += 4)
        UNROLL for (int i = 0; i < 4; ++i) {
            const f64 weight = worth<WHAT>(tap_weight(axis, 0, axis.lowest[0] + k + i));
            sums.at[i] += k + i < axis.count[0] ? weight : 0.0;
        }
    return sum_of(sums);
}

// Of four columns from c on, of which n count, down the rows. MASKED: some pixels may be missing.
template <int WHAT, bool MASKED>
INLINE void sum_down(const SRC_T* band, Index pitch, const Place& place, const Spreads& at, Index c, int n, f64* sums)
{
    Index x[4];
    UNROLL for (int j = 0; j < 4; ++j) {
        x[j] = j < n ? in_window(place.cols, c + j) : place.cols.n;
        sums[j] = 0.0;
    }
    ROLLED for (Index r = at.row.first[0]; r < at.row.last[0]; ++r) {
        const f64 weight = worth<WHAT>(tap_weight(at.row, 0, (i32)r - at.row.anchor[0]));
        const Index y = in_window(place.rows, r);
        UNROLL for (int j = 0; j < 4; ++j) {
            const bool here = x[j] < place.cols.n && y < place.rows.n;
            const bool is_valid = here && (!MASKED || !place.valid || place.valid[y * place.pitch + x[j]]);
            if (WHAT == VALUES)
                sums[j] += is_valid ? weight * (f64)band[y * pitch + x[j]] : 0.0;
            else
                sums[j] += is_valid == (WHAT == MISSING) ? 0.0 : weight;
        }
    }
}

// What each pixel of a run comes to, and the sum of the weights of its columns.
template <int WHAT, bool MASKED>
INLINE void add_up(const SRC_T* band, Index pitch, const Place& place, const Spreads& at, const Run& run, f64* totals,
                   f64* col_weights)
{
    Four sums = {}, weights = {};
    ROLLED for (Index c = run.cols.first; c < run.cols.last; c += 4) {
        f64 columns[4];
        sum_down<WHAT, MASKED>(band, pitch, place, at, c, (int)(run.cols.last - c), columns);
        UNROLL for (int i = 0; i < 4; ++i) {
            const f64 weight = worth<WHAT>(tap_weight(at.col, 0, (i32)c + i - at.col.anchor[0]));
            sums.at[i] += c + i < run.cols.last ? weight * columns[i] : 0.0;
            weights.at[i] += c + i < run.cols.last ? weight : 0.0;
        }
    }
    totals[0] = sum_of(sums);
    col_weights[0] = sum_of(weights);
}
#else
// Adds a row of n pixels.
template <int WHAT, bool MASKED>
INLINE void add_row(const SRC_T* pixels, const u8* valid, bool here, f64 weight, int n, f64* sums)
{
    if (WHAT == VALUES && !here) return;
    LANE_LOOP(j, 0, n) {
        const bool is_valid = MASKED && valid ? valid[j] != 0 : here;
        if (WHAT == VALUES)
            sums[j] += !MASKED || is_valid ? weight * (f64)pixels[j] : 0.0;
        else
            sums[j] += is_valid == (WHAT == MISSING) ? 0.0 : weight;
    }
}

// Adds four rows, one after another.
INLINE void add_rows(const SRC_T* pixels, Index pitch, const f64* weights, int n, f64* sums)
{
    const f64 w0 = weights[0], w1 = weights[1], w2 = weights[2], w3 = weights[3];
    LANE_LOOP(j, 0, n) {
        const SRC_T* p = pixels + j;
        sums[j] = (((sums[j] + w0 * (f64)p[0]) + w1 * (f64)p[pitch]) + w2 * (f64)p[2 * pitch]) + w3 * (f64)p[3 * pitch];
    }
}

#define EIGHT 8
#define ROWS_AT_ONCE 128  // whose weights are made together

// Sums of a few columns, at least eight, down a few rows. Eight at a time stay in registers. The last eight may be summed
// again in part.
INLINE void sum_few(const SRC_T* pixels, Index pitch, const f64* weights, int rows, int n, f64* sums)
{
    for (int begin = 0; begin < n; begin += EIGHT) {
        const int j = begin + EIGHT <= n ? begin : n - EIGHT;
        LANE_ARRAY f64 sum[EIGHT] = {};
        for (int k = 0; k < rows; ++k) {
            const SRC_T* p = pixels + (k * pitch + j);
            const f64 weight = weights[k];
            LANE_LOOP(i, 0, EIGHT) sum[i] += weight * (f64)p[i];
        }
        LANE_LOOP(i, 0, EIGHT) sums[j + i] = sum[i];
    }
}

// Of n taps from an offset on, and of some more.
CALLED void find_weights(f64 fraction, f64 scale, i32 offset, int n, f64* weights)
{
    for (int j = 0; j < n; j += EIGHT)
        LANE_LOOP(i, 0, EIGHT) weights[j + i] = profile(((f64)(offset + j + i) - fraction) / scale);
}

template <int WHAT> INLINE void find_worths(const Spread& axis, int l, i32 offset, int n, f64* weights)
{
    find_weights(axis.fraction[l], axis.scale[l], offset, n, weights);
    if (WHAT == MISSING || WHAT == SIZES) LANE_LOOP(j, 0, n) weights[j] = worth<WHAT>(weights[j]);
}

// Adds weights, or values by their weights.
template <bool HAS_VALUES> INLINE void add_in_fours(const f64* weights, const f64* values, int n, Four& sums)
{
    Vector<f64, 4> sum = load_vector<f64, 4>(sums.at);
    int k = 0;
    for (; k + 4 <= n; k += 4) {
        const Vector<f64, 4> weight = load_vector<f64, 4>(weights + k);
        sum = sum + (HAS_VALUES ? weight * load_vector<f64, 4>(values + k) : weight);
    }
    store_vector(sums.at, sum);
    for (int i = 0; k + i < n; ++i) sums.at[i] += HAS_VALUES ? weights[k + i] * values[k + i] : weights[k + i];
}

// The sum of all weights of an axis, or of their sizes, missing taps included.
template <int WHAT> INLINE f64 all_weights(const Spread& axis, int l)
{
    LANE_ARRAY f64 weights[LANES];
    Four sums = {};
    for (i32 k = 0, n; k < axis.count[l]; k += n) {
        n = axis.count[l] - k < LANES ? axis.count[l] - k : LANES;
        find_worths<WHAT>(axis, l, axis.lowest[l] + k, n, weights);
        add_in_fours<false>(weights, nullptr, n, sums);
    }
    return sum_of(sums);
}

// Of n columns from c on, down the rows of pixel l. MASKED: some pixels may be missing.
template <int WHAT, bool MASKED>
INLINE void sum_down(const SRC_T* band, Index pitch, const Place& place, const Spreads& at, int l, Index c, int n, f64* sums)
{
    LANE_ARRAY f64 weights[ROWS_AT_ONCE];
    const Index first = at.row.first[l], last = at.row.last[l];
    const bool plain = WHAT == VALUES && !MASKED && place.rows.period == 0;
    if (plain && place.cols.period == 0 && n >= EIGHT && n <= 2 * EIGHT && last - first <= ROWS_AT_ONCE) {
        find_worths<WHAT>(at.row, l, (i32)first - at.row.anchor[l], (int)(last - first), weights);
        sum_few(band + (first * pitch + c), pitch, weights, (int)(last - first), n, sums);
        return;
    }
    for (int j = 0; j < n; ++j) sums[j] = 0.0;
    for (int begin = 0, m; begin < n; begin += m) {
        m = neighbours(place.cols, c + begin, c + n);
        const Index x = in_window(place.cols, c + begin);
        for (Index r = first, stop, k; r < last; r = stop) {
            stop = least(r + ROWS_AT_ONCE, last);
            find_worths<WHAT>(at.row, l, (i32)r - at.row.anchor[l], (int)(stop - r), weights);
            for (k = r; plain && k + 4 <= stop; k += 4)
                add_rows(band + (k * pitch + x), pitch, weights + (k - r), m, sums + begin);
            for (; k < stop; ++k) {
                const Index y = in_window(place.rows, k);
                const bool here = x < place.cols.n && y < place.rows.n;
                const u8* valid = MASKED && place.valid && here ? place.valid + (y * place.pitch + x) : nullptr;
                const SRC_T* pixels = WHAT == VALUES && here ? band + (y * pitch + x) : nullptr;
                add_row<WHAT, MASKED>(pixels, valid, here, weights[k - r], m, sums + begin);
            }
        }
    }
}

// Whether two pixels' columns have the same weights.
INLINE bool same_weights(const Spread& axis, int a, int b)
{
    return axis.fraction[a] == axis.fraction[b] && axis.scale[a] == axis.scale[b]
        && axis.first[a] - axis.anchor[a] == axis.first[b] - axis.anchor[b]
        && axis.last[a] - axis.first[a] == axis.last[b] - axis.first[b];
}

// What each pixel of a run comes to, and the sum of the weights of its columns.
template <int WHAT, bool MASKED>
CALLED void add_up(const SRC_T* band, Index pitch, const Place& place, const Spreads& at, const Run& run, f64* totals,
                   f64* col_weights)
{
    LANE_ARRAY Four sums[LANES], total_weights[LANES];
    LANE_ARRAY f64 columns[COLUMNS], weights[COLUMNS + EIGHT];
    for (int l = run.begin; l < run.end; ++l) sums[l] = total_weights[l] = {};
    for (Index c = run.cols.first; c < run.cols.last; c += COLUMNS) {
        const int n = (int)least(run.cols.last - c, (Index)COLUMNS);
        sum_down<WHAT, MASKED>(band, pitch, place, at, run.begin, c, n, columns);
        for (int l = run.begin; l < run.end; ++l) {
            const Index first = most(c, (Index)at.col.first[l]);
            const int count = (int)(least(c + n, (Index)at.col.last[l]) - first);
            const bool is_known = l > run.begin && same_weights(at.col, l - 1, l);  // then there is one block of columns
            if (!is_known) find_worths<WHAT>(at.col, l, (i32)first - at.col.anchor[l], count, weights);
            add_in_fours<true>(weights, columns + (first - c), count, sums[l]);
            if (is_known)
                total_weights[l] = total_weights[l - 1];
            else
                add_in_fours<false>(weights, nullptr, count, total_weights[l]);
        }
    }
    for (int l = run.begin; l < run.end; ++l) {
        totals[l] = sum_of(sums[l]);
        col_weights[l] = sum_of(total_weights[l]);
    }
}
#endif
