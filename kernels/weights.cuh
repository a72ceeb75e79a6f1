// weights: what the TAPS source pixels on one axis weigh, for a fraction f in [0, 1) beyond the anchor pixel.
// TAPS 1 is nearest, 2 linear, 4 cubic (Keys 1981, a = -0.5), 6 Lanczos of three lobes, normalised to a sum of 1.
// With SPLINE the B-spline of order TAPS - 1, times the factorial of its order, as its filter leaves out that gain.
// The first tap is FIRST_TAP pixels from the anchor.

#ifndef SPLINE
#define SPLINE 0
#endif
#if TAPS == 1
#define ANCHOR_SHIFT 0.5  // the anchor is floor(x + 0.5), so halves go up
#define FIRST_TAP 0
#else
#define ANCHOR_SHIFT 0.0
#define FIRST_TAP (1 - TAPS / 2)
#endif
#define ANCHOR_TAP (-FIRST_TAP)
#define LAST_TAP (FIRST_TAP + TAPS - 1)
// The taps that have a weight where f is 0. What the last tap of a B-spline weighs is 0 then.
#define FIRST_AT_WHOLE (SPLINE ? 0 : ANCHOR_TAP)
#define LAST_AT_WHOLE (SPLINE ? TAPS - 2 : ANCHOR_TAP)

// Three taps of the Lanczos window, at distances f, f + 1 and f + 2, but for a factor. The sine is Taylor's series, so
// that every machine has the same bits; sin(3 a) is by the triple angle.
template <class T> INLINE void lanczos_side(T f, T* w0, T* w1, T* w2)
{
    const T a = f * T(1.0471975511965976), b = a * a;  // pi / 3
    // 1 / (2 * 3), 1 / (4 * 5), … and 1 / (1 * 2), 1 / (3 * 4), …
    const f64 odd[9] = {6, 20, 42, 72, 110, 156, 210, 272, 342}, even[9] = {2, 12, 30, 56, 90, 132, 182, 240, 306};
    T sine = T(1), c = T(1);
    UNROLL for (int i = 8; i >= 0; --i) {
        sine = T(1) - b * T(1.0 / odd[i]) * sine;
        c = T(1) - b * T(1.0 / even[i]) * c;
    }
    const T s = a * sine;
    const T wave = T(3) * s - T(4) * s * s * s, h = T(0.8660254037844386) * c;  // sin(pi / 3)
    *w0 = wave * s / (f * f);
    *w1 = -wave * (T(0.5) * s + h) / ((f + T(1)) * (f + T(1)));
    *w2 = wave * (h - T(0.5) * s) / ((f + T(2)) * (f + T(2)));
}

template <class T> INLINE void tap_weights(T f, T (*w)[LANES], int l)
{
#if SPLINE  // de Boor's recursion: every term is positive, nothing cancels
    T v[TAPS];
    v[0] = T(1);
    UNROLL for (int d = 1; d < TAPS; ++d) {
        v[d] = f * v[d - 1];
        UNROLL for (int j = TAPS - 2; j > 0; --j)
            if (j < d) v[j] = (T(j + 1) - f) * v[j] + (T(d - j) + f) * v[j - 1];
        v[0] = (T(1) - f) * v[0];
    }
    UNROLL for (int k = 0; k < TAPS; ++k) w[k][l] = v[k];
#elif TAPS == 1
    w[0][l] = T(1);
#elif TAPS == 2
    w[0][l] = T(1) - f;
    w[1][l] = f;
#elif TAPS == 4
    const T f2 = f * f, f3 = f2 * f;
    w[0][l] = T(-0.5) * f3 + f2 - T(0.5) * f;
    w[1][l] = T(1.5) * f3 - T(2.5) * f2 + T(1);
    w[2][l] = T(-1.5) * f3 + T(2) * f2 + T(0.5) * f;
    w[3][l] = T(0.5) * f3 - T(0.5) * f2;
#else
    T v[6];
    lanczos_side(f, v + 2, v + 1, v);
    lanczos_side(T(1) - f, v + 3, v + 4, v + 5);
    const T share = T(1) / (((v[0] + v[1]) + (v[2] + v[3])) + (v[4] + v[5]));
    UNROLL for (int k = 0; k < 6; ++k) w[k][l] = v[k] * share;
#endif
}

// The sum of TAPS values (numbers or vectors) by the weights of lane l; in one fixed order.
// whole: whether f is 0. Then just the taps count that have a weight, whatever the others hold.
template <class T, class V> INLINE V weighted_sum(const T (*w)[LANES], int l, const V* v, bool whole)
{
#if TAPS == 1
    return v[0];
#elif SPLINE
    V sum = w[0][l] * v[0];
    UNROLL for (int k = 1; k < TAPS - 1; ++k) sum = sum + w[k][l] * v[k];
    return whole ? sum : sum + w[TAPS - 1][l] * v[TAPS - 1];
#elif TAPS == 2
    return whole ? v[ANCHOR_TAP] : w[0][l] * v[0] + w[1][l] * v[1];
#elif TAPS == 4
    return whole ? v[ANCHOR_TAP] : (w[0][l] * v[0] + w[1][l] * v[1]) + (w[2][l] * v[2] + w[3][l] * v[3]);
#else
    V sum = w[0][l] * v[0];
    UNROLL for (int k = 1; k < TAPS; ++k) sum = sum + w[k][l] * v[k];
    return whole ? v[ANCHOR_TAP] : sum;
#endif
}
