#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "CSegKernels.h"
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

long seg_available_processors(void) {
#if defined(__linux__)
  long quota = seg_quota_processors("/proc/self/cgroup", "/sys/fs/cgroup");
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    long count = CPU_COUNT(&set);
    return quota > 0 && quota < count ? quota : count;
  }
#endif
  return sysconf(_SC_NPROCESSORS_ONLN);
}

// What the system says, within what a core has to itself: on some processors a cluster shares the second level, in some virtual
// machines nothing is said.
long seg_core_cache_bytes(void) {
  long bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#elif defined(__APPLE__)
  size_t size = sizeof bytes;
  if (sysctlbyname("hw.l2cachesize", &bytes, &size, 0, 0) != 0) bytes = 0;
#endif
  const long least = 256L << 10, most = 2L << 20;
  if (bytes <= 0) return 2 * least;
  return bytes < least ? least : bytes > most ? most : bytes;
}
