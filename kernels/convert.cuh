// convert: a value to the type of the image; as it is where the types are one.
// Integers are rounded half to even and clipped to their range.

template <class T> struct Range {
    static constexpr bool is_float = (T)0.5 != (T)0;
    static constexpr bool is_signed = (T)-1 < (T)0;
    static constexpr T highest = (T)(~0ULL >> (64 - 8 * sizeof(T) + is_signed));
    static constexpr T lowest = is_signed ? (T)(-(i64)highest - 1) : (T)0;
};

template <class A, class B> struct Same { static constexpr bool value = false; };
template <class A> struct Same<A, A> { static constexpr bool value = true; };

template <class T, class V> INLINE T convert(V value)
{
    if constexpr (Same<T, V>::value || Range<T>::is_float) {
        return (T)value;
    } else if constexpr (!Range<V>::is_float) {  // nearest: no detour by f64, which 64 bits would not survive
        if (value < (V)0)
            return Range<T>::is_signed && (i64)value >= (i64)Range<T>::lowest ? (T)value : Range<T>::lowest;
        return (u64)value <= (u64)Range<T>::highest ? (T)value : Range<T>::highest;
    } else {
        const f64 whole = rint((f64)value), low = (f64)Range<T>::lowest, high = (f64)Range<T>::highest;
        if constexpr (sizeof(T) < sizeof(i32))  // by way of i32, which vectorises
            return (T)(i32)(whole < low ? low : whole > high ? high : whole);
        else
            return whole >= high ? Range<T>::highest : whole <= low ? Range<T>::lowest : (T)whole;
    }
}
