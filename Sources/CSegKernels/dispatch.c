#include "CSegKernels.h"
#include <string.h>

extern const seg_kernels seg_kernels_baseline;

#if defined(__x86_64__)
extern const seg_kernels seg_kernels_avx2, seg_kernels_avx512;

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

const seg_kernels *seg_select_kernels(void) {
#if defined(__x86_64__)
  if (has_avx512()) return &seg_kernels_avx512;
  if (has_avx2()) return &seg_kernels_avx2;
#endif
  return &seg_kernels_baseline;
}

const seg_kernels *seg_kernels_named(const char *name) {
#if defined(__x86_64__)
  if (strcmp(name, "avx512") == 0) return has_avx512() ? &seg_kernels_avx512 : 0;
  if (strcmp(name, "avx2") == 0) return has_avx2() ? &seg_kernels_avx2 : 0;
#endif
  return strcmp(name, "baseline") == 0 ? &seg_kernels_baseline : 0;
}
