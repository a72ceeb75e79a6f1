// parameters: lists that several kernels share. Each is a structure of gpumask/backends/arguments.py.
// -D SRC_T is the type of the source's pixels, -D OUT_T that of the image's.
#include "target.cuh"

// bands x rows x cols of a source. pitch: pixels from row to row. plane: pixels from band to band.
#define PIXELS_PARAMETERS const SRC_T *__restrict__ source, Size bands, Size pitch, Size plane

// A window of a whole image, which begins at (origin_row, origin_col) there. The whole begins anew every `period` pixels;
// 0: never.
#define SOURCE_PARAMETERS                                                                                          \
    PIXELS_PARAMETERS, Size source_rows, Size source_cols, i64 origin_row, i64 origin_col, i64 row_period,         \
        i64 col_period

// valid: non-zero where a pixel is valid, or null if all are.
#define VALID_PARAMETERS const u8 *__restrict__ valid, Size valid_pitch

// The nodes of a grid, and a whole grid. See struct Grid in coords.cuh. first_row, first_col: of the output pixels.
#define NODES_PARAMETERS                                                                                           \
    const f64 *__restrict__ grid_row, const f64 *__restrict__ grid_col, Size grid_pitch,                           \
        const u8 *__restrict__ grid_mask, Size mask_pitch, f64 grid_nodata
#define DIVISIONS_PARAMETERS                                                                                       \
    i64 row_magic, i64 row_shift, i64 col_magic, i64 col_shift, Size area, f64 area_high, f64 area_low,            \
        i64 area_magic, i64 area_shift, i64 area_less
#define GRID_PARAMETERS                                                                                            \
    NODES_PARAMETERS, Size grid_rows, Size grid_cols, Size row_step, Size col_step, Size first_row,                \
        Size first_col, DIVISIONS_PARAMETERS

// An image, and its validity: of all bands, or by band.
#define TARGET_PARAMETERS                                                                                          \
    OUT_T *__restrict__ image, Size image_pitch, Size image_plane, u8 *__restrict__ validity, Size validity_pitch, \
        Size validity_plane

// Of an image, what says which source pixels are valid, and where the shares of these go. Both are of all bands, or by band.
#define SHARES_PARAMETERS                                                                                          \
    const u8 *__restrict__ valid, Size valid_pitch, Size valid_plane, f32 *__restrict__ shares, Size shares_pitch, \
        Size shares_plane

// What an output pixel becomes that gets no value, what its validity is where no pixel of the source is there, and the least
// share of valid ones with which it gets one. Where the shares go, or null.
#define AREAS_PARAMETERS                                                                                           \
    Carried<OUT_T> nodata, Size outside, f64 least_share, f32 *__restrict__ shares, Size shares_pitch
