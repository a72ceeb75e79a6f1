// boundary: which pixel of a line of n stands at place i beyond its ends, by the modes of numpy.pad.
// BEYOND_ZERO has none there, and answers -1.
#include "target.cuh"

#define BEYOND_ZERO 0
#define BEYOND_EDGE 1
#define BEYOND_REFLECT 2
#define BEYOND_SYMMETRIC 3
#define BEYOND_WRAP 4

INLINE Index place_of(Index i, Index n, Index mode)
{
    if (i >= 0 && i < n) return i;
    if (mode == BEYOND_ZERO) return -1;
    if (mode == BEYOND_EDGE || n == 1) return i < 0 ? 0 : n - 1;
    const Index twice = mode == BEYOND_SYMMETRIC ? 1 : 0;  // whether the outermost pixel comes twice
    while (i < 0 || i >= n)
        i = mode == BEYOND_WRAP ? (i < 0 ? i + n : i - n) : i < 0 ? -i - twice : 2 * n - 2 + twice - i;
    return i;
}

// Brings pixel i of an axis that begins anew every `period` pixels into the turn that begins at `least`, exactly.
INLINE f64 in_turn(f64 i, f64 least, f64 period) { return i - period * floor((i - least) / period); }

INLINE i32 whole_in_turn(i32 i, i32 least, i32 period)
{
    const i32 rest = (i - least) % period;
    return least + (rest < 0 ? rest + period : rest);
}

// Beyond so many pixels a coordinate has no place in any turn.
#define FARTHEST 1099511627776.0
