// area_values: of the source pixels that an output pixel covers the most frequent value, or a quantile.
// -D QUARTERS: 0 is the mode, for which a pixel counts by the area of it that is covered. Of equal ones it is the least
// value. Otherwise it is the least value that so many quarters of the pixels don't exceed, each of which counts once.
// Values are compared by their bits, so that those of 64 bits are exact. The quantile is found by bisection. No pixel is
// stored on CUDA: they are read again in each pass.
// SRC_T, OUT_T, VALIDITY_T and arguments: as in area.cu. Twin: area_twins.py:area_values.
#include "convert.cuh"
#include "parameters.cuh"
#include "shares.cuh"
#include "target.cuh"

// Pixels that are kept at a time.
#if LANES == 1
#define KEPT 1
#else
#define KEPT 1024
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

// The pixels of one band that an output pixel covers. Of those that don't count the weight is 0, and the key the greatest.
struct Covered {
    const SRC_T* band;
    Index pitch;
    const Place* place;
    const Covers* at;
    Outline outline;
    int l;
    f64 unit;  // a weight of 1
    Span rows, cols;
    bool masked;
};

// Some of them. A weight is a whole number of units: sums don't depend on their order.
struct Some {
    Index row, col;  // of the next one
    int n;
    bool are_all;  // whether there are no others
    LANE_ARRAY Key keys[KEPT];
    LANE_ARRAY u64 weights[KEPT];
};

INLINE f64 weight_of(const RowWeights<true>& row, const Covered& from, Index c)
{
    return row.height * width_at<true>(*from.at, from.l, c);
}
INLINE f64 weight_of(const RowWeights<false>& row, const Covered&, Index c)
{
    LANE_ARRAY f64 weights[REALS];
    store_reals(weights, weights_from(row, (f64)c));
    return weights[0];
}

// Reads as many pixels as can be kept.
template <bool BOX> INLINE void read_some(const Covered& from, Some& some)
{
    const Place& place = *from.place;
    some.n = 0;
    while (some.row < from.rows.last && some.n < KEPT) {
        const RowWeights<BOX> row = row_weights<BOX>(*from.at, from.l, from.outline, some.row);
        const Index y = in_window(place.rows, some.row);
        for (; some.col < from.cols.last && some.n < KEPT; ++some.col, ++some.n) {
            const Index x = in_window(place.cols, some.col);
            const bool here = x < place.cols.n && y < place.rows.n;
            const f64 weight = weight_of(row, from, some.col);
            const bool counts = here && weight > 0 && (!from.masked || place.valid[y * place.pitch + x]);
            some.keys[some.n] = counts ? key_of(from.band[y * from.pitch + x]) : GREATEST;
            some.weights[some.n] = counts ? (u64)most(weight * from.unit + 0.5, 1.0) : 0;
        }
        if (some.col < from.cols.last) break;
        some.col = from.cols.first;
        ++some.row;
    }
}

INLINE void read_first(const Covered& from, Some& some)
{
    if (some.are_all) return;
    some.row = from.rows.first;
    some.col = from.cols.first;
    some.n = 0;
}

// Returns whether there are some more. Those that are all there are need not be read again.
INLINE bool read_next(const Covered& from, bool first, Some& some)
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

#define FOR_SOME(from, some) \
    for (bool first_ = (read_first(from, some), true); read_next(from, first_, some); first_ = false)

// The pixels that count, the sum of their weights, and the bits in which some keys differ.
struct Survey {
    u64 pixels, weights;
    Key all, any;
};

INLINE Survey survey(const Covered& from, Some& some)
{
    Survey found = {0, 0, GREATEST, 0};
    FOR_SOME(from, some)
        for (int i = 0; i < some.n; ++i) {
            const bool counts = some.weights[i] != 0;
            found.pixels += counts ? 1 : 0;
            found.weights += some.weights[i];
            found.all &= counts ? some.keys[i] : GREATEST;
            found.any |= counts ? some.keys[i] : (Key)0;
        }
    return found;
}

INLINE u64 pixels_below(const Covered& from, Some& some, Key key)
{
    u64 pixels = 0;
    FOR_SOME(from, some) {
        u32 here = 0;
        LANE_LOOP_SUM(i, 0, some.n, here) here += some.keys[i] < key ? 1 : 0;
        pixels += here;
    }
    return pixels;
}

// The key below which there are less than `rank` pixels, and which is the greatest such key: that of one of them.
INLINE Key key_of_rank(const Covered& from, Some& some, const Survey& all, u64 rank)
{
    Key key = all.all;
    for (int bit = 8 * (int)sizeof(Key) - 1; bit >= 0; --bit) {
        const Key with = (Key)(key | (Key)((Key)1 << bit));
        if ((all.all ^ all.any) >> bit & 1 && pixels_below(from, some, with) < rank) key = with;
    }
    return key;
}

// The least key above another, or the least of all. Where none is above, the greatest of its type.
INLINE Key next_key(const Covered& from, Some& some, bool any, Key above)
{
    Key next = GREATEST;
    FOR_SOME(from, some)
        for (int i = 0; i < some.n; ++i) {
            const Key key = some.keys[i];
            next = (any | (key > above)) & (key < next) ? key : next;
        }
    return next;
}

INLINE u64 weight_of_key(const Covered& from, Some& some, Key key)
{
    u64 weight = 0;
    FOR_SOME(from, some) {
        u64 here = 0;
        LANE_LOOP_SUM(i, 0, some.n, here) here += some.keys[i] == key ? some.weights[i] : 0;
        weight += here;
    }
    return weight;
}

// From value to value, as long as what remains may weigh more than the heaviest.
INLINE Key heaviest_key(const Covered& from, Some& some, const Survey& all)
{
    Key heaviest = 0, key = 0;
    u64 most_weight = 0;
    bool first = true;
    for (u64 rest = all.weights; rest > most_weight; first = false) {
        key = next_key(from, some, first, key);
        const u64 weight = weight_of_key(from, some, key);
        heaviest = weight > most_weight ? key : heaviest;
        most_weight = weight > most_weight ? weight : most_weight;
        rest -= weight;
    }
    return heaviest;
}

KERNEL(area_values, Size rows, Size cols,
       SOURCE_PARAMETERS, VALID_PARAMETERS, GRID_PARAMETERS, TARGET_PARAMETERS,
       Carried<OUT_T> nodata, Size outside, f64 least_share)
{
    const Grid grid = GRID_OF_PARAMETERS;
    const Place place = PLACE_OF_PARAMETERS;
    const OUT_T empty = uncarried<OUT_T>(nodata);
    FOR_TILED_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        Covers at;
        find_covers(place, grid, first_row + y, first_col + x, n, at);
        Shares shares;
        find_shares(place, at, n, shares);
        say_shares(at, n, least_share, (u8)outside, shares, validity + (y * validity_pitch + x));
        for (int l = 0; l < n; ++l) {
            const Run run = run_from(at, l, l + 1);
            const f64 unit = at.area[l] < 1048576.0 ? 1099511627776.0 : 1048576.0;  // 2^20, 2^40: sums have 63 bits
            Covered from = {source, pitch, &place, &at, outline_at(at, l), l, unit, run.rows, run.cols, shares.masked[l] != 0};
            for (Index band = 0; band < bands; ++band) {
                OUT_T value = empty;
                if (shares.has_value[l] != 0) {
                    Some some;
                    some.are_all = false;
                    from.band = source + band * plane;
                    const Survey all = survey(from, some);
                    const Key key = QUARTERS ? key_of_rank(from, some, all, (QUARTERS * all.pixels + 3) / 4)
                                             : heaviest_key(from, some, all);
                    value = convert<OUT_T>(value_of(key));
                }
                image[band * image_plane + y * image_pitch + x + l] = value;
            }
        }
    }
}
