#include "CTIFFShim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#if TIFFLIB_VERSION < 20221213
#error "libtiff 4.5 or later is needed"
#endif

struct segio_tiff {
  TIFF *tiff;
  const uint8_t *bytes;
  uint64_t count;
  uint64_t position;
  bool is_tiled;
  char message[SEGIO_TIFF_MESSAGE_SIZE];  // the first error since it was last emptied
};

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)module;
  segio_tiff *file = user;
  if (!file->message[0]) vsnprintf(file->message, sizeof file->message, format, arguments);
  return 1;  // handled: the process-wide handler is not asked
}

static int ignore_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)user;
  (void)module;
  (void)format;
  (void)arguments;
  return 1;
}

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t size) {
  segio_tiff *file = handle;
  if (size <= 0 || file->position >= file->count) return 0;
  uint64_t count = file->count - file->position;
  if (count > (uint64_t)size) count = (uint64_t)size;
  memcpy(to, file->bytes + file->position, count);
  file->position += count;
  return (tmsize_t)count;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t size) {
  (void)handle;
  (void)from;
  (void)size;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  segio_tiff *file = handle;
  uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? file->count : 0;
  file->position = base + offset;
  return file->position;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t byte_count(thandle_t handle) { return ((segio_tiff *)handle)->count; }

static void take_message(segio_tiff *file, char *message) {
  const char *text = file->message[0] ? file->message : "libtiff gives no reason";
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "%s", text);
  file->message[0] = 0;
}

// GDAL writes the number as text into a tag of its own, which libtiff knows by what lies in the file alone.
static void read_no_data(TIFF *tiff, segio_tiff_header *header) {
  enum { gdal_no_data = 42113 };
  const TIFFField *field = TIFFFindField(tiff, gdal_no_data, TIFF_ASCII);
  if (!field || !TIFFFieldPassCount(field) || TIFFFieldReadCount(field) != TIFF_VARIABLE2) return;
  uint32_t count = 0;
  const char *bytes = NULL;
  if (TIFFGetField(tiff, gdal_no_data, &count, &bytes) != 1 || !bytes) return;
  char text[64], *end = NULL;
  if (count >= sizeof text) return;
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
  read_no_data(tiff, header);
  header->is_planar = planar == PLANARCONFIG_SEPARATE;
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
  file->message[0] = 0;
  if (page == 0 || page > pages) {
    snprintf(file->message, sizeof file->message, "there is no such page");
    return false;
  }
  return TIFFSetDirectory(file->tiff, found) == 1;
}

segio_tiff *segio_tiff_open(
    const void *bytes, size_t count, size_t maximum_allocation, uint32_t page, segio_tiff_header *header, char *message) {
  memset(header, 0, sizeof *header);
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "out of memory");
  segio_tiff *file = calloc(1, sizeof *file);
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (file && options) {
    file->bytes = bytes;
    file->count = count;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)maximum_allocation);
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, file);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, file);
    // "m": read through the functions above, not through a mapping.
    file->tiff = TIFFClientOpenExt(
        "image", "rm", file, read_bytes, write_nothing, seek, close_nothing, byte_count, NULL, NULL, options);
    if (!file->tiff) take_message(file, message);
  }
  if (options) TIFFOpenOptionsFree(options);
  if (!file || !file->tiff) {
    free(file);
    return NULL;
  }
  if (!find_page(file, page, header)) {
    take_message(file, message);
    segio_tiff_close(file);
    return NULL;
  }
  read_header(file, header);
  file->message[0] = 0;
  return file;
}

// Where the list of offsets is too short libtiff fills it with zeros, and reads the file's header as pixels.
static bool has_block(segio_tiff *file, uint32_t index, char *message) {
  if (TIFFGetStrileOffset(file->tiff, index) != 0 && TIFFGetStrileByteCount(file->tiff, index) != 0) return true;
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "strip or tile %u is missing", (unsigned)index);
  return false;
}

bool segio_tiff_read_block(segio_tiff *file, uint32_t index, void *to, size_t size, char *message) {
  file->message[0] = 0;
  if (!has_block(file, index, message)) return false;
  tmsize_t count = file->is_tiled ? TIFFReadEncodedTile(file->tiff, index, to, (tmsize_t)size)
                                  : TIFFReadEncodedStrip(file->tiff, index, to, (tmsize_t)size);
  if (count == (tmsize_t)size) return true;
  if (count >= 0 && !file->message[0]) snprintf(file->message, sizeof file->message, "a strip or tile is too short");
  take_message(file, message);
  return false;
}

bool segio_tiff_read_rgba(segio_tiff *file, uint32_t *raster, char *message) {
  TIFF *tiff = file->tiff;
  file->message[0] = 0;
  uint32_t blocks = file->is_tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  for (uint32_t index = 0; index < blocks; index++) {
    if (!has_block(file, index, message)) return false;
  }
  TIFFRGBAImage image;
  char reason[1024] = "";
  if (!TIFFRGBAImageBegin(&image, tiff, 1, reason)) {
    snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "%s", reason[0] ? reason : "libtiff gives no reason");
    return false;
  }
  // Whoever asked turns the picture.
  image.req_orientation = image.orientation;
  bool read = TIFFRGBAImageGet(&image, raster, image.width, image.height) == 1 && !file->message[0];
  TIFFRGBAImageEnd(&image);
  if (!read) {
    take_message(file, message);
    return false;
  }
  uint8_t *bytes = (uint8_t *)raster;
  for (size_t pixel = 0; pixel < (size_t)image.width * image.height; pixel++) {
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
  if (file->tiff) TIFFClose(file->tiff);
  free(file);
}
