#include "CPNGShim.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct segio_png_reader {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t count;
  size_t position;
  char *message;
};

static void keep_message(char *to, const char *text) {
  strncpy(to, text, SEGIO_PNG_MESSAGE_SIZE - 1);
  to[SEGIO_PNG_MESSAGE_SIZE - 1] = 0;
}

static void fail_reading(png_structp png, png_const_charp text) {
  segio_png_reader *reader = png_get_error_ptr(png);
  keep_message(reader->message, text);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep to, size_t count) {
  segio_png_reader *reader = png_get_io_ptr(png);
  if (count > reader->count - reader->position) png_error(png, "the file ends too early");
  memcpy(to, reader->bytes + reader->position, count);
  reader->position += count;
}

// libpng allocates what a chunk's header claims before it reads the chunk. So claims that exceed the file are refused,
// up to the chunks of the pixels, which libpng reads piece by piece.
static void require_whole_chunks(segio_png_reader *reader) {
  if (reader->count < 8) return;
  for (size_t position = 8; reader->count - position >= 8;) {
    const uint8_t *chunk = reader->bytes + position;
    size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
    if (memcmp(chunk + 4, "IDAT", 4) == 0) return;
    if (length > reader->count - position - 8) {
      char text[64], name[5] = {0};
      for (int i = 0; i < 4; i++) name[i] = chunk[4 + i] > 32 && chunk[4 + i] < 127 ? (char)chunk[4 + i] : '?';
      snprintf(text, sizeof text, "the file ends within its chunk %s", name);
      png_error(reader->png, text);
    }
    position += 8 + length;
    if (reader->count - position < 4) return;
    position += 4;
  }
}

void segio_png_close(segio_png_reader *reader) {
  if (!reader) return;
  png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader);
}

// All state that changes between setjmp and longjmp lies on the heap, so nothing here needs `volatile`.
static bool read_header(segio_png_reader *reader, segio_png_header *header) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png))) return false;
  // The caller has limits of its own; libpng's would only give a less clear message.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  require_whole_chunks(reader);
  // What compressed text and profiles expand to is bounded too.
  png_set_chunk_malloc_max(png, reader->count > 1 << 20 ? reader->count : 1 << 20);
  png_set_read_fn(png, reader, read_bytes);
  png_read_info(png, reader->info);
  int type = png_get_color_type(png, reader->info);
  header->width = png_get_image_width(png, reader->info);
  header->height = png_get_image_height(png, reader->info);
  header->bit_depth = png_get_bit_depth(png, reader->info);
  header->is_palette = type == PNG_COLOR_TYPE_PALETTE;
  header->has_color = !header->is_palette && (type & PNG_COLOR_MASK_COLOR);
  header->has_alpha = type & PNG_COLOR_MASK_ALPHA;
  header->has_transparency = png_get_valid(png, reader->info, PNG_INFO_tRNS) != 0;
  return true;
}

segio_png_reader *segio_png_open(const void *bytes, size_t count, segio_png_header *header, char *message) {
  keep_message(message, "out of memory");
  segio_png_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->bytes = bytes;
  reader->count = count;
  reader->message = message;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail_reading, ignore_warning);
  if (reader->png) reader->info = png_create_info_struct(reader->png);
  if (reader->info && read_header(reader, header)) return reader;
  segio_png_close(reader);
  return NULL;
}

bool segio_png_read(
    segio_png_reader *reader, segio_png_delivery delivery, void *samples, size_t row_bytes, char *message) {
  png_structp png = reader->png;
  reader->message = message;
  if (setjmp(png_jmpbuf(png))) return false;
  if (delivery == segio_png_colors) {
    png_set_expand(png);
  } else {
    png_set_packing(png);
  }
  const uint16_t one = 1;
  if (*(const uint8_t *)&one == 1) png_set_swap(png);  // files hold the high byte first
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
  if (png_get_rowbytes(png, reader->info) != row_bytes) png_error(png, "a row has another size than the header says");
  png_uint_32 height = png_get_image_height(png, reader->info);
  for (int pass = 0; pass < passes; pass++) {
    for (png_uint_32 row = 0; row < height; row++) png_read_row(png, (png_bytep)samples + row * row_bytes, NULL);
  }
  png_read_end(png, reader->info);
  return true;
}

void segio_png_metadata_of(segio_png_reader *reader, segio_png_metadata *metadata) {
  memset(metadata, 0, sizeof *metadata);
  png_bytep exif = NULL;
  png_uint_32 exif_count = 0;
  if (png_get_eXIf_1(reader->png, reader->info, &exif_count, &exif)) {
    metadata->exif = exif;
    metadata->exif_count = exif_count;
  }
  png_textp texts = NULL;
  int count = png_get_text(reader->png, reader->info, &texts, NULL);
  for (int i = 0; i < count; i++) {
    if (!texts[i].key || !texts[i].text) continue;
    bool is_xmp = strcmp(texts[i].key, "XML:com.adobe.xmp") == 0;
    bool is_exif = strcmp(texts[i].key, "Raw profile type exif") == 0 || strcmp(texts[i].key, "Raw profile type APP1") == 0;
    if (is_xmp && !metadata->xmp) metadata->xmp = texts[i].text;
    if (is_exif && !metadata->hexadecimal_exif) metadata->hexadecimal_exif = texts[i].text;
  }
}

typedef struct {
  png_structp png;
  png_infop info;
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  char *message;
} writer;

static void fail_writing(png_structp png, png_const_charp text) {
  writer *to = png_get_error_ptr(png);
  keep_message(to->message, text);
  png_longjmp(png, 1);
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  writer *to = png_get_io_ptr(png);
  if (count > to->capacity - to->count) {
    size_t capacity = to->capacity * 2 > to->count + count ? to->capacity * 2 : to->count + count;
    uint8_t *grown = realloc(to->bytes, capacity);
    if (!grown) png_error(png, "out of memory");
    to->bytes = grown;
    to->capacity = capacity;
  }
  memcpy(to->bytes + to->count, bytes, count);
  to->count += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static bool write_image(writer *to, const segio_png_description *image, const uint8_t *samples) {
  png_structp png = to->png;
  if (setjmp(png_jmpbuf(png))) return false;
  static const int types[] = {
      PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  int type = image->palette_rgb ? PNG_COLOR_TYPE_PALETTE : types[image->channels - 1];
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_write_fn(png, to, write_bytes, flush_nothing);
  png_set_IHDR(png, to->info, image->width, image->height, image->bit_depth, type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (image->palette_rgb) {
    png_color colors[PNG_MAX_PALETTE_LENGTH];
    for (int i = 0; i < image->palette_count; i++) {
      colors[i].red = image->palette_rgb[3 * i];
      colors[i].green = image->palette_rgb[3 * i + 1];
      colors[i].blue = image->palette_rgb[3 * i + 2];
    }
    png_set_PLTE(png, to->info, colors, image->palette_count);
  }
  png_write_info(png, to->info);
  const uint16_t one = 1;
  if (image->bit_depth == 16 && *(const uint8_t *)&one == 1) png_set_swap(png);
  size_t row_bytes = (size_t)image->width * image->channels * (image->bit_depth / 8);
  for (uint32_t row = 0; row < image->height; row++) png_write_row(png, samples + row * row_bytes);
  png_write_end(png, to->info);
  return true;
}

uint8_t *segio_png_encode(const segio_png_description *image, const void *samples, size_t *count, char *message) {
  keep_message(message, "out of memory");
  writer *to = calloc(1, sizeof *to);
  if (!to) return NULL;
  to->message = message;
  to->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, to, fail_writing, ignore_warning);
  if (to->png) to->info = png_create_info_struct(to->png);
  bool written = to->info && write_image(to, image, samples);
  png_destroy_write_struct(&to->png, &to->info);
  uint8_t *bytes = to->bytes;
  *count = to->count;
  free(to);
  if (written) return bytes;
  free(bytes);
  return NULL;
}
