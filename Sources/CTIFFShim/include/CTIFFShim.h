// libtiff without its variadic functions, which Swift cannot call, and without its process-wide message handlers:
// errors are kept for each file, warnings are dropped, nothing is printed. Needs libtiff 4.5, where handlers belong to
// a file.
#ifndef CTIFF_SHIM_H
#define CTIFF_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGIO_TIFF_MESSAGE_SIZE 256

typedef struct segio_tiff segio_tiff;

// The tags of a page that say how its pixels lie, with the defaults of TIFF 6.0 where a tag is absent.
typedef struct {
  uint32_t page_count;      // directories that are not a reduced copy or a mask of another; all where there is no other
  bool is_reduced;          // all directories are reduced copies, as in raw files of cameras
  uint32_t width;
  uint32_t height;
  uint16_t bits;            // a sample
  uint16_t samples;         // a pixel
  uint16_t sample_format;   // 1 unsigned, 2 signed, 3 floating point, 4 undefined, 5 and 6 complex
  uint16_t photometric;     // 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, ...
  bool has_photometric;
  uint16_t compression;     // 1 none
  uint16_t ink_set;         // 1 CMYK, 2 other inks
  bool is_planar;           // each sample has blocks of its own
  bool is_tiled;
  uint16_t orientation;     // 1 to 8, as in EXIF
  uint16_t extra_count;     // samples behind those that the photometric interpretation names
  uint16_t first_extra;     // 0 unspecified, 1 associated alpha, 2 unassociated alpha
  bool has_maximum;         // MaxSampleValue or SMaxSampleValue is there
  double maximum;
  bool has_no_data;         // GDAL's tag for the sample that stands for none is there
  double no_data;
  uint32_t block_width;     // of a tile, or the image's width
  uint32_t block_height;    // of a tile, or the rows of a strip
  uint64_t block_bytes;     // decoded size of a whole tile or strip, of one sample where planar; 0 where it overflows
  uint32_t block_count;     // over all samples where planar
} segio_tiff_header;

// Opens a page, counted from 1, of a file that lies in memory, which must live until it is closed. No single allocation exceeds
// `maximum_allocation`. Null, with a message, where that fails; where the file has no such page `page_count` is below `page`, and
// not zero.
segio_tiff *segio_tiff_open(
    const void *bytes, size_t count, size_t maximum_allocation, uint32_t page, segio_tiff_header *header, char *message);

// Decodes one strip or tile, and must fill all `size` bytes of `to`. YCbCr under JPEG arrives as RGB, and samples of
// 16, 32 and 64 bits in native byte order.
bool segio_tiff_read_block(segio_tiff *tiff, uint32_t index, void *to, size_t size, char *message);

// Decodes the page to red, green, blue and alpha of 8 bits, `4 * width * height` bytes, by libtiff's own conversion, rows and
// columns as they lie in the file. `raster` has room for that many bytes.
bool segio_tiff_read_rgba(segio_tiff *tiff, uint32_t *raster, char *message);

// The colour map: 2 to the power of `bits` entries a channel, 16 bits each. False where the file has none.
bool segio_tiff_color_map(segio_tiff *tiff, const uint16_t **red, const uint16_t **green, const uint16_t **blue);

void segio_tiff_close(segio_tiff *tiff);

#endif
