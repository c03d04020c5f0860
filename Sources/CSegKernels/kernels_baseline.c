// The kernels for any processor: SSE2 on x86-64, NEON on arm64.
#define SEG_TABLE seg_kernels_baseline
#define SEG_NAME "baseline"
#define SEG_WIDTH 4
#define SEG_PANEL_REGISTERS 2
#define SEG_BFLOAT16_PRODUCTS 0
#include "kernels.inc"
