#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "CTIFFShim.h"
#include "tiff_file.h"

#if TIFFLIB_VERSION < 20221213
#error "libtiff 4.5 or later is needed"
#endif

struct segio_tiff {
  segio_tiff_file file;
  TIFF *tiff;
  TIFFRGBAImage converter;
  bool has_converter;  // `converter` was begun
  bool is_tiled;
  bool is_planar;
  uint16_t samples;
};

bool segio_tiff_tag(segio_tiff *file, uint32_t tag, uint16_t type, uint32_t *count, const void **values) {
  // libtiff knows these tags by what lies in the file alone, and gives their number of elements.
  const TIFFField *field = TIFFFindField(file->tiff, tag, (TIFFDataType)type);
  *count = 0;
  *values = NULL;
  if (!field || !TIFFFieldPassCount(field)) return false;
  if (TIFFFieldReadCount(field) == TIFF_VARIABLE2) {
    if (TIFFGetField(file->tiff, tag, count, values) != 1) return false;
  } else {
    uint16_t short_count = 0;
    if (TIFFFieldReadCount(field) != TIFF_VARIABLE || TIFFGetField(file->tiff, tag, &short_count, values) != 1) {
      return false;
    }
    *count = short_count;
  }
  return *values && *count > 0;
}

// GDAL writes the number as text.
static void read_no_data(segio_tiff *file, segio_tiff_header *header) {
  uint32_t count = 0;
  const void *bytes = NULL;
  char text[64], *end = NULL;
  if (!segio_tiff_tag(file, SEGIO_TIFF_NO_DATA, TIFF_ASCII, &count, &bytes) || count >= sizeof text) return;
  memcpy(text, bytes, count);
  text[count] = 0;
  header->no_data = strtod(text, &end);
  header->has_no_data = end != text;
}

static void read_header(segio_tiff *file, segio_tiff_header *header) {
  TIFF *tiff = file->tiff;
  uint16_t planar = PLANARCONFIG_CONTIG, count = 0, maximum = 0;
  const uint16_t *extras = NULL;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &header->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &header->height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &header->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &header->samples);
  file->samples = header->samples;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &header->sample_format);
  header->has_photometric = TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &header->photometric) == 1;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &header->compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &header->ink_set);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &header->orientation);
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &extras) == 1 && count > 0 && extras) {
    header->extra_count = count;
    header->first_extra = extras[0];
  }
  header->has_maximum = TIFFGetField(tiff, TIFFTAG_SMAXSAMPLEVALUE, &header->maximum) == 1;
  if (!header->has_maximum && TIFFGetField(tiff, TIFFTAG_MAXSAMPLEVALUE, &maximum) == 1) {
    header->has_maximum = true;
    header->maximum = maximum;
  }
  read_no_data(file, header);
  header->is_planar = file->is_planar = planar == PLANARCONFIG_SEPARATE;
  header->is_tiled = file->is_tiled = TIFFIsTiled(tiff) != 0;
  if (header->compression == COMPRESSION_JPEG && header->photometric == PHOTOMETRIC_YCBCR && !header->is_planar) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    header->photometric = PHOTOMETRIC_RGB;
  }
  if (header->is_tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &header->block_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &header->block_height);
    tmsize_t size = TIFFTileSize(tiff);
    header->block_bytes = size > 0 ? (uint64_t)size : 0;
    header->block_count = TIFFNumberOfTiles(tiff);
  } else {
    uint32_t rows = header->height;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
    header->block_width = header->width;
    header->block_height = rows < header->height ? rows : header->height;
    tmsize_t size = TIFFVStripSize(tiff, header->block_height);
    header->block_bytes = size > 0 ? (uint64_t)size : 0;
    header->block_count = TIFFNumberOfStrips(tiff);
  }
}

// Whether the directory is a page of its own, rather than a reduced copy of another one or its mask of transparency.
static bool is_page(TIFF *tiff) {
  uint32_t kind = 0;
  uint16_t old_kind = 0;
  if (TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind) == 1) return !(kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK));
  return TIFFGetField(tiff, TIFFTAG_OSUBFILETYPE, &old_kind) != 1 || old_kind != OFILETYPE_REDUCEDIMAGE;
}

// Goes to a page, counted from 1, and counts all. What is wrong with later directories does not matter to this one.
static bool find_page(segio_tiff *file, uint32_t page, segio_tiff_header *header) {
  uint32_t directories = 0, pages = 0;
  tdir_t found = 0;
  do {
    if (is_page(file->tiff) && ++pages == page) found = (tdir_t)directories;
    directories++;
  } while (directories < UINT16_MAX && TIFFReadDirectory(file->tiff));
  if (pages == 0) {
    header->is_reduced = true;
    pages = directories;
    found = (tdir_t)(page - 1);
  }
  header->page_count = pages;
  file->file.message[0] = 0;
  if (page == 0 || page > pages) {
    snprintf(file->file.message, sizeof file->file.message, "there is no such page");
    return false;
  }
  return TIFFSetDirectory(file->tiff, found) == 1;
}

static segio_tiff *open_page(
    segio_tiff_file input, size_t maximum_allocation, uint32_t page, segio_tiff_header *header, char *message) {
  memset(header, 0, sizeof *header);
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "out of memory");
  segio_tiff *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->file = input;
  // "m": read through functions, not through a mapping.
  file->tiff = segio_tiff_client(&file->file, "rm", maximum_allocation);
  if (!file->tiff || !find_page(file, page, header)) {
    segio_tiff_take_message(&file->file, message);
    segio_tiff_close(file);
    return NULL;
  }
  read_header(file, header);
  file->file.message[0] = 0;
  return file;
}

segio_tiff *segio_tiff_open(
    const void *bytes, size_t count, size_t maximum_allocation, uint32_t page, segio_tiff_header *header, char *message) {
  // An empty file has no address.
  segio_tiff_file input = {.bytes = bytes ? bytes : (const uint8_t *)"", .descriptor = -1, .count = count};
  return open_page(input, maximum_allocation, page, header, message);
}

segio_tiff *segio_tiff_open_descriptor(
    int descriptor, uint64_t count, size_t maximum_allocation, uint32_t page, segio_tiff_header *header, char *message) {
  segio_tiff_file input = {.descriptor = descriptor, .count = count};
  return open_page(input, maximum_allocation, page, header, message);
}

// Where the list of offsets is too short libtiff fills it with zeros, and reads the file's header as pixels.
static bool has_block(segio_tiff *file, uint32_t index, char *message) {
  if (TIFFGetStrileOffset(file->tiff, index) != 0 && TIFFGetStrileByteCount(file->tiff, index) != 0) return true;
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "strip or tile %u is missing", (unsigned)index);
  return false;
}

bool segio_tiff_read_block(segio_tiff *file, uint32_t index, void *to, size_t size, char *message) {
  file->file.message[0] = 0;
  if (!has_block(file, index, message)) return false;
  tmsize_t count = file->is_tiled ? TIFFReadEncodedTile(file->tiff, index, to, (tmsize_t)size)
                                  : TIFFReadEncodedStrip(file->tiff, index, to, (tmsize_t)size);
  if (count == (tmsize_t)size) return true;
  if (count >= 0 && !file->file.message[0]) {
    snprintf(file->file.message, sizeof file->file.message, "a strip or tile is too short");
  }
  segio_tiff_take_message(&file->file, message);
  return false;
}

bool segio_tiff_read_rgba(
    segio_tiff *file, uint32_t row, uint32_t column, uint32_t height, uint32_t width, uint32_t *raster, char *message) {
  TIFF *tiff = file->tiff;
  file->file.message[0] = 0;
  for (uint16_t sample = 0; sample < (file->is_planar ? file->samples : 1); sample++) {
    uint32_t index = file->is_tiled ? TIFFComputeTile(tiff, column, row, 0, sample) : TIFFComputeStrip(tiff, row, sample);
    if (!has_block(file, index, message)) return false;
  }
  if (!file->has_converter) {
    char reason[1024] = "";
    if (!TIFFRGBAImageBegin(&file->converter, tiff, 1, reason)) {
      snprintf(file->file.message, sizeof file->file.message, "%.*s", SEGIO_TIFF_MESSAGE_SIZE - 1, reason);
      segio_tiff_take_message(&file->file, message);
      return false;
    }
    file->has_converter = true;
    // Whoever asked turns the picture.
    file->converter.req_orientation = file->converter.orientation;
  }
  file->converter.row_offset = (int)row;
  file->converter.col_offset = (int)column;
  if (TIFFRGBAImageGet(&file->converter, raster, width, height) != 1 || file->file.message[0]) {
    segio_tiff_take_message(&file->file, message);
    return false;
  }
  uint8_t *bytes = (uint8_t *)raster;
  for (size_t pixel = 0; pixel < (size_t)width * height; pixel++) {
    uint32_t value = raster[pixel];
    bytes[4 * pixel] = (uint8_t)TIFFGetR(value);
    bytes[4 * pixel + 1] = (uint8_t)TIFFGetG(value);
    bytes[4 * pixel + 2] = (uint8_t)TIFFGetB(value);
    bytes[4 * pixel + 3] = (uint8_t)TIFFGetA(value);
  }
  return true;
}

bool segio_tiff_color_map(segio_tiff *file, const uint16_t **red, const uint16_t **green, const uint16_t **blue) {
  uint16_t *r = NULL, *g = NULL, *b = NULL;
  if (TIFFGetField(file->tiff, TIFFTAG_COLORMAP, &r, &g, &b) != 1 || !r || !g || !b) return false;
  *red = r;
  *green = g;
  *blue = b;
  return true;
}

void segio_tiff_close(segio_tiff *file) {
  if (!file) return;
  if (file->has_converter) TIFFRGBAImageEnd(&file->converter);
  if (file->tiff) TIFFClose(file->tiff);
  free(file);
}
