// The bytes behind a libtiff handle, and the first error of the handle.
#ifndef CTIFF_SHIM_FILE_H
#define CTIFF_SHIM_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <tiffio.h>

#include "CTIFFShim.h"

typedef struct {
  const uint8_t *bytes;  // null where the bytes are those of the descriptor
  int descriptor;
  uint64_t count;
  uint64_t position;
  int write_error;                        // errno of the first write that failed, else 0
  char message[SEGIO_TIFF_MESSAGE_SIZE];  // the first error since it was last emptied
} segio_tiff_file;

// Opens a handle whose functions and messages are those of `file`, which must not move. Null where that fails.
TIFF *segio_tiff_client(segio_tiff_file *file, const char *mode, size_t maximum_allocation);

// Copies the first error to `message`, and empties it.
void segio_tiff_take_message(segio_tiff_file *file, char *message);

#endif
