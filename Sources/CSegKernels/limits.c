// What this process may use of the machine: processors by its control group's quota, address space by its limit.

#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CSegKernels.h"
#include <limits.h>
#if defined(__linux__)
#include <sched.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)

// The first line of a file that stands at a folder below a mount, without its end; 0 where there is none.
static int read_line(const char *mount, const char *folder, const char *name, char *line, int size) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s%s/%s", mount, folder, name) >= (int)sizeof path) return 0;
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  int is_read = fgets(line, size, file) != 0;
  fclose(file);
  return is_read;
}

// Quota over period of one group, rounded up; 0 where it has no quota.
static long quota_of(const char *mount, const char *folder, int version) {
  char line[128];
  long quota = 0, period = 0;
  if (version == 2) {
    // "max 100000" or "150000 100000".
    if (!read_line(mount, folder, "cpu.max", line, sizeof line)) return 0;
    if (sscanf(line, "%ld %ld", &quota, &period) != 2) return 0;
  } else {
    if (!read_line(mount, folder, "cpu.cfs_quota_us", line, sizeof line)) return 0;
    quota = atol(line);
    if (!read_line(mount, folder, "cpu.cfs_period_us", line, sizeof line)) return 0;
    period = atol(line);
  }
  return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

// The least quota of a group and those above it. In a container the group's name may be that outside it; then its mount's root is
// the group.
static long least_quota(const char *mount, char *folder, int version) {
  long least = 0;
  for (;;) {
    long quota = quota_of(mount, folder, version);
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
    char *slash = strrchr(folder, '/');
    if (!slash) return least;
    *slash = 0;
  }
}

long seg_quota_processors(const char *groups, const char *mount) {
  FILE *file = fopen(groups, "re");
  if (!file) return 0;
  char line[4096];
  long least = 0;
  while (fgets(line, sizeof line, file)) {
    // "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1.
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *folder = controllers ? strchr(controllers + 1, ':') : 0;
    if (!folder) continue;
    *controllers++ = 0;
    *folder++ = 0;
    if (strcmp(folder, "/") == 0) *folder = 0;
    long quota = 0;
    if (*controllers == 0) {
      quota = least_quota(mount, folder, 2);
    } else {
      int has_processors = 0;
      char names[256];
      snprintf(names, sizeof names, "%s", controllers);
      for (char *name = strtok(names, ","); name; name = strtok(0, ",")) has_processors |= strcmp(name, "cpu") == 0;
      if (!has_processors) continue;
      char place[4096];
      snprintf(place, sizeof place, "%s/%s", mount, controllers);
      quota = least_quota(place, folder, 1);
    }
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  }
  fclose(file);
  return least;
}

long seg_address_space_left(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return LONG_MAX;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return LONG_MAX;
  long pages = 0;
  int count = fscanf(file, "%ld", &pages);
  fclose(file);
  if (count != 1) return LONG_MAX;
  long used = pages * sysconf(_SC_PAGESIZE), allowed = limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur;
  return allowed > used ? allowed - used : 0;
}

// OpenBLAS maps a buffer of 128 MB for each thread that is in a product at once, and tries for ever where it gets none.
static const long product_buffer = 128L << 20, product_margin = 16L << 20;
extern void *blas_memory_alloc(int) __attribute__((weak));
extern void blas_memory_free(void *) __attribute__((weak));

int seg_reserve_product_buffers(int threads) {
  if (seg_address_space_left() == LONG_MAX || !blas_memory_alloc || !blas_memory_free) return threads;
  void *buffers[256];
  int count = 0;
  if (threads > 256) threads = 256;
  // Buffers that are given back stay mapped, and the next products take them. The first was mapped when the library was loaded.
  while (count < threads && (count == 0 || seg_address_space_left() > product_buffer + product_margin))
    buffers[count++] = blas_memory_alloc(0);
  for (int index = 0; index < count; index++) blas_memory_free(buffers[index]);
  return count;
}

#if defined(__x86_64__)
// Threads that OpenBLAS starts when it is loaded, by its environment, which getenv does not know yet.
static long product_threads(char **environment) {
  static const char *const names[] = {"OPENBLAS_NUM_THREADS=", "GOTO_NUM_THREADS=", "OMP_NUM_THREADS="};
  cpu_set_t set;
  long processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  if (processors > 64) processors = 64;
  for (unsigned name = 0; name < sizeof names / sizeof *names; name++)
    for (char **entry = environment; entry && *entry; entry++)
      if (strncmp(*entry, names[name], strlen(names[name])) == 0) {
        long count = atol(*entry + strlen(names[name]));
        if (count > 0) return count < processors ? count : processors;
      }
  return processors;
}

// Runs before the libraries' own initialisers, of which OpenBLAS's would not return.
static void require_address_space(int count, char **arguments, char **environment) {
  long left = seg_address_space_left();
  if (left == LONG_MAX) return;
  long threads = product_threads(environment), needed = threads * product_buffer + product_margin;
  if (left > needed) return;
  const char *slash = count > 0 ? strrchr(arguments[0], '/') : 0, *name = slash ? slash + 1 : count > 0 ? arguments[0] : "seg";
  char message[512];
  int length = snprintf(
    message, sizeof message,
    "%.100s: too little memory: the limit on address space (ulimit -v) leaves %ld MB, %ld are needed for %ld threads of OpenBLAS "
    "(OPENBLAS_NUM_THREADS)\n",
    name, left >> 20, needed >> 20, threads);
  ssize_t written = write(STDERR_FILENO, message, length);
  (void)written;
  _exit(65);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(int, char **, char **) =
  require_address_space;
#endif

#else

long seg_quota_processors(const char *groups, const char *mount) { return 0; }
long seg_address_space_left(void) { return LONG_MAX; }
int seg_reserve_product_buffers(int threads) { return threads; }

#endif
