// The kernels for processors with AVX-512.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"), min_vector_width(512))), apply_to = function)
#define SEG_TABLE seg_kernels_avx512
#define SEG_NAME "avx512"
#define SEG_WIDTH 16
#define SEG_PANEL_REGISTERS 4
#define SEG_BFLOAT16_PRODUCTS 0
#include "kernels.inc"
#pragma clang attribute pop
#endif
