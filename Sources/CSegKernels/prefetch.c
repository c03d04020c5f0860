#include "CSegKernels.h"
#include "cache_lines.inc"

void seg_prefetch(const float *x, long count) {
  for (long i = 0; i < count; i += SEG_LINE) seg_prefetch_read(x + i);
}
