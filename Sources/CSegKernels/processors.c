#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "CSegKernels.h"
#include <unistd.h>

long seg_available_processors(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return sysconf(_SC_NPROCESSORS_ONLN);
}
