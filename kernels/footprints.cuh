// footprints: what a word says of a source pixel: four bits a band, as in gpumask/masks/footprint.py.
// With -D BY_BAND it has eight bands, the first in its lowest bits. Otherwise it has one, or all bands together.
#include "target.cuh"

#ifndef BY_BAND
#define BY_BAND 0
#endif
#if BY_BAND
typedef u32 Footprints;
#define BANDS_A_WORD 8
#else
typedef u8 Footprints;
#define BANDS_A_WORD 1
#endif
#define BITS_A_BAND 4
