#include "CBundledWeights.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif

_Alignas(64) static const unsigned char u2netp[] = {
#embed "weights/u2netp.safetensors"
};

const void *seg_bundled_u2netp(size_t *size) {
  *size = sizeof u2netp;
  return u2netp;
}

_Alignas(64) static const unsigned char nuclei_unet[] = {
#embed "weights/nuclei-unet.safetensors"
};

const void *seg_bundled_nuclei_unet(size_t *size) {
  *size = sizeof nuclei_unet;
  return nuclei_unet;
}
