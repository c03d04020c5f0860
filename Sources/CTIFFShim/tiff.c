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

static void read_header(segio_tiff *file, segio_tiff_header *header) {
  TIFF *tiff = file->tiff;
  uint16_t planar = PLANARCONFIG_CONTIG, compression = COMPRESSION_NONE, count = 0;
  const uint16_t *extras = NULL;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &header->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &header->height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &header->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &header->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &header->sample_format);
  header->has_photometric = TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &header->photometric) == 1;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &header->orientation);
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &extras) == 1 && count > 0 && extras) {
    header->extra_count = count;
    header->first_extra = extras[0];
  }
  header->is_planar = planar == PLANARCONFIG_SEPARATE;
  header->is_tiled = file->is_tiled = TIFFIsTiled(tiff) != 0;
  if (compression == COMPRESSION_JPEG && header->photometric == PHOTOMETRIC_YCBCR && !header->is_planar) {
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

segio_tiff *segio_tiff_open(
    const void *bytes, size_t count, size_t maximum_allocation, segio_tiff_header *header, char *message) {
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
  read_header(file, header);
  file->message[0] = 0;
  return file;
}

bool segio_tiff_read_block(segio_tiff *file, uint32_t index, void *to, size_t size, char *message) {
  file->message[0] = 0;
  // Where the list of offsets is too short libtiff fills it with zeros, and reads the file's header as pixels.
  if (TIFFGetStrileOffset(file->tiff, index) == 0 || TIFFGetStrileByteCount(file->tiff, index) == 0) {
    snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "strip or tile %u is missing", (unsigned)index);
    return false;
  }
  tmsize_t count = file->is_tiled ? TIFFReadEncodedTile(file->tiff, index, to, (tmsize_t)size)
                                  : TIFFReadEncodedStrip(file->tiff, index, to, (tmsize_t)size);
  if (count == (tmsize_t)size) return true;
  if (count >= 0 && !file->message[0]) snprintf(file->message, sizeof file->message, "a strip or tile is too short");
  take_message(file, message);
  return false;
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
