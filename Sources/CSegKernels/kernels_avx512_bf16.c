// The kernels for processors with AVX-512 and its products of bfloat16.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma"), min_vector_width(512))), apply_to = function)
#define SEG_TABLE seg_kernels_avx512_bf16
#define SEG_NAME "avx512-bf16"
#define SEG_WIDTH 16
#define SEG_PANEL_REGISTERS 4
#define SEG_BFLOAT16_PRODUCTS 1
#include "kernels.inc"
#pragma clang attribute pop
#endif
