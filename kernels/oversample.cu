// oversample: nodes brought to more pixels, bilinearly. For each output row and column a table says which node lies
// before it, and the weight of the node after that, out of `total`. A node of weight 0 has no say, whatever it holds.
// nodes: (node_rows x node_cols). -D NODE_T: u8 is a mask, where non-zero counts as 1. Or it is a real type.
// -D OUT_T: u8 is 1 where the weighted sum's size is at least `least_sum`, else 0. Or it is a real type, for the sum.
// Twin: twins.py:oversample.
#include "convert.cuh"
#include "target.cuh"

// What a node adds to the sum. The order of the products is that of SciPy, which differs by type.
INLINE f64 share(u8 node, f64 down, f64 across) { return node ? down * across : 0.0; }
INLINE f64 share(f32 node, f64 down, f64 across) { return (f64)node * (down * across); }
INLINE f64 share(f64 node, f64 down, f64 across) { return node * down * across; }

template <class T> INLINE f64 weighted(T node, f64 down, f64 across)
{
    return HAS_ZERO(down, across) ? 0.0 : share(node, down, across);
}

KERNEL(oversample, Size rows, Size cols, const NODE_T* __restrict__ nodes, Size node_rows, Size node_cols, Size pitch,
       const i32* __restrict__ row_node, const f64* __restrict__ row_weight, f64 row_total,
       const i32* __restrict__ col_node, const f64* __restrict__ col_weight, f64 col_total,
       f64 least_sum, OUT_T* __restrict__ out, Size out_pitch)
{
    FOR_SEGMENTS(y, rows, x, cols) {
        const int n = SEGMENT_WIDTH(x, cols);
        const Index r = row_node[y];
        const NODE_T *above = nodes + r * pitch, *below = r + 1 < node_rows ? above + pitch : above;
        const f64 down = row_weight[y], up = row_total - down;
        LANE_ARRAY NODE_T n1[LANES], n2[LANES], n3[LANES], n4[LANES];
        LANE_ARRAY f64 size[LANES];
        SCALAR_LOOP(l, n) {
            const Index left = col_node[x + l], right = left + 1 < node_cols ? left + 1 : left;
            if (LANES == 1) {  // fewer sums of 64 bits
                const NODE_T* first = nodes + (r * pitch + left);
                const Index to_right = right - left, to_below = r + 1 < node_rows ? pitch : 0;
                n1[l] = first[0];
                n2[l] = first[to_right];
                n3[l] = first[to_below];
                n4[l] = first[to_below + to_right];
                continue;
            }
            n1[l] = above[left];
            n2[l] = above[right];
            n3[l] = below[left];
            n4[l] = below[right];
        }
        LANE_LOOP(l, 0, n) {
            const f64 after = col_weight[x + l], before = col_total - after;
            const f64 value = weighted(n1[l], up, before) + weighted(n2[l], up, after)
                + weighted(n3[l], down, before) + weighted(n4[l], down, after);
            if constexpr (Kind<OUT_T>::is_float)
                out[y * out_pitch + x + l] = (OUT_T)value;
            else
                size[l] = fabs(value);
        }
        if constexpr (!Kind<OUT_T>::is_float)  // on its own: lanes of one size at a time vectorise
            LANE_LOOP(l, 0, n) out[y * out_pitch + x + l] = size[l] >= least_sum ? 1 : 0;
    }
}
