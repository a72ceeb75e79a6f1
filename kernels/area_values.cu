// area_values: of the source pixels that an output pixel covers the most frequent value, or a quantile. Each counts once.
// -D QUARTERS: 0 is the mode. Of values that are equally frequent it is the least. Otherwise it is the least value that so
// many quarters of the pixels don't exceed.
// SRC_T, OUT_T and arguments: as in area.cu. Twin: twin_areas.py:area_values.
#define BLOCKS 2  // 128 registers for each thread
#include "convert.cuh"
#include "parameters.cuh"
#include "coverage.cuh"
#include "covered_values.cuh"
#include "target.cuh"

// How many pixels there are. For quantiles the bits in which their keys differ, for the mode the least key.
struct Survey {
    u64 pixels;
    Key all, any, least;
};

INLINE Survey survey(const Pixels& from, Some& some)
{
    u64 pixels = 0;
    Key all = GREATEST, any = 0, least = GREATEST;
    FOR_SOME(from, some) {
        pixels += (u64)some.n;
        FOR_BATCHES(first, some) {
            const int end = some.n < first + BATCH ? some.n : first + BATCH;
            if (QUARTERS) {
                LANE_LOOP_JOIN(i, first, end, &, all) all &= some.keys[i];
                LANE_LOOP_JOIN(i, first, end, |, any) any |= some.keys[i];
            } else {
                LANE_LOOP_JOIN(i, first, end, min, least) least = some.keys[i] < least ? some.keys[i] : least;
            }
        }
    }
    return {pixels, all, any, least};
}

INLINE u64 pixels_below(const Pixels& from, Some& some, Key key)
{
    u64 pixels = 0;
    FOR_SOME(from, some)
        FOR_BATCHES(first, some) {
            u32 here = 0;
            LANE_LOOP_JOIN(i, first, first + BATCH, +, here) here += some.keys[i] < key ? 1 : 0;
            pixels += here;
        }
    return pixels;
}

// Of so many pixels, how many has the quantile below it, and itself.
INLINE u64 rank_of(u64 pixels) { return (QUARTERS * pixels + 3) / 4; }

// The greatest key below which there are less pixels than its rank: that of one of them.
INLINE Key key_of_rank(const Pixels& from, Some& some)
{
    const Survey all = survey(from, some);
    const u64 rank = rank_of(all.pixels);
    Key key = all.all;
    for (int bit = 8 * (int)sizeof(Key) - 1; bit >= 0; --bit) {
        const Key with = (Key)(key | (Key)((Key)1 << bit));
        if ((all.all ^ all.any) >> bit & 1 && pixels_below(from, some, with) < rank) key = with;
    }
    return key;
}

// The key of most pixels: from key to key, as long as what remains may be more. Returns whether it was found after so many.
INLINE bool find_most_frequent(const Pixels& from, Some& some, u64 keys, Key* found)
{
    const Survey all = survey(from, some);
    u64 rest = all.pixels, greatest = 0;
    Key key = all.least;
    for (; rest > greatest && keys > 0; --keys) {
        u64 pixels = 0;
        Key next = GREATEST;
        FOR_SOME(from, some)
            FOR_BATCHES(first, some) {
                u32 here = 0;
                LANE_LOOP_JOIN(i, first, first + BATCH, +, here) here += some.keys[i] == key ? 1 : 0;
                LANE_LOOP_JOIN(i, first, first + BATCH, min, next) {
                    const Key other = some.keys[i] > key ? some.keys[i] : GREATEST;
                    next = other < next ? other : next;
                }
                pixels += here;
            }
        if (key == GREATEST) pixels = rest;  // without what stands behind them
        *found = pixels > greatest ? key : *found;
        greatest = pixels > greatest ? pixels : greatest;
        rest -= pixels;
        key = next;
    }
    return rest <= greatest;
}

#if LANES > 1
// The result of a batch: each key is compared with all of them.
INLINE Key found_in_batch(const Some& some)
{
    LANE_ARRAY Key counts[BATCH];
    const int step = 64 / (int)sizeof(Key);
    for (int first = 0; first < some.n; first += step) {
        const Vector<Key, step> mine = load_vector<Key, step>(some.keys + first);
        Vector<Key, step> count = {};
        for (int i = 0; i < some.n; ++i) {
            const Key key = some.keys[i];
            const auto counts_here = QUARTERS ? key < mine : key == mine;  // all bits, or none
            count -= (Vector<Key, step>)counts_here;
        }
        store_vector(counts + first, count);
    }
    const int end = (some.n + step - 1) / step * step;
    Key greatest = 0, found = QUARTERS ? 0 : GREATEST;
    if (QUARTERS) {
        const Key rank = (Key)rank_of((u64)some.n);
        LANE_LOOP_JOIN(i, 0, end, max, found) {
            const Key key = counts[i] < rank ? some.keys[i] : 0;
            found = key > found ? key : found;
        }
        return found;
    }
    LANE_LOOP_JOIN(i, 0, end, max, greatest) greatest = counts[i] > greatest ? counts[i] : greatest;
    LANE_LOOP_JOIN(i, 0, end, min, found) {
        const Key key = counts[i] == greatest ? some.keys[i] : GREATEST;
        found = key < found ? key : found;
    }
    return found;
}

#define FEW_KEYS 8  // up to which going through all pixels for each is faster than a table

// A table of keys and of how many pixels have them. A key of one byte is its own place.
struct Table {
    LANE_ARRAY u64 pixels[2 * KEPT];
    LANE_ARRAY Key keys[2 * KEPT];
};

// The key of most pixels. Returns whether the table has room for all keys.
INLINE bool find_in_table(const Pixels& from, Some& some, Table& table, Key* found)
{
    const u32 size = sizeof(Key) == 1 ? 256 : 2 * KEPT;
    u32 keys_left = sizeof(Key) == 1 ? 256 : KEPT;
    u64 greatest = 0;
    LANE_LOOP(i, 0, (int)size) table.pixels[i] = 0;
    FOR_SOME(from, some) {
        for (int i = 0; i < some.n; ++i) {
            const Key key = some.keys[i];
            u32 at = sizeof(Key) == 1 ? (u32)key : (u32)((u64)key * 0x9e3779b97f4a7c15ULL >> 40) & (size - 1);
            while (sizeof(Key) > 1 && table.pixels[at] && table.keys[at] != key) at = (at + 1) & (size - 1);
            if (!table.pixels[at] && !keys_left--) return false;
            table.keys[at] = key;
            const u64 pixels = ++table.pixels[at];
            if (pixels > greatest || (pixels == greatest && key < *found)) {
                greatest = pixels;
                *found = key;
            }
        }
    }
    return true;
}
#endif

// The key of the mode, or of a quantile.
CALLED Key find_key(const Pixels& from, Some& some)
{
    some.are_all = false;
    if (QUARTERS && LANES == 1) return key_of_rank(from, some);
    Key found = 0;
#if LANES > 1
    FOR_SOME(from, some) {
        if (some.are_all && some.n <= BATCH) return found_in_batch(some);
        break;
    }
    if (QUARTERS) return key_of_rank(from, some);
    if (some.are_all && find_most_frequent(from, some, FEW_KEYS, &found)) return found;
    Table table;
    if (find_in_table(from, some, table, &found)) return found;
#endif
    find_most_frequent(from, some, ~0ULL, &found);
    return found;
}

// Of what a box covers along an axis each pixel once. As wide as a turn it may end in the pixel in which it began.
INLINE Span once(const Line& line, const Span& pixels)
{
    return {pixels.first, line.period == 0 ? pixels.last : least(pixels.last, pixels.first + (Index)line.period)};
}

// The value of one pixel in one band.
INLINE SRC_T value_at(const Place& place, const SRC_T* band, Index pitch, const Covers& at, int l, bool masked)
{
    const Run run = run_from(at, l, l + 1);
    const bool box = at.is_box[l] != 0;
    const Span rows = box ? once(place.rows, run.rows) : run.rows, cols = box ? once(place.cols, run.cols) : run.cols;
    const Pixels from = {band, pitch, &place, &at, outline_at(at, l), l, rows, cols, masked};
    Some some;
    return value_of(find_key(from, some));
}

KERNEL(area_values, Size rows, Size cols,
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS, AREAS_PARAMETERS)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Place place = PLACE_OF_PARAMETERS;
    const OUT_T empty = uncarried<OUT_T>(nodata);
    Covers at;
    FOR_TILED_SEGMENTS_WITH(at, y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Covered covered;
        find_covers(place, grid, first_row + y, first_col + x, n, IS_BELOW_THE_LAST(y), at);
        find_covered(place, at, n, covered);
        f32* shown = shares ? shares + (y * shares_pitch + x) : nullptr;
        say_covered(at, n, least_share, (u8)outside, covered, validity + (y * validity_pitch + x), shown);
        for (Index band = 0; band < bands; ++band) {
            const SRC_T* pixels = source + band * plane;
            OUT_T* to = image + (band * image_plane + y * image_pitch + x);
            for (int l = 0; l < n; ++l)
                to[l] = covered.has_value[l] != 0
                    ? convert<OUT_T>(value_at(place, pixels, pitch, at, l, covered.masked[l] != 0))
                    : empty;
        }
    }
}
