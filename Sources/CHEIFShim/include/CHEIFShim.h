// HEIF and AVIF files through libheif, which is looked for while the program runs, so that neither building nor running needs it.
// A failure leaves one line in `message`.
#ifndef CHEIF_SHIM_H
#define CHEIF_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGIO_HEIF_MESSAGE_SIZE 256

typedef struct segio_heif_reader segio_heif_reader;

// The primary image, upright: libheif applies the turns and mirrors that the file states as properties of the image.
typedef struct {
  uint32_t width;
  uint32_t height;
  int bits;  // a sample: 8, or up to 16
  bool has_alpha;
  bool is_premultiplied;  // by alpha
} segio_heif_header;

// Whether the library is there.
bool segio_heif_is_available(void);

// Reads what stands before the pixels. `bytes` must live until the reader is closed. Null, with a message, where that fails.
segio_heif_reader *segio_heif_open(const void *bytes, size_t count, segio_heif_header *header, char *message);

// Decodes the image to RGB, or RGBA where it has alpha: `row_bytes` bytes a row, of samples of 8 bits or, where there are more, of
// 16 in native byte order.
bool segio_heif_read(segio_heif_reader *reader, void *samples, size_t row_bytes, char *message);

void segio_heif_close(segio_heif_reader *reader);

#endif
