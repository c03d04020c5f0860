#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiffio.h>

#include "CTIFFShim.h"
#include "tiff_file.h"

struct segio_tiff_writer {
  segio_tiff_file file;
  TIFF *tiff;
  bool is_tiled;
};

// libtiff itself does not know these tags. All pass a count of 32 bits, so that text is written byte for byte.
static const TIFFFieldInfo fields[] = {
    {SEGIO_TIFF_PIXEL_SCALE, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"GeoPixelScale"},
    {SEGIO_TIFF_TIEPOINTS, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"GeoTiePoints"},
    {SEGIO_TIFF_TRANSFORMATION, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1,
     (char *)"GeoTransformationMatrix"},
    {SEGIO_TIFF_KEY_DIRECTORY, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_SHORT, FIELD_CUSTOM, 1, 1, (char *)"GeoKeyDirectory"},
    {SEGIO_TIFF_DOUBLE_PARAMETERS, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1,
     (char *)"GeoDoubleParams"},
    {SEGIO_TIFF_ASCII_PARAMETERS, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_ASCII, FIELD_CUSTOM, 1, 1,
     (char *)"GeoASCIIParams"},
    {SEGIO_TIFF_NO_DATA, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_ASCII, FIELD_CUSTOM, 1, 1, (char *)"GDALNoDataValue"},
};

static bool set_layout(TIFF *tiff, const segio_tiff_layout *layout) {
  bool is_set = TIFFMergeFieldInfo(tiff, fields, sizeof fields / sizeof fields[0]) == 0 &&
      TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, layout->width) && TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, layout->height) &&
      TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, layout->bits) &&
      TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, layout->samples) &&
      TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, layout->sample_format) &&
      TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
      TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, layout->color_map ? PHOTOMETRIC_PALETTE : PHOTOMETRIC_MINISBLACK) &&
      TIFFSetField(tiff, TIFFTAG_COMPRESSION, layout->compression);
  if (is_set && layout->compression == COMPRESSION_ADOBE_DEFLATE) {
    is_set = TIFFSetField(tiff, TIFFTAG_PREDICTOR, layout->predictor) != 0;
  }
  if (is_set && layout->color_map) {
    is_set = TIFFSetField(
                 tiff, TIFFTAG_COLORMAP, layout->color_map, layout->color_map + 256, layout->color_map + 512) != 0;
  }
  if (is_set && layout->samples > 1) {
    uint16_t *extras = calloc(layout->samples - 1u, sizeof *extras);  // 0: unspecified
    is_set = extras && TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, layout->samples - 1, extras);
    free(extras);
  }
  if (!is_set) return false;
  if (layout->tile_width == 0) return TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, layout->rows_per_strip) != 0;
  return TIFFSetField(tiff, TIFFTAG_TILEWIDTH, layout->tile_width) &&
      TIFFSetField(tiff, TIFFTAG_TILELENGTH, layout->tile_height);
}

segio_tiff_writer *segio_tiff_create(int descriptor, const segio_tiff_layout *layout, char *message) {
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "out of memory");
  segio_tiff_writer *writer = calloc(1, sizeof *writer);
  if (!writer) return NULL;
  writer->file.descriptor = descriptor;
  writer->is_tiled = layout->tile_width > 0;
  writer->tiff = segio_tiff_client(&writer->file, layout->is_big ? "w8" : "w4", 0);
  if (!writer->tiff || !set_layout(writer->tiff, layout)) {
    segio_tiff_take_message(&writer->file, message);
    segio_tiff_writer_close(writer);
    return NULL;
  }
  return writer;
}

static bool is_fine(segio_tiff_writer *writer, bool is_done, char *message) {
  if (is_done && !writer->file.message[0] && !writer->file.write_error) return true;
  segio_tiff_take_message(&writer->file, message);
  return false;
}

bool segio_tiff_set_tag(segio_tiff_writer *writer, uint32_t tag, uint32_t count, const void *values, char *message) {
  return is_fine(writer, TIFFSetField(writer->tiff, tag, count, values) == 1, message);
}

bool segio_tiff_write_block(segio_tiff_writer *writer, uint32_t index, const void *bytes, size_t size, char *message) {
  // libtiff changes the bytes only to swap their order or bits, which it does not for files of native order.
  tmsize_t count = writer->is_tiled ? TIFFWriteEncodedTile(writer->tiff, index, (void *)bytes, (tmsize_t)size)
                                    : TIFFWriteEncodedStrip(writer->tiff, index, (void *)bytes, (tmsize_t)size);
  return is_fine(writer, count == (tmsize_t)size, message);
}

bool segio_tiff_finish(segio_tiff_writer *writer, char *message) {
  bool is_done = TIFFWriteDirectory(writer->tiff) == 1;
  TIFFClose(writer->tiff);
  writer->tiff = NULL;
  return is_fine(writer, is_done, message);
}

int segio_tiff_write_error(const segio_tiff_writer *writer) { return writer->file.write_error; }

void segio_tiff_writer_close(segio_tiff_writer *writer) {
  if (!writer) return;
  if (writer->tiff) TIFFClose(writer->tiff);
  free(writer);
}
