#include "CSegKernels.h"
#include <string.h>

extern const seg_kernels seg_kernels_baseline;

#if defined(__x86_64__)
extern const seg_kernels seg_kernels_avx2, seg_kernels_avx512, seg_kernels_avx512_bf16;

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}
// Products of bfloat16 have to be faster than those of float32: Zen 4 and 5 do twice as many terms, Intel's cores half as many (0.55 of the
// rate of float32, on Emerald Rapids). A build that defines SEG_ASSUME_BFLOAT16 takes them on every processor with AVX-512, also where a
// virtual machine hides them, for tests.
static int has_avx512_bf16(void) {
#if defined(SEG_ASSUME_BFLOAT16)
  return has_avx512();
#else
  return has_avx512() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
#endif
}
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

const seg_kernels *seg_select_kernels(void) {
#if defined(__x86_64__)
  if (has_avx512_bf16()) return &seg_kernels_avx512_bf16;
  if (has_avx512()) return &seg_kernels_avx512;
  if (has_avx2()) return &seg_kernels_avx2;
#endif
  return &seg_kernels_baseline;
}

const seg_kernels *seg_kernels_named(const char *name) {
#if defined(__x86_64__)
  if (strcmp(name, "avx512-bf16") == 0) return has_avx512_bf16() ? &seg_kernels_avx512_bf16 : 0;
  if (strcmp(name, "avx512") == 0) return has_avx512() ? &seg_kernels_avx512 : 0;
  if (strcmp(name, "avx2") == 0) return has_avx2() ? &seg_kernels_avx2 : 0;
#endif
  return strcmp(name, "baseline") == 0 ? &seg_kernels_baseline : 0;
}
