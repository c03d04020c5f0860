#ifndef SEG_COPENBLAS_SHIM_H
#define SEG_COPENBLAS_SHIM_H
#include <cblas.h>
#include <lapacke.h>
/// `lapack_int` is a macro in some releases, which Swift cannot import.
typedef lapack_int seg_lapack_int;
#endif
