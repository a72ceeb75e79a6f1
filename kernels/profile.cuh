// profile: what a tap weighs that lies t scales from a coordinate, but for a factor that all taps share.
// -D TAPS: 2 linear, 4 cubic (Keys, a = -0.5), 6 Lanczos of three lobes. From HALF on, a tap weighs nothing.
// Needs -D TAPS.
#include "target.cuh"

#define HALF (TAPS / 2)

// sin(pi t) sin(pi t / 3) / (pi^2 t^2 / 3), for t from 0 on. Sine and cosine are Taylor's series, so that every machine has
// the same bits. Of pi g / 3, where g is how far t lies from a whole number. At whole numbers but 0 it is 0.
INLINE f64 lanczos_profile(f64 t)
{
    const f64 whole = rint(t), g = t - whole, a = g * 1.0471975511965976, b = a * a;  // pi / 3
    const f64 odd[7] = {6, 20, 42, 72, 110, 156, 210}, even[7] = {2, 12, 30, 56, 90, 132, 182};
    f64 sine = 1.0, c = 1.0;
    UNROLL for (int i = 6; i >= 0; --i) {
        sine = 1.0 - b * (1.0 / odd[i]) * sine;
        c = 1.0 - b * (1.0 / even[i]) * c;
    }
    const f64 s = a * sine, wave = s * (3.0 - 4.0 * (s * s));  // sin(pi g)
    const bool near = whole == 0.0, far = whole == 3.0;
    const f64 sine_there = near | far ? 0.0 : 0.8660254037844386;  // of pi whole / 3
    const f64 cosine_there = near ? 1.0 : far ? -1.0 : whole == 1.0 ? 0.5 : -0.5;
    const f64 both = wave * (sine_there * c + cosine_there * s), value = both / (3.289868133696453 * (t * t));  // pi^2 / 3
    return t == 0.0 ? 1.0 : whole == 1.0 | far ? -value : value;
}

INLINE f64 cubic_profile(f64 t)
{
    const f64 near = (1.5 * t - 2.5) * (t * t) + 1.0, beyond = 2.0 - t, far = 0.5 * (1.0 - t) * (beyond * beyond);
    return t < 1.0 ? near : far;
}

INLINE f64 profile(f64 distance)
{
    const f64 t = fabs(distance);
    const f64 value = TAPS == 2 ? 1.0 - t : TAPS == 4 ? cubic_profile(t) : lanczos_profile(t);
    return t < (f64)HALF ? value : 0.0;
}
