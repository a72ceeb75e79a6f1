// column_totals: what the source pixels that output pixels cover come to, down their columns first, then across.
// Needs -D STATISTIC, SRC_T.
#include "convert.cuh"
#include "coverage.cuh"
#include "target.cuh"

#define AVERAGE 0
#define SUM 1
#define RMS 2
#define MIN 3
#define MAX 4
#define IS_SUM (STATISTIC <= RMS)

#if IS_SUM
typedef f64 Total;
INLINE Total none() { return 0.0; }
INLINE Total joined(Total a, Total b) { return a + b; }
INLINE Total weighted(f64 weight, SRC_T v)
{
    const f64 value = (f64)v;
    return weight * (STATISTIC == RMS ? value * value : value);
}
INLINE Total widened(f64 width, Total sum) { return width * sum; }
#else
typedef SRC_T Total;
INLINE Total none() { return STATISTIC == MIN ? Range<SRC_T>::highest : Range<SRC_T>::lowest; }
INLINE Total joined(Total a, Total b) { return (STATISTIC == MIN ? b < a : b > a) ? b : a; }
INLINE Total weighted(f64, SRC_T v) { return v; }
INLINE Total widened(f64, Total v) { return v; }
#endif

// Joins n columns from c on to the totals of the pixels that cover them.
template <bool BOX>
INLINE void add_across(const Covers& at, const Run& run, Index c, int n, const Total* columns, Total* totals)
{
    RUN_LOOP(l, run) {
        const Index first = most(c, (Index)at.first_col[l]), stop = least(c + n, (Index)at.last_col[l]);
        if (first >= stop) continue;
        Total total = joined(totals[l], widened(width_at<BOX>(at, l, first), columns[first - c]));
        for (Index k = first + 1; k < stop - 1; ++k) total = joined(total, columns[k - c]);  // all of their widths
        if (stop - first > 1) total = joined(total, widened(width_at<BOX>(at, l, stop - 1), columns[stop - 1 - c]));
        totals[l] = total;
    }
}

// Bands that are handled together, as they share weights.
#define GROUP 4

// Rows of pixels, one in each of some bands, and which of them are valid, or null. room: how many of each can be read.
struct Rows {
    const SRC_T* first;
    Index plane;
    int bands;
    const u8* valid;
    Index room;
};

// Joins n pixels of each band to their columns.
INLINE void add_rows(const RowWeights<true>& row, Index, int n, const Rows& rows, Total (*columns)[COLUMNS])
{
    UNROLL for (int b = 0; b < GROUP; ++b) {
        if (b >= rows.bands) break;
        const SRC_T* pixels = rows.first + b * rows.plane;
        if (rows.valid)
            LANE_LOOP(j, 0, n)
                columns[b][j] = joined(columns[b][j], rows.valid[j] ? weighted(row.height, pixels[j]) : none());
        else
            LANE_LOOP(j, 0, n) columns[b][j] = joined(columns[b][j], weighted(row.height, pixels[j]));
    }
}

INLINE void add_rows(const RowWeights<false>& row, Index c, int n, const Rows& rows, Total (*columns)[COLUMNS])
{
    for (int first = 0; first < n; first += REALS) {
        const Reals weights = weights_from(row, c + first);
        LANE_ARRAY f64 each[REALS];
        store_reals(each, weights);
        UNROLL for (int b = 0; b < GROUP; ++b) {
            if (b >= rows.bands) break;
            const SRC_T* pixels = rows.first + (b * rows.plane + first);
#if IS_SUM
            if (!rows.valid && first + REALS <= rows.room) {
                const Reals v = load_reals(pixels), zero = weights - weights;
                const Reals value = weights * (STATISTIC == RMS ? v * v : v);
                store_reals(columns[b] + first, load_reals(columns[b] + first) + (weights != zero ? value : zero));
                continue;
            }
#endif
            for (int j = 0; j < REALS && first + j < n; ++j) {
                const bool has_say = each[j] != 0 && (!rows.valid || rows.valid[first + j]);
                columns[b][first + j] = joined(columns[b][first + j], has_say ? weighted(each[j], pixels[j]) : none());
            }
        }
    }
}

// The totals of a run's pixels in some bands. masked: only of valid pixels.
template <bool BOX>
INLINE void add_up(const SRC_T* first, Index pitch, Index plane, int bands, const Place& place, const Covers& at,
                   const Run& run, const Outline& outline, bool masked, Total (*totals)[LANES])
{
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        const Index x = in_window(place.cols, c);
        if (x >= place.cols.n) continue;
        LANE_ARRAY Total columns[GROUP][COLUMNS];
        UNROLL for (int b = 0; b < GROUP; ++b)
            if (b < bands) LANE_LOOP(j, 0, (n + REALS - 1) / REALS * REALS) columns[b][j] = none();
        for (Index r = run.rows.first; r < run.rows.last; ++r) {
            const RowWeights<BOX> row = row_weights<BOX>(at, run.begin, outline, r);
            const Index y = in_window(place.rows, r);
            if (y >= place.rows.n) continue;
            const u8* valid = masked ? place.valid + (y * place.pitch + x) : nullptr;
            const Rows rows = {first + (y * pitch + x), plane, bands, valid, place.cols.n - x};
            add_rows(row, c, (int)n, rows, columns);
        }
        UNROLL for (int b = 0; b < GROUP; ++b)
            if (b < bands) add_across<BOX>(at, run, c, n, columns[b], totals[b]);
    }
}

#if LANES > 1 && IS_SUM
// Sources whose columns have sums of 32 bits. Of whole pixels these are exact, so that their order does not matter.
#define IS_SMALL (!Kind<SRC_T>::is_float && sizeof(SRC_T) <= 2 && STATISTIC != RMS)
#define MOST_ROWS 32768

// Whether boxes cover pixels wholly, or not at all.
INLINE bool are_whole(const Covers& at, const Run& run)
{
    const f64 top = at.top[run.begin], bottom = at.bottom[run.begin];
    i32 whole = top == floor(top) && bottom == floor(bottom) && run.rows.last - run.rows.first <= MOST_ROWS ? 1 : 0;
    LANE_LOOP_ALL(l, run.begin, run.end, whole)
        whole &= (at.left[l] == floor(at.left[l])) & (at.right[l] == floor(at.right[l])) ? 1 : 0;
    return whole != 0;
}

// As add_up, of whole pixels.
INLINE void add_whole(const SRC_T* first, Index pitch, Index plane, int bands, const Place& place, const Covers& at,
                      const Run& run, bool masked, Total (*totals)[LANES])
{
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        const Index x = in_window(place.cols, c);
        if (x >= place.cols.n) continue;
        for (int b = 0; b < bands; ++b) {
            LANE_ARRAY i32 columns[COLUMNS];
            LANE_LOOP(j, 0, n) columns[j] = 0;
            for (Index r = run.rows.first; r < run.rows.last; ++r) {
                const Index y = in_window(place.rows, r);
                if (y >= place.rows.n) continue;
                const SRC_T* pixels = first + (b * plane + y * pitch + x);
                const u8* valid = masked ? place.valid + (y * place.pitch + x) : nullptr;
                if (valid)
                    LANE_LOOP(j, 0, n) columns[j] += valid[j] ? (i32)pixels[j] : 0;
                else
                    LANE_LOOP(j, 0, n) columns[j] += (i32)pixels[j];
            }
            RUN_LOOP(l, run) {
                i64 total = 0;
                for (Index k = most(c, (Index)at.first_col[l]), stop = least(c + n, (Index)at.last_col[l]); k < stop; ++k)
                    total += columns[k - c];
                totals[b][l] += (f64)total;
            }
        }
    }
}
#endif

CALLED void find_totals(const SRC_T* first, Index pitch, Index plane, int bands, const Place& place, const Covers& at,
                        const Run& run, bool masked, Total (*totals)[LANES])
{
#if LANES > 1 && IS_SUM
    if (IS_SMALL && at.is_box[run.begin] != 0 && are_whole(at, run))
        return add_whole(first, pitch, plane, bands, place, at, run, masked, totals);
#endif
    const Outline outline = outline_at(at, run.begin);
    if (at.is_box[run.begin] != 0)
        add_up<true>(first, pitch, plane, bands, place, at, run, outline, masked, totals);
    else
        add_up<false>(first, pitch, plane, bands, place, at, run, outline, masked, totals);
}
