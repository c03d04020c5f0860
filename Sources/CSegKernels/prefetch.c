#include "CSegKernels.h"

#define LINE 16  // floats of a line of a cache

void seg_prefetch(const float *x, long stride, long rows, long count, int for_writing) {
  if (stride == count) {
    count *= rows;
    rows = 1;
  }
  for (long row = 0; row < rows; row++, x += stride) {
    if (for_writing)
      for (long i = 0; i < count; i += LINE) __builtin_prefetch(x + i, 1, 2);
    else
      for (long i = 0; i < count; i += LINE) __builtin_prefetch(x + i, 0, 2);
  }
}
