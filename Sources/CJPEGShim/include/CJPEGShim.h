// libjpeg behind functions that return: it reports errors by longjmp, which must not pass through a Swift frame, so every call
// that may fail is made here, under a setjmp of its own. Its warnings are told apart: those that leave every pixel as it was
// written are findings, all others are failures. Nothing is printed; a failure leaves one line in `message`.
#ifndef CJPEG_SHIM_H
#define CJPEG_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGIO_JPEG_MESSAGE_SIZE 256

typedef struct segio_jpeg_reader segio_jpeg_reader;

// What a pixel is delivered as.
typedef enum {
  segio_jpeg_grey = 1,
  segio_jpeg_rgb = 3,
  // The samples of the file, which are inverted inks where an Adobe program wrote it.
  segio_jpeg_cmyk = 4,
  // Components without a meaning that is known.
  segio_jpeg_other = 0,
} segio_jpeg_colors;

// What stands before the pixels.
typedef struct {
  uint32_t width;
  uint32_t height;
  segio_jpeg_colors colors;
  int components;
  bool has_adobe_marker;
  bool is_huffman;       // rather than arithmetic coding
  const uint8_t *exif;   // the first EXIF block, behind its name; it lives until the pixels are read. Null where there is none
  size_t exif_count;
  const uint8_t *xmp;    // the first XMP packet, likewise
  size_t xmp_count;
} segio_jpeg_header;

// What is wrong with a file all of whose pixels are there.
typedef struct {
  bool has_no_end_marker;
} segio_jpeg_findings;

// Reads up to the pixels. `bytes` must live until the reader is closed. Null, with a message, where that fails; then
// `is_unsupported` says whether the file is valid but of a kind that libjpeg does not decode.
segio_jpeg_reader *segio_jpeg_open(
    const void *bytes, size_t count, segio_jpeg_header *header, bool *is_unsupported, char *message);

// Decodes all rows, `width` times the samples of `colors` bytes each. Fails where pixels are missing or made up. A reader is read
// once.
bool segio_jpeg_read(segio_jpeg_reader *reader, uint8_t *samples, segio_jpeg_findings *findings, char *message);

void segio_jpeg_close(segio_jpeg_reader *reader);

#endif
