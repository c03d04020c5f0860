// The kernels for processors with AVX2 and fused multiply–add.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define SEG_TABLE seg_kernels_avx2
#define SEG_NAME "avx2"
#define SEG_WIDTH 8
#define SEG_PANEL_REGISTERS 2
#define SEG_BFLOAT16_PRODUCTS 0
#include "kernels.inc"
#pragma clang attribute pop
#endif
