#ifndef C_BUNDLED_WEIGHTS_H
#define C_BUNDLED_WEIGHTS_H

#include <stddef.h>

/// Returns the bytes of weights/u2netp.safetensors, and their number in `size`.
const void *seg_bundled_u2netp(size_t *size);

/// Returns the bytes of weights/nuclei-unet.safetensors, and their number in `size`.
const void *seg_bundled_nuclei_unet(size_t *size);

#endif
