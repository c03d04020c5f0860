// Makes OpenBLAS choose its product again where it took this processor for a much older one.
//
// OpenBLAS up to 0.3.24 falls back to the kernels of 2004 (Prescott, SSE3) on Intel models that are newer than itself, whatever
// they can do (OpenBLAS issue 4267, mended in 0.3.25); on such a machine sgemm runs at a fifth of its rate. The choice is made
// when the library is loaded, so a program cannot set OPENBLAS_CORETYPE in time for it. Here the choice is made once more, by
// the library's own two functions for it, before main and so before any thread can be in a product. Where the variable is set,
// the choice is somebody's and stays; where the functions are missing (other platforms, static builds) nothing happens.

#include "CSegKernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__) && defined(__x86_64__)
extern char **environ;
extern char *openblas_get_corename(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

// The cores of OpenBLAS whose kernels use neither AVX2 nor AVX-512.
static int is_older_than_avx2(const char *core) {
  static const char *const names[] = {"Katmai",  "Coppermine", "Northwood", "Prescott", "Banias",       "Core2",  "Penryn",
                                      "Dunnington", "Nehalem",  "Atom",      "Athlon",   "Sandybridge"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(core, names[i]) == 0) return 1;
  return 0;
}

__attribute__((constructor)) static void choose_core_again(void) {
  if (!openblas_get_corename || !gotoblas_dynamic_init || !gotoblas_dynamic_quit) return;
  if (getenv("OPENBLAS_CORETYPE") || !is_older_than_avx2(openblas_get_corename())) return;
  const char *set = seg_select_kernels()->instruction_set;
  const char *core = strcmp(set, "avx512") == 0 ? "SkylakeX" : strcmp(set, "avx2") == 0 ? "Haswell" : 0;
  if (!core) return;

  // The variable is set in an environment of its own: setenv would move the process's environment off the stack, where a statically linked
  // Swift runtime looks for the arguments before it, and finds none.
  char **const environment = environ;
  size_t count = 0;
  while (environment && environment[count]) count++;
  char variable[64];
  snprintf(variable, sizeof variable, "OPENBLAS_CORETYPE=%s", core);
  char **const own = malloc((count + 2) * sizeof *own);
  if (!own) return;
  own[0] = variable;
  for (size_t i = 0; i < count; i++) own[i + 1] = environment[i];
  own[count + 1] = 0;
  environ = own;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  environ = environment;
  free(own);
}
#endif
