#include "CSegKernels.h"
#include <string.h>

extern const seg_kernels seg_kernels_baseline;

#if defined(__x86_64__)
extern const seg_kernels seg_kernels_avx2, seg_kernels_avx512, seg_kernels_avx512_bf16;

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}
// These kernels are for processors on which vdpbf16ps computes more terms a second than a float32 multiply–add: twice as many on Zen 4, but
// only 0.55 times as many on Emerald Rapids. For tests, SEG_ASSUME_BFLOAT16 selects them on every processor with AVX-512, because virtual
// machines may hide the instruction.
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
