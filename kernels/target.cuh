// target: the only file that asks which compiler reads it. One kernel text serves NVRTC and the host's C++ compiler.
// A kernel works on segments: LANES neighbouring pixels of one output row. On CUDA a segment is one pixel, one thread,
// and every lane array melts into registers. On the host it is wide enough for the compiler to vectorise the lane loops.

typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

#if defined(__CUDACC__)

#define LANES 1
// Sizes and offsets: -D INDEX=i32 where all of them fit, which the caller knows.
#ifndef INDEX
#define INDEX i64
#endif
typedef INDEX Index;
struct Size {  // a parameter: 8 bytes, of which an Index is read
    i64 number;
    __device__ __forceinline__ operator Index() const { return (Index)number; }
};
// Of 256 threads each, so many blocks on a multiprocessor at least: 4 leave 64 registers to a thread.
#ifndef BLOCKS
#define BLOCKS 4
#endif
#define KERNEL(name, ...) extern "C" __global__ void __launch_bounds__(256, BLOCKS) name(__VA_ARGS__)
#define INLINE static __device__ __forceinline__
#define CALLED INLINE
#define INLINE_MEMBER __device__ __forceinline__
#define LANE_ARRAY
#define LANE_LOOP(l, first, last) for (int l = 0; l < 1; ++l)
#define LANE_LOOP_ALL(l, first, last, flag) LANE_LOOP(l, first, last)
#define LANE_LOOP_JOIN(l, first, last, operation, value) LANE_LOOP(l, first, last)
#define SCALAR_LOOP(l, last) LANE_LOOP(l, 0, last)
// A loop of few turns that is written out here, and vectorised on the host.
#define SHORT_LOOP(l, last) _Pragma("unroll") for (int l = 0; l < last; ++l)
// Before a loop whose every turn is to be written out.
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
#define SEGMENT_WIDTH(x, cols) 1
// A thread makes ROWS pixels of a column, so that it finds out but once what they share. Blocks cover the shape. With
// 64-bit sizes, of which there may be more than a launch has blocks, they stride.
#ifndef ROWS
#define ROWS 4
#endif
#define STRIDE(next, end) (sizeof(Index) == 8 ? (Index)(next) : end)
#define FOR_SEGMENTS(y, rows, x, cols)                                                                          \
    for (Index x = (Index)blockIdx.x * blockDim.x + threadIdx.x; x < cols;                                      \
         x = STRIDE(x + (Index)gridDim.x * blockDim.x, cols))                                                   \
        for (Index top = (Index)blockIdx.y * (blockDim.y * ROWS), stop = top + (Index)(blockDim.y * ROWS);      \
             stop = stop < rows ? stop : (Index)rows, top < stop;                                               \
             top = STRIDE(top + (Index)gridDim.y * (blockDim.y * ROWS), rows), stop = top + (Index)(blockDim.y * ROWS)) \
            _Pragma("unroll 1") for (Index y = top + (Index)threadIdx.y; y < stop; y += (Index)blockDim.y)
#define FOR_TILED_SEGMENTS FOR_SEGMENTS
#define FOR_TILED_SEGMENTS_WITH(kept, y, rows, x, cols) FOR_SEGMENTS(y, rows, x, cols)
#define IS_BELOW_THE_LAST(y) false
// A thread's strip: ROWS neighbouring pixels of a column, STRIP_STEP(pitch) apart.
#define STRIP ROWS
#define STRIP_STEP(pitch) (pitch)
#define STRIP_SIZE(y, rows, x, cols) (int)(rows - y < ROWS ? rows - y : ROWS)
#define STRIP_LOOP(l, first, last)                    \
    _Pragma("unroll") for (int l = 0; l < STRIP; ++l) \
        if (l < first || l >= last) {                 \
        } else
#define FOR_STRIPS(y, rows, x, cols)                                                                                \
    for (Index x = (Index)blockIdx.x * blockDim.x + threadIdx.x; x < cols;                                          \
         x = STRIDE(x + (Index)gridDim.x * blockDim.x, cols))                                                       \
        for (Index y = ((Index)blockIdx.y * blockDim.y + threadIdx.y) * ROWS; y < rows;                             \
             y = STRIDE(y + (Index)gridDim.y * (blockDim.y * ROWS), rows))
#define PREFETCH(address) (void)(address)
#define PREFETCH_TO_WRITE(address) (void)(address)

template <class T, int N> struct Vector {
    T at[N];
    INLINE_MEMBER Vector operator+(const Vector& other) const
    {
        Vector sum;
        for (int i = 0; i < N; ++i) sum.at[i] = at[i] + other.at[i];
        return sum;
    }
    friend INLINE_MEMBER Vector operator*(T factor, const Vector& v)
    {
        Vector product;
        for (int i = 0; i < N; ++i) product.at[i] = factor * v.at[i];
        return product;
    }
};
template <class T, int N, class S> INLINE Vector<T, N> load_vector(const S* from)
{
    Vector<T, N> v;
    for (int i = 0; i < N; ++i) v.at[i] = (T)from[i];
    return v;
}
template <class T, int N> INLINE void store_vector(T* to, const Vector<T, N>& v)
{
    for (int i = 0; i < N; ++i) to[i] = v.at[i];
}
INLINE void stream_segment(u8* to, const u8* from) { *to = *from; }
// N bytes as one word, the first as the lowest.
template <class Word, int N> INLINE Word load_bytes(const u8* from)
{
    Word word = 0;
    UNROLL for (int i = 0; i < N; ++i) word |= (Word)from[i] << 8 * i;
    return word;
}

// As many reals as the host handles at a time. Here it is one.
#define REALS 1
typedef f64 Reals;
INLINE Reals counted_from(f64 first) { return first; }
template <class S> INLINE Reals load_reals(const S* from) { return (f64)*from; }
INLINE void store_reals(f64* to, Reals v) { *to = v; }
INLINE Reals floored(Reals v) { return floor(v); }

// n / d for n below 2^31, by Granlund and Montgomery 1994: magic is 2^(31 + shift) / d, rounded up.
INLINE i32 quotient(i32 n, i32, i64 magic, i64 shift) { return (i32)(__umulhi((u32)n << 1, (u32)magic) >> (u32)shift); }
INLINE i64 quotient(i64 n, i64 d, i64, i64) { return n / d; }

INLINE u64 high_product(u64 a, u64 b) { return __umul64hi(a, b); }

// a / b, rounded once, of whole b whose odd part is below 2^51: high and low are 1 / b in two parts, each rounded. What
// is rounded here lies within 2^-105.4 of a / b, relatively. No middle between two f64 is within 2^-105 of it. Of a
// subnormal product the last bit may be wrong. Of an infinite a this may be NaN.
// Proof: tests/kernels/test_divisions.py.
INLINE f64 divided(f64 a, f64 b, f64 high, f64 low)
{
    return sizeof(Index) == 8 ? a / b : fma(a, high, a * low);  // b may be large then
}

// A whole number from 0 on, by a subtraction.
INLINE f64 whole_f64(i32 i) { return __hiloint2double(0x43300000, i) - 4503599627370496.0; }  // 2^52
INLINE f64 whole_f64(i64 i) { return (f64)i; }

template <class T> INLINE bool is_finite(T v) { return v - v == 0; }
INLINE bool is_finite(f64 v) { return (__double2hiint(v) & 0x7ff00000) != 0x7ff00000; }  // without FP64, as is_zero
INLINE bool is_zero(f64 v) { return ((__double2hiint(v) & 0x7fffffff) | __double2loint(v)) == 0; }
#define HAS_ZERO(a, b) (is_zero(a) | is_zero(b))  // without a branch

// floor(v). number: the same less `origin`. Where v lies far away or is no number it is beyond what an Index may be.
INLINE f64 floored(f64 v, i32 origin, i32* number)
{
    const i32 whole = __double2int_rd(v);  // which saturates, as the next
    *number = (i32)((u32)whole - (u32)origin);
    return __hiloint2double(0x43300000, whole ^ (i32)0x80000000) - 4503601774854144.0;  // 2^52 + 2^31
}
INLINE f64 floored(f64 v, i64 origin, i64* number)
{
    const u64 whole = (u64)__double2ll_rd(v);
    *number = (i64)(whole - (u64)origin);
    return __longlong_as_double((i64)(0x4338000000000000ULL + whole)) - 6755399441055744.0;  // 1.5 * 2^52, for |v| below 2^51
}
INLINE bool is_below(i32 i, i32 n) { return (u32)i < (u32)n; }  // and not below 0
INLINE bool is_below(i64 i, i64 n) { return (u64)i < (u64)n; }

#else

// What the kernels use of <math.h>, which in C++ takes longer to compile than a small kernel.
extern "C" f64 floor(f64) noexcept;
extern "C" f64 rint(f64) noexcept;
extern "C" f64 sqrt(f64) noexcept;
extern "C" f64 fabs(f64) noexcept;
extern "C" f64 nan(const char*) noexcept;
inline f32 rint(f32 v) { return __builtin_rintf(v); }
inline f32 fabs(f32 v) { return __builtin_fabsf(v); }
#ifndef LANES
#define LANES 64
#endif
typedef i64 Index;
typedef i64 Size;
#define PRAGMA(text) _Pragma(#text)
#define KERNEL(name, ...) extern "C" void name(i32 threads, __VA_ARGS__)
#define INLINE inline __attribute__((always_inline))
#define CALLED static __attribute__((noinline))  // a large function of which one copy is enough
#define LANE_ARRAY alignas(64)
#define LANE_LOOP(l, first, last) PRAGMA(omp simd) for (int l = first; l < last; ++l)
// As LANE_LOOP, for a body that ANDs its lanes into flag.
#define LANE_LOOP_ALL(l, first, last, flag) PRAGMA(omp simd reduction(& : flag)) for (int l = first; l < last; ++l)
// The same for a body that joins its lanes to a value, of whole numbers, by +, & or min.
#define LANE_LOOP_JOIN(l, first, last, operation, value) \
    PRAGMA(omp simd reduction(operation : value)) for (int l = first; l < last; ++l)
// Lanes that each load from a place of their own: the empty asm keeps the compiler from gathering across them, which
// costs three times what a short load for each lane does.
#define SCALAR_LOOP(l, last) for (int l = 0; l < last; ({ asm volatile(""); }), ++l)
#define SHORT_LOOP(l, last) LANE_LOOP(l, 0, last)
#define UNROLL _Pragma("GCC unroll 16")
#define ROLLED
#define SEGMENT_WIDTH(x, cols) (int)(cols - x < LANES ? cols - x : LANES)
#define FOR_SEGMENTS(y, rows, x, cols)                              \
    PRAGMA(omp parallel for num_threads(threads) schedule(static)) \
    for (i64 y = 0; y < rows; ++y)                                  \
        for (i64 x = 0; x < cols; x += LANES)
// A strip is a segment, STRIP pixels of a row.
#define STRIP LANES
#define STRIP_STEP(pitch) 1
#define STRIP_SIZE(y, rows, x, cols) SEGMENT_WIDTH(x, cols)
#define STRIP_LOOP LANE_LOOP
#define FOR_STRIPS FOR_SEGMENTS
// By tiles of one segment by some rows: however the source lies, what they read of it stays in the nearest cache.
// Dynamic, since rows outside the source cost nothing.
#define TILE_ROWS 32
#define TILED_LOOPS(y, rows, x, cols)                  \
    for (i64 tile = 0; tile < rows; tile += TILE_ROWS) \
        for (i64 x = 0; x < cols; x += LANES)          \
            for (i64 y = tile; y < (tile + TILE_ROWS < rows ? tile + TILE_ROWS : rows); ++y)
#define FOR_TILED_SEGMENTS(y, rows, x, cols) \
    PRAGMA(omp parallel for num_threads(threads) schedule(dynamic)) TILED_LOOPS(y, rows, x, cols)
// The same with a variable of which each thread has its own. In it a segment finds what the last one left, which is the one
// above it unless it begins a tile.
#define FOR_TILED_SEGMENTS_WITH(kept, y, rows, x, cols) \
    PRAGMA(omp parallel for num_threads(threads) schedule(dynamic) private(kept)) TILED_LOOPS(y, rows, x, cols)
#define IS_BELOW_THE_LAST(y) (y % TILE_ROWS != 0)
#define PREFETCH(address) __builtin_prefetch((const void*)(address))
#define PREFETCH_TO_WRITE(address) __builtin_prefetch((const void*)(address), 1)

INLINE i64 quotient(i64 n, i64 d, i64, i64) { return n / d; }
INLINE u64 high_product(u64 a, u64 b) { return (u64)((unsigned __int128)a * b >> 64); }
INLINE f64 divided(f64 a, f64 b, f64, f64) { return a / b; }
INLINE f64 whole_f64(i32 i) { return (f64)i; }
INLINE f64 whole_f64(i64 i) { return (f64)i; }
#define HAS_ZERO(a, b) ((a) == 0.0 || (b) == 0.0)  // a function would vectorise worse
template <class T> INLINE bool is_finite(T v) { return v - v == 0; }

template <class T, int N> struct VectorOf {
    typedef T type __attribute__((vector_size(N * sizeof(T))));
};
template <class T, int N> using Vector = typename VectorOf<T, N>::type;
template <class T, int N, class S> INLINE Vector<T, N> load_vector(const S* from)
{
    Vector<S, N> v;
    __builtin_memcpy(&v, from, sizeof v);
    return __builtin_convertvector(v, Vector<T, N>);
}
#if defined(__SSE2__)
#include <smmintrin.h>  // <immintrin.h> takes half a second to compile
#endif
#if defined(__AVX2__)
// Four small integers as reals, in two instructions. Compilers take a dozen.
#if defined(__clang__)
#define FOUR_F64(v) __builtin_convertvector((Vector<i32, 4>)(v), Vector<f64, 4>)
#else
#define FOUR_F64(v) __builtin_ia32_cvtdq2pd256((Vector<i32, 4>)(v))  // _mm256_cvtepi32_pd of <immintrin.h>
#endif
INLINE __m128i four_i32(const u8* from) { return _mm_cvtepu8_epi32(_mm_loadu_si32(from)); }
INLINE __m128i four_i32(const i8* from) { return _mm_cvtepi8_epi32(_mm_loadu_si32(from)); }
INLINE __m128i four_i32(const u16* from) { return _mm_cvtepu16_epi32(_mm_loadu_si64(from)); }
INLINE __m128i four_i32(const i16* from) { return _mm_cvtepi16_epi32(_mm_loadu_si64(from)); }
#define LOAD_FOUR(S)                                                                                          \
    template <> INLINE Vector<f64, 4> load_vector<f64, 4, S>(const S* from) { return FOUR_F64(four_i32(from)); }   \
    template <> INLINE Vector<f32, 4> load_vector<f32, 4, S>(const S* from) { return _mm_cvtepi32_ps(four_i32(from)); }
LOAD_FOUR(u8) LOAD_FOUR(i8) LOAD_FOUR(u16) LOAD_FOUR(i16)
#endif
template <class T, class V> INLINE void store_vector(T* to, const V& v) { __builtin_memcpy(to, &v, sizeof v); }

#define REALS 8
typedef Vector<f64, REALS> Reals;
INLINE Reals counted_from(f64 first) { return first + Reals{0, 1, 2, 3, 4, 5, 6, 7}; }
template <class S> INLINE Reals load_reals(const S* from)
{
    if constexpr (sizeof(S) >= 4) {
        return load_vector<f64, REALS>(from);
    } else {  // by way of i32, for which there are instructions
        Vector<S, REALS> v;
        __builtin_memcpy(&v, from, sizeof v);
        return __builtin_convertvector(__builtin_convertvector(v, Vector<i32, REALS>), Reals);
    }
}
INLINE void store_reals(f64* to, const Reals& v) { __builtin_memcpy(to, &v, sizeof v); }
INLINE Reals floored(Reals v)
{
    LANE_ARRAY f64 each[REALS];
    store_reals(each, v);
    LANE_LOOP(l, 0, REALS) each[l] = floor(each[l]);
    return load_reals(each);
}

template <class Word, int N> INLINE Word load_bytes(const u8* from)
{
    Word word = 0;
    __builtin_memcpy(&word, from, N);  // on machines that store the lowest byte first, as those of today do
    return word;
}

// Writes a segment's bytes past the caches where a line of memory is written whole: it need not be read before.
INLINE void stream_segment(u8* to, const u8* from)
{
#if defined(__SSE2__)
    if (LANES % 64 == 0 && (u64)to % 64 == 0) {
        for (int l = 0; l < LANES; l += 16) _mm_stream_si128((__m128i*)(to + l), _mm_load_si128((const __m128i*)(from + l)));
        return;
    }
#endif
    __builtin_memcpy(to, from, LANES);
}

#endif

// The address of an element that may lie beyond its array, where a pointer may not go.
template <class T> INLINE u64 address_of(const T* array, i64 index) { return (u64)array + (u64)index * sizeof(T); }

// Asks for what the segment to the right will read or write, where memory is visited tile by tile.
template <class T> INLINE void prefetch_right(const T* row)
{
    UNROLL for (int l = LANES; LANES > 1 && l < 2 * LANES; l += 64 / (int)sizeof(T)) PREFETCH(address_of(row, l));
}
template <class T> INLINE void prefetch_right_to_write(const T* row)
{
    UNROLL for (int l = LANES; LANES > 1 && l < 2 * LANES; l += 64 / (int)sizeof(T)) PREFETCH_TO_WRITE(address_of(row, l));
}
