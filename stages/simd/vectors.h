// What every file of vector code includes first, before Highway: which targets are compiled, everywhere the same.
#pragma once

#define HWY_COMPILE_ALL_ATTAINABLE  // plain loops too: "scalar" is what the others are compared with
// The row functions undo an interleaving within blocks of 128 bits by a packing within blocks of 128 bits; vectors
// whose length only the machine knows have no such blocks.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
