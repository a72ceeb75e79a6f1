// area_values: of the source pixels that an output pixel covers the most frequent value, or a quantile.
// -D QUARTERS: 0 is the mode, for which a pixel counts by the area of it that is covered. Of equal ones it is the least
// value. Otherwise it is the least value that so many quarters of the pixels don't exceed, each of which counts once.
// Values are compared by their bits, so that those of 64 bits are exact. The quantile is found by bisection. No pixel is
// stored on CUDA: they are read again in each pass.
// SRC_T, OUT_T and arguments: as in area.cu. Twin: twin_areas.py:area_values.
#define BLOCKS 2  // 128 registers for each thread
#include "convert.cuh"
#include "parameters.cuh"
#include "coverage.cuh"
#include "target.cuh"

// Pixels that are kept at a time, and those that are compared at a time.
#if LANES == 1
#define KEPT 1
#define BATCH 1
#else
#define KEPT 1024
#define BATCH 32
#endif

// Values in the order of whole numbers.
template <int BYTES> struct KeyOf { typedef u64 type; };
template <> struct KeyOf<1> { typedef u8 type; };
template <> struct KeyOf<2> { typedef u16 type; };
template <> struct KeyOf<4> { typedef u32 type; };
typedef KeyOf<sizeof(SRC_T)>::type Key;
#define SIGN (Key)((Key)1 << (8 * sizeof(Key) - 1))
#define GREATEST (Key)~(Key)0

INLINE Key key_of(SRC_T v)
{
    const union { SRC_T value; Key bits; } word = {(SRC_T)(v + (SRC_T)0)};  // -0.0 is 0.0
    if (Kind<SRC_T>::is_float) return word.bits & SIGN ? (Key)~word.bits : (Key)(word.bits | SIGN);
    return Kind<SRC_T>::is_signed ? (Key)(word.bits ^ SIGN) : word.bits;
}

INLINE SRC_T value_of(Key key)
{
    union { Key bits; SRC_T value; } word = {key};
    if (Kind<SRC_T>::is_float) word.bits = key & SIGN ? (Key)(key ^ SIGN) : (Key)~key;
    if (!Kind<SRC_T>::is_float && Kind<SRC_T>::is_signed) word.bits = (Key)(key ^ SIGN);
    return word.value;
}

// Weights are whole numbers, so that sums don't depend on their order. So many of them are a length, or height, of 1.
INLINE f64 units(f64 area) { return area < 1048576.0 ? 1048576.0 : 1024.0; }  // sums have 63 bits
INLINE u64 in_units(f64 v, f64 units) { return (u64)most(v * units + 0.5, 1.0); }

// The pixels of one band that an output pixel covers.
struct Pixels {
    const SRC_T* band;
    Index pitch;
    const Place* place;
    const Covers* at;
    Outline outline;
    int l;
    Span rows, cols;
    bool masked;
};

// Some of them, of those that count. Behind them stand keys that are the greatest, with weights of 0.
struct Some {
    Index row, col;  // of the next one
    int n;
    bool are_all;  // whether there are no others
    LANE_ARRAY Key keys[KEPT + BATCH - 1];
    LANE_ARRAY u64 weights[KEPT + BATCH - 1];
};

// Keeps a pixel if it counts.
INLINE void keep(const Pixels& from, Index y, Index x, bool counts, u64 weight, Some& some)
{
    const bool is_valid = counts && (!from.masked || from.place->valid[y * from.place->pitch + x]);
    some.keys[some.n] = is_valid ? key_of(from.band[y * from.pitch + x]) : GREATEST;
    if (!QUARTERS) some.weights[some.n] = is_valid ? weight : 0;
    some.n += is_valid ? 1 : 0;
}

// Reads what there is room for of a row of pixels.
INLINE void read_row(const RowWeights<true>& row, const Pixels& from, Some& some)
{
    const f64 unit = units(from.at->area[from.l]);
    const u64 height = in_units(row.height, unit);
    const Index y = in_window(from.place->rows, some.row), stop = least(from.cols.last, some.col + KEPT - some.n);
    for (; some.col < stop; ++some.col) {
        const Index x = in_window(from.place->cols, some.col);
        const u64 width = QUARTERS ? 1 : in_units(width_at<true>(*from.at, from.l, some.col), unit);
        keep(from, y, x, x < from.place->cols.n && y < from.place->rows.n, height * width, some);
    }
}

INLINE void read_row(const RowWeights<false>& row, const Pixels& from, Some& some)
{
    const f64 unit = units(from.at->area[from.l]);
    const Index y = in_window(from.place->rows, some.row);
    while (some.col < from.cols.last && some.n <= KEPT - REALS) {
        LANE_ARRAY f64 weights[REALS];
        store_reals(weights, weights_from(row, some.col));
        for (int j = 0; j < REALS && some.col < from.cols.last; ++j, ++some.col) {
            const Index x = in_window(from.place->cols, some.col);
            const bool counts = (weights[j] > 0) & (x < from.place->cols.n) & (y < from.place->rows.n);
            keep(from, y, x, counts, in_units(weights[j], unit * unit), some);
        }
    }
}

template <bool BOX> INLINE void read_some(const Pixels& from, Some& some)
{
    some.n = 0;
    while (some.row < from.rows.last && some.n <= KEPT - REALS) {
        read_row(row_weights<BOX>(*from.at, from.l, from.outline, some.row), from, some);
        if (some.col < from.cols.last) continue;
        some.col = from.cols.first;
        ++some.row;
    }
    for (int i = some.n; i < some.n + BATCH - 1; ++i) {
        some.keys[i] = GREATEST;
        some.weights[i] = 0;
    }
}

INLINE void read_first(const Pixels& from, Some& some)
{
    some.row = from.rows.first;
    some.col = from.cols.first;
}

// Returns whether there are some more. Those that are all there are need not be read again.
INLINE bool read_next(const Pixels& from, bool first, Some& some)
{
    if (some.are_all) return first;
    if (some.row >= from.rows.last) return false;
    if (from.at->is_box[from.l] != 0)
        read_some<true>(from, some);
    else
        read_some<false>(from, some);
    some.are_all = first && some.row >= from.rows.last && LANES > 1;
    return true;
}

#define FOR_SOME(from, some)                                                                             \
    for (bool first_ = (read_first(from, some), true); read_next(from, first_, some); first_ = false) \
        for (int i0 = 0; i0 < some.n; i0 += BATCH)

// How many pixels there are, and the bits in which their keys differ.
struct Survey {
    u64 pixels;
    Key all, any;
};

INLINE Survey survey(const Pixels& from, Some& some)
{
    Survey found = {0, GREATEST, 0};
    FOR_SOME(from, some) {
        const int n = some.n - i0 < BATCH ? some.n - i0 : BATCH;
        found.pixels += (u64)n;
        for (int i = i0; i < i0 + n; ++i) {
            found.all &= some.keys[i];
            found.any |= some.keys[i];
        }
    }
    return found;
}

INLINE u64 pixels_below(const Pixels& from, Some& some, Key key)
{
    u64 pixels = 0;
    FOR_SOME(from, some) {
        u32 here = 0;
        LANE_LOOP_JOIN(i, i0, i0 + BATCH, +, here) here += some.keys[i] < key ? 1 : 0;
        pixels += here;
    }
    return pixels;
}

// The greatest key below which there are less pixels than `rank`: that of one of them.
INLINE Key key_of_rank(const Pixels& from, Some& some)
{
    const Survey all = survey(from, some);
    const u64 rank = (QUARTERS * all.pixels + 3) / 4;
    Key key = all.all;
    for (int bit = 8 * (int)sizeof(Key) - 1; bit >= 0; --bit) {
        const Key with = (Key)(key | (Key)((Key)1 << bit));
        if ((all.all ^ all.any) >> bit & 1 && pixels_below(from, some, with) < rank) key = with;
    }
    return key;
}

// The least key above another, or the least of all. If none is above, the greatest of its type.
INLINE Key next_key(const Pixels& from, Some& some, bool any, Key above)
{
    Key next = GREATEST;
    FOR_SOME(from, some)
        LANE_LOOP_JOIN(i, i0, i0 + BATCH, min, next) {
            const Key key = any | (some.keys[i] > above) ? some.keys[i] : GREATEST;
            next = key < next ? key : next;
        }
    return next;
}

INLINE u64 weight_of_key(const Pixels& from, Some& some, Key key)
{
    u64 weight = 0;
    FOR_SOME(from, some)
        LANE_LOOP_JOIN(i, i0, i0 + BATCH, +, weight) weight += some.keys[i] == key ? some.weights[i] : 0;
    return weight;
}

// The key with the greatest weight of some pixels that are all there are, by a table of keys.
#if LANES > 1
INLINE Key heaviest_kept(const Some& some)
{
    LANE_ARRAY u64 weights[2 * KEPT];
    LANE_ARRAY Key keys[2 * KEPT];
    u32 size = BATCH;
    while (size < 2 * (u32)some.n) size *= 2;
    for (u32 i = 0; i < size; ++i) weights[i] = 0;
    u64 greatest = 0;
    Key heaviest = 0;
    for (int i = 0; i < some.n; ++i) {
        const Key key = some.keys[i];
        u32 at = (u32)((u64)key * 0x9e3779b97f4a7c15ULL >> 40) & (size - 1);
        while (weights[at] && keys[at] != key) at = (at + 1) & (size - 1);
        keys[at] = key;
        weights[at] += some.weights[i];
        if (weights[at] > greatest || (weights[at] == greatest && key < heaviest)) {
            greatest = weights[at];
            heaviest = key;
        }
    }
    return heaviest;
}
#endif

// The key with the greatest weight: from key to key, as long as what remains may weigh more.
INLINE Key heaviest_key(const Pixels& from, Some& some)
{
    u64 rest = 0, greatest = 0;
    FOR_SOME(from, some)
        LANE_LOOP_JOIN(i, i0, i0 + BATCH, +, rest) rest += some.weights[i];
#if LANES > 1
    if (some.are_all) return heaviest_kept(some);
#endif
    Key heaviest = 0, key = 0;
    for (bool first = true; rest > greatest; first = false) {
        key = next_key(from, some, first, key);
        const u64 weight = weight_of_key(from, some, key);
        heaviest = weight > greatest ? key : heaviest;
        greatest = weight > greatest ? weight : greatest;
        rest -= weight;
    }
    return heaviest;
}

#if LANES > 1
// Modes of a run of boxes in one band, value by value for all of them together: fast where there are few, as of classes.
#define FEW_VALUES 12
#define STRIP_OF_ROWS 2048  // whose heights have 32 bits together

struct Modes {
    LANE_ARRAY u64 rest[LANES], greatest[LANES], first[LANES], last[LANES];  // first, last: widths
    LANE_ARRAY SRC_T value[LANES];
};

struct Area {
    const SRC_T* band;
    Index pitch;
    const Place* place;
    const Covers* at;
    Run run;
};

// n columns from x on, and so many more that they fill vectors, if these are there. What is found there does no harm.
INLINE int whole_batches(const Line& cols, Index x, int n)
{
    const int whole = (n + LANES - 1) / LANES * LANES;
    return x + whole <= cols.n ? whole : n;
}

// The lesser of a value and a pixel, if the pixel counts and is greater than another value, or any will do.
template <bool MASKED>
INLINE SRC_T lesser(SRC_T value, bool any, SRC_T above, const SRC_T* pixels, const u8* valid, int j)
{
    const SRC_T v = pixels[j];
    return (any | (v > above)) & (!MASKED || valid[j]) & (v < value) ? v : value;
}

// The least value above another, or the least of all. Of pixels beside the run too.
template <bool MASKED> INLINE SRC_T next_value(const Area& from, bool any, SRC_T above)
{
    const Place& place = *from.place;
    LANE_ARRAY SRC_T next[LANES];
    LANE_LOOP(l, 0, LANES) next[l] = Range<SRC_T>::highest;
    for (Index c = from.run.cols.first, n; c < from.run.cols.last; c += n) {
        n = neighbours(place.cols, c, from.run.cols.last);
        for (Index r = from.run.rows.first; r < from.run.rows.last; ++r) {
            const Index y = in_window(place.rows, r), x = in_window(place.cols, c);
            if (y >= place.rows.n || x >= place.cols.n) continue;
            const SRC_T* pixels = from.band + (y * from.pitch + x);
            const u8* valid = MASKED ? place.valid + (y * place.pitch + x) : nullptr;
            const int end = whole_batches(place.cols, x, (int)n);
            int begin = 0;
            for (; begin + LANES <= end; begin += LANES)
                LANE_LOOP(l, 0, LANES) next[l] = lesser<MASKED>(next[l], any, above, pixels, valid, begin + l);
            for (; begin < end; ++begin) next[0] = lesser<MASKED>(next[0], any, above, pixels, valid, begin);
        }
    }
    SRC_T least_one = next[0];
    for (int l = 1; l < LANES; ++l) least_one = next[l] < least_one ? next[l] : least_one;
    return least_one;
}

// Adds to sums what pixels of a value weigh, or all of them.
template <bool MASKED> INLINE void add_weights(const Area& from, bool all, SRC_T value, const Modes& modes, u64* sums)
{
    const Place& place = *from.place;
    const Covers& at = *from.at;
    const Run& run = from.run;
    const f64 unit = units(at.area[run.begin]);
    for (Index c = run.cols.first, n; c < run.cols.last; c += n) {
        n = neighbours(place.cols, c, run.cols.last);
        for (Index top = run.rows.first; top < run.rows.last; top += STRIP_OF_ROWS) {
            LANE_ARRAY u32 columns[COLUMNS];
            const int end = whole_batches(place.cols, in_window(place.cols, c), (int)n);
            LANE_LOOP(j, 0, end) columns[j] = 0;
            for (Index r = top, stop = least(top + STRIP_OF_ROWS, run.rows.last); r < stop; ++r) {
                const Index y = in_window(place.rows, r), x = in_window(place.cols, c);
                if (y >= place.rows.n || x >= place.cols.n) continue;
                const u32 height = (u32)in_units(length_between(at.top[run.begin], at.bottom[run.begin], (f64)r), unit);
                const SRC_T* pixels = from.band + (y * from.pitch + x);
                const u8* valid = MASKED ? place.valid + (y * place.pitch + x) : nullptr;
                LANE_LOOP(j, 0, end) columns[j] += (all | (pixels[j] == value)) & (!MASKED || valid[j]) ? height : 0;
            }
            RUN_LOOP(l, run) {
                const Index first = (Index)at.first_col[l], last = (Index)at.last_col[l] - 1;
                u64 inside = 0;
                for (Index k = most(c, first + 1), stop = least(c + n, last); k < stop; ++k) inside += columns[k - c];
                sums[l] += inside * (u64)unit;
                if (first >= c && first < c + n) sums[l] += columns[first - c] * modes.first[l];
                if (last > first && last >= c && last < c + n) sums[l] += columns[last - c] * modes.last[l];
            }
        }
    }
}

// Returns whether all modes were found. They are not where boxes of few pixels hold many values.
template <bool MASKED> INLINE bool find_modes(const Area& from, Modes& modes)
{
    const Covers& at = *from.at;
    const Run& run = from.run;
    const f64 unit = units(at.area[run.begin]);
    LANE_ARRAY u64 weights[LANES];
    RUN_LOOP(l, run) {
        modes.rest[l] = modes.greatest[l] = 0;
        modes.value[l] = 0;
        modes.first[l] = in_units(length_between(at.left[l], at.right[l], at.first_col[l]), unit);
        modes.last[l] = in_units(length_between(at.left[l], at.right[l], at.last_col[l] - 1.0), unit);
        if (units(at.area[l]) != unit) return false;
    }
    add_weights<MASKED>(from, true, 0, modes, modes.rest);
    const bool large = at.area[run.begin] > (f64)(KEPT / 2);
    SRC_T value = 0;
    for (int k = 0; k < FEW_VALUES || large; ++k) {
        value = next_value<MASKED>(from, k == 0, value);
        LANE_LOOP(l, run.begin, run.end) weights[l] = 0;
        add_weights<MASKED>(from, false, value, modes, weights);
        i32 open = 0;
        LANE_LOOP_JOIN(l, run.begin, run.end, +, open) {
            const bool heavier = weights[l] > modes.greatest[l];
            modes.value[l] = heavier ? value : modes.value[l];
            modes.greatest[l] = heavier ? weights[l] : modes.greatest[l];
            modes.rest[l] -= weights[l];
            open += modes.rest[l] > modes.greatest[l] ? 1 : 0;
        }
        if (!open) return true;
    }
    return false;
}
#endif

// The value of one pixel in one band.
INLINE SRC_T value_at(const Place& place, const SRC_T* band, Index pitch, const Covers& at, int l, bool masked)
{
    const Run run = run_from(at, l, l + 1);
    const Pixels from = {band, pitch, &place, &at, outline_at(at, l), l, run.rows, run.cols, masked};
    Some some;
    some.are_all = false;
    return value_of(QUARTERS ? key_of_rank(from, some) : heaviest_key(from, some));
}

KERNEL(area_values, Size rows, Size cols,
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS,
       Carried<OUT_T> nodata, Size outside, f64 least_share, f32* __restrict__ shares, Size shares_pitch)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Place place = PLACE_OF_PARAMETERS;
    const OUT_T empty = uncarried<OUT_T>(nodata);
    FOR_TILED_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Covers at;
        find_covers(place, grid, first_row + y, first_col + x, n, at);
        Covered covered;
        find_covered(place, at, n, covered);
        f32* shown = shares ? shares + (y * shares_pitch + x) : nullptr;
        say_covered(at, n, least_share, (u8)outside, covered, validity + (y * validity_pitch + x), shown);
        for (Index band = 0; band < bands; ++band) {
            const SRC_T* pixels = source + band * plane;
            OUT_T* to = image + (band * image_plane + y * image_pitch + x);
            Run run;
            for (int begin = 0; begin < n; begin = run.end) {
                run = run_from(at, begin, n);
                const bool masked = covered.masked[begin] != 0, any = any_value(run, covered);
#if LANES > 1
                Modes modes;
                const Area area = {pixels, pitch, &place, &at, run};
                const bool boxes = !QUARTERS && any && at.is_box[begin] != 0;
                if (boxes && (masked ? find_modes<true>(area, modes) : find_modes<false>(area, modes))) {
                    RUN_LOOP(l, run)
                        to[l] = covered.has_value[l] != 0 ? convert<OUT_T>((SRC_T)(modes.value[l] + (SRC_T)0)) : empty;
                    continue;
                }
#endif
                RUN_LOOP(l, run)
                    to[l] = any && covered.has_value[l] != 0 ? convert<OUT_T>(value_at(place, pixels, pitch, at, l, masked))
                                                            : empty;
            }
        }
    }
}
