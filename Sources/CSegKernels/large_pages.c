#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/mman.h>
#endif
#include "CSegKernels.h"

void seg_advise_large_pages(void *memory, unsigned long byte_count) {
#if defined(__linux__)
  const unsigned long page = 2UL << 20;
  const unsigned long first = ((unsigned long)memory + page - 1) / page * page;
  const unsigned long last = ((unsigned long)memory + byte_count) / page * page;
  if (first < last) madvise((void *)first, last - first, MADV_HUGEPAGE);  // advice: a refusal costs some speed alone
#else
  (void)memory, (void)byte_count;
#endif
}
