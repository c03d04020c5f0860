// libpng behind functions that return: libpng reports errors by longjmp, which must not pass through a Swift frame, so
// every call that may fail is made here, under a setjmp of its own. Nothing is printed; a failure leaves one line in
// `message`.
#ifndef CPNG_SHIM_H
#define CPNG_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGIO_PNG_MESSAGE_SIZE 256

typedef struct segio_png_reader segio_png_reader;

// What the header and the chunks before the pixels say.
typedef struct {
  uint32_t width;
  uint32_t height;
  int bit_depth;          // of a sample, or of an index into the palette: 1, 2, 4, 8 or 16
  bool is_palette;
  bool has_color;         // samples are red, green, blue; false for grey and for a palette
  bool has_alpha;         // an alpha sample lies behind the others
  bool has_transparency;  // a tRNS chunk gives alpha to palette entries or to one colour
} segio_png_header;

// How the pixels are delivered.
typedef enum {
  // Palettes become RGB, tRNS becomes an alpha sample, grey of 1, 2 or 4 bits is scaled to 8; 16 bits in native byte
  // order.
  segio_png_colors,
  // Palette indices and grey values as they are stored: one byte each up to 8 bits, 16 bits in native byte order.
  segio_png_raw_values,
} segio_png_delivery;

// Reads up to the pixels. `bytes` must live until the reader is closed. Null, with a message, where that fails.
segio_png_reader *segio_png_open(const void *bytes, size_t count, segio_png_header *header, char *message);

// Reads all rows, then the rest of the file. `row_bytes` is what the caller expects of a row; another size is an error.
// A reader is read once.
bool segio_png_read(
    segio_png_reader *reader, segio_png_delivery delivery, void *samples, size_t row_bytes, char *message);

// What a file says of its picture beside the pixels. Texts end with a zero; all lives as long as the reader, and is null where it is
// not there.
typedef struct {
  const uint8_t *exif;            // an EXIF block that begins with its TIFF header
  size_t exif_count;
  const char *hexadecimal_exif;   // as older programs write it: a name and a size, each on a line, then hexadecimal digits
  const char *xmp;
} segio_png_metadata;

// The metadata before and, of a file that was read, behind the pixels.
void segio_png_metadata_of(segio_png_reader *reader, segio_png_metadata *metadata);

void segio_png_close(segio_png_reader *reader);

typedef struct {
  uint32_t width;
  uint32_t height;
  int bit_depth;               // 8, or 16 in native byte order
  int channels;                // 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; 1 with a palette
  const uint8_t *palette_rgb;  // null where there is no palette
  int palette_count;
} segio_png_description;

// Encodes an image into memory that the caller releases with `free`. Null, with a message, where that fails.
uint8_t *segio_png_encode(const segio_png_description *description, const void *samples, size_t *count, char *message);

#endif
