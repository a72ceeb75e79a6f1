// covered_values: the values of source pixels that an output pixel covers, some at a time. No pixel is stored on CUDA: they
// are read again in each pass.
// Values are compared by their bits, so that those of 64 bits are exact. Needs -D SRC_T.
#include "convert.cuh"
#include "coverage.cuh"
#include "target.cuh"

// So many pixels are kept, and compared, at a time. Rows are copied by so many pixels.
#if LANES == 1
#define KEPT 1
#define BATCH 1
#define COPIED 1
#else
#define KEPT 1024
#define BATCH 64
#define COPIED 16
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

// Some of them, of those that count. Behind them stand keys that are the greatest.
struct Some {
    Index row, col;  // of the next one
    int n;
    bool are_all;  // whether there are no others
    LANE_ARRAY Key keys[KEPT + BATCH - 1];
};

// Keeps those of n pixels that count. Of the `room` pixels that can be read, some more are copied.
INLINE void keep(const RowWeights<true>&, Index, int n, Index room, const SRC_T* pixels, const u8* valid, Some& some)
{
    if (valid) {
        for (int j = 0; j < n; ++j) {
            some.keys[some.n] = key_of(pixels[j]);
            some.n += valid[j] ? 1 : 0;
        }
        return;
    }
    Key* keys = some.keys + some.n;
    int begin = 0;
    for (; begin < n && begin + COPIED <= room; begin += COPIED)
        LANE_LOOP(j, begin, begin + COPIED) keys[j] = key_of(pixels[j]);
    for (; begin < n; ++begin) keys[begin] = key_of(pixels[begin]);
    some.n += n;
}

INLINE void keep(const RowWeights<false>& row, Index c, int n, Index, const SRC_T* pixels, const u8* valid, Some& some)
{
    for (int first = 0; first < n; first += REALS) {
        LANE_ARRAY f64 weights[REALS];
        store_reals(weights, weights_from(row, c + first));
        for (int j = first; j < first + REALS && j < n; ++j) {
            some.keys[some.n] = key_of(pixels[j]);
            some.n += (weights[j - first] > 0) & (!valid || valid[j]) ? 1 : 0;
        }
    }
}

// Reads what there is room for.
template <bool BOX> INLINE void read_some(const Pixels& from, Some& some)
{
    const Place& place = *from.place;
    Index x = in_window(place.cols, some.col), columns = neighbours(place.cols, some.col, from.cols.last);
    some.n = 0;
    while (some.row < from.rows.last && some.n < KEPT) {
        const Index y = in_window(place.rows, some.row), col = some.col;
        const int n = LANES == 1 ? 1 : (int)least(columns, (Index)(KEPT - some.n));
        if (y < place.rows.n && x < place.cols.n) {
            const u8* valid = from.masked ? place.valid + (y * place.pitch + x) : nullptr;
            const RowWeights<BOX> row = row_weights<BOX>(*from.at, from.l, from.outline, some.row);
            keep(row, col, n, place.cols.n - x, from.band + (y * from.pitch + x), valid, some);
        }
        some.col += n;
        if (some.col >= from.cols.last) {
            some.col = from.cols.first;
            ++some.row;
        }
        if (some.col == col) continue;
        x = in_window(place.cols, some.col);
        columns = neighbours(place.cols, some.col, from.cols.last);
    }
    for (int i = some.n; i < some.n + BATCH - 1; ++i) some.keys[i] = GREATEST;
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

#define FOR_SOME(from, some) \
    for (bool first_ = (read_first(from, some), true); read_next(from, first_, some); first_ = false)
#define FOR_BATCHES(i0, some) for (int i0 = 0; i0 < some.n; i0 += BATCH)
