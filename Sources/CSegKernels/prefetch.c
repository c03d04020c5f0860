#include "CSegKernels.h"

#define LINE 16  // floats of a line of a cache

void seg_prefetch(const float *x, long count, int for_writing) {
  if (for_writing)
    for (long i = 0; i < count; i += LINE) __builtin_prefetch(x + i, 1, 2);
  else
    for (long i = 0; i < count; i += LINE) __builtin_prefetch(x + i, 0, 2);
}
