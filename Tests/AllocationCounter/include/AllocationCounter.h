#ifndef ALLOCATIONCOUNTER_H
#define ALLOCATIONCOUNTER_H

#include <stdbool.h>

/// Whether allocations are counted on this platform and in this build: on Linux with glibc and without a sanitizer, which has
/// its own allocator.
bool counts_allocations(void);

/// How often the calling thread has allocated memory, OpenBLAS's own buffers left out. Only differences mean something.
long allocation_count(void);

#endif
