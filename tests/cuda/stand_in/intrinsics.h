// What CUDA's compiler knows by itself of the functions that the kernels call, for a C++ compiler.
// The headers take longer to compile than most kernels, so what is needed of <math.h> is declared here.
extern "C" double floor(double) noexcept;
extern "C" double rint(double) noexcept;
extern "C" double sqrt(double) noexcept;
extern "C" double fabs(double) noexcept;
extern "C" double sqrt(double) noexcept;
extern "C" double fma(double, double, double) noexcept;
extern "C" double nan(const char*) noexcept;
inline float rint(float v) { return __builtin_rintf(v); }
inline float fabs(float v) { return __builtin_fabsf(v); }

template <class T, class V> static inline T be_bits(V value)
{
    static_assert(sizeof(T) == sizeof(V), "as many bits");
    T bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline long long __double_as_longlong(double v) { return be_bits<long long>(v); }
static inline double __longlong_as_double(long long v) { return be_bits<double>(v); }
static inline int __double2hiint(double v) { return (int)(be_bits<long long>(v) >> 32); }
static inline int __double2loint(double v) { return (int)be_bits<long long>(v); }
static inline double __hiloint2double(int high, int low)
{
    return be_bits<double>((long long)((unsigned long long)(unsigned)high << 32 | (unsigned)low));
}
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

// A whole number of a type: saturates. NaN has the highest bit alone, but 0 of f32 in 32 bits; see __float2int_rn.
template <class T> static inline T be_saturated(double whole)
{
    const bool is_signed = (T)-1 < (T)0;
    const double end = __builtin_ldexp(1.0, 8 * (int)sizeof(T) - (is_signed ? 1 : 0));
    const T least = is_signed ? (T)((T)1 << (8 * sizeof(T) - 1)) : (T)0;
    if (whole != whole) return (T)((T)1 << (8 * sizeof(T) - 1));
    return whole >= end ? (T)(least - (T)1) : whole < (is_signed ? -end : 0.0) ? least : (T)whole;
}
static inline int __double2int_rd(double v) { return be_saturated<int>(floor(v)); }
static inline long long __double2ll_rd(double v) { return be_saturated<long long>(floor(v)); }
static inline long long __double2ll_rn(double v) { return be_saturated<long long>(rint(v)); }
static inline unsigned long long __double2ull_rn(double v) { return be_saturated<unsigned long long>(rint(v)); }
static inline int __double2int_rn(double v) { return be_saturated<int>(rint(v)); }
static inline unsigned __double2uint_rn(double v) { return be_saturated<unsigned>(rint(v)); }
static inline long long __float2ll_rn(float v) { return __double2ll_rn(v); }
static inline unsigned long long __float2ull_rn(float v) { return __double2ull_rn(v); }
static inline int __float2int_rn(float v) { return v != v ? 0 : __double2int_rn(v); }
static inline unsigned __float2uint_rn(float v) { return v != v ? 0 : __double2uint_rn(v); }
