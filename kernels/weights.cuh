// weights: what the TAPS source pixels on one axis weigh, for a fraction f in [0, 1) beyond the anchor pixel.
// TAPS 1 is nearest, 2 linear, 4 cubic (Keys 1981, a = -0.5). The first tap is FIRST_TAP pixels from the anchor.

#if TAPS == 1
#define ANCHOR_SHIFT 0.5  // the anchor is floor(x + 0.5), so halves go up
#define FIRST_TAP 0
#else
#define ANCHOR_SHIFT 0.0
#define FIRST_TAP (1 - TAPS / 2)
#endif
#define ANCHOR_TAP (-FIRST_TAP)
#define LAST_TAP (FIRST_TAP + TAPS - 1)

template <class T> INLINE void tap_weights(T f, T (*w)[LANES], int l)
{
#if TAPS == 1
    w[0][l] = T(1);
#elif TAPS == 2
    w[0][l] = T(1) - f;
    w[1][l] = f;
#else
    const T f2 = f * f, f3 = f2 * f;
    w[0][l] = T(-0.5) * f3 + f2 - T(0.5) * f;
    w[1][l] = T(1.5) * f3 - T(2.5) * f2 + T(1);
    w[2][l] = T(-1.5) * f3 + T(2) * f2 + T(0.5) * f;
    w[3][l] = T(0.5) * f3 - T(0.5) * f2;
#endif
}

// The sum of TAPS values (numbers or vectors) by the weights of lane l; in one fixed order.
template <class T, class V> INLINE V weighted_sum(const T (*w)[LANES], int l, const V* v)
{
#if TAPS == 1
    return v[0];
#elif TAPS == 2
    return w[0][l] * v[0] + w[1][l] * v[1];
#else
    return (w[0][l] * v[0] + w[1][l] * v[1]) + (w[2][l] * v[2] + w[3][l] * v[3]);
#endif
}
