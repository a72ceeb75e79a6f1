// share: of the weights of an output pixel's taps, by their sizes, the part that valid pixels have. Needs -D ACC_T, TAPS.
#include "target.cuh"
#include "weights.cuh"

// The size of a tap's weight. At a whole number just the anchor has one.
template <class F> INLINE ACC_T weight_size(F fraction, ACC_T weight, int k)
{
    return fraction != 0 ? (ACC_T)fabs(weight) : (ACC_T)(k == ANCHOR_TAP ? 1 : 0);
}

// Of a pixel that lacks something, which is not all, whatever the division says.
INLINE f32 share_of(ACC_T valid, ACC_T all)
{
    const f32 share = (f32)(valid / all);
    return share < 1.0f ? share : 0.99999994f;  // 1 - 2^-24
}
