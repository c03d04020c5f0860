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

// The same of an open file of `count` bytes, which is read as blocks are asked for. The descriptor's own position is neither used
// nor changed.
segio_tiff *segio_tiff_open_descriptor(
    int descriptor, uint64_t count, size_t maximum_allocation, uint32_t page, segio_tiff_header *header, char *message);

// Decodes one strip or tile, and must fill all `size` bytes of `to`. YCbCr under JPEG arrives as RGB, and samples of
// 16, 32 and 64 bits in native byte order.
bool segio_tiff_read_block(segio_tiff *tiff, uint32_t index, void *to, size_t size, char *message);

// Decodes a part of the page to red, green, blue and alpha of 8 bits, `4 * width * height` bytes, by libtiff's own conversion, rows
// and columns as they lie in the file. The part lies in one strip or tile and begins with it; of a strip it has the whole width.
// `raster` has room for that many bytes.
bool segio_tiff_read_rgba(
    segio_tiff *tiff, uint32_t row, uint32_t column, uint32_t height, uint32_t width, uint32_t *raster, char *message);

// The tags of GeoTIFF (OGC 19-008) and the one of GDAL for missing data, and the types of their elements (TIFF 6.0).
enum {
  SEGIO_TIFF_PIXEL_SCALE = 33550,
  SEGIO_TIFF_TIEPOINTS = 33922,
  SEGIO_TIFF_TRANSFORMATION = 34264,
  SEGIO_TIFF_KEY_DIRECTORY = 34735,
  SEGIO_TIFF_DOUBLE_PARAMETERS = 34736,
  SEGIO_TIFF_ASCII_PARAMETERS = 34737,
  SEGIO_TIFF_NO_DATA = 42113,
  SEGIO_TIFF_ASCII = 2,
  SEGIO_TIFF_SHORT = 3,
  SEGIO_TIFF_DOUBLE = 12,
};

// The elements of one of these tags, in native byte order, which live as long as the file is open. False where the page has none
// of that type.
bool segio_tiff_tag(segio_tiff *tiff, uint32_t tag, uint16_t type, uint32_t *count, const void **values);

// The colour map: 2 to the power of `bits` entries a channel, 16 bits each. False where the file has none.
bool segio_tiff_color_map(segio_tiff *tiff, const uint16_t **red, const uint16_t **green, const uint16_t **blue);

void segio_tiff_close(segio_tiff *tiff);

typedef struct segio_tiff_writer segio_tiff_writer;

// How the pixels of a file that is written lie in it. Samples of a pixel adjoin.
typedef struct {
  uint32_t width;
  uint32_t height;
  uint16_t bits;            // a sample: 8, 16 or 32
  uint16_t samples;         // a pixel; further ones than the first have no stated meaning
  uint16_t sample_format;   // 1 unsigned, 3 floating point
  uint16_t compression;     // 1 none, 8 deflate
  uint16_t predictor;       // 1 none, 2 differences, 3 differences of floating-point samples
  uint32_t tile_width;      // 0 for strips
  uint32_t tile_height;
  uint32_t rows_per_strip;
  const uint16_t *color_map;  // 256 entries of red, then green, then blue; null for grey
  bool is_big;              // offsets of 64 bits (BigTIFF)
} segio_tiff_layout;

// Begins a file at the start of an empty one that is open for reading and writing, and stays so until the writer is closed. Null,
// with a message, where that fails.
segio_tiff_writer *segio_tiff_create(int descriptor, const segio_tiff_layout *layout, char *message);

// Sets one of the tags above.
bool segio_tiff_set_tag(
    segio_tiff_writer *writer, uint32_t tag, uint32_t count, const void *values, char *message);

// Encodes and writes a whole strip or tile. Each is written once.
bool segio_tiff_write_block(segio_tiff_writer *writer, uint32_t index, const void *bytes, size_t size, char *message);

// Writes the directory, with which the file is complete. Nothing is written after it, whether it succeeds or not.
bool segio_tiff_finish(segio_tiff_writer *writer, char *message);

// The error number of the first system call that failed to write; 0 where none did.
int segio_tiff_write_error(const segio_tiff_writer *writer);

// Frees the writer, which may write to the file where that is not finished. It is of use only after `segio_tiff_finish`.
void segio_tiff_writer_close(segio_tiff_writer *writer);

#endif
