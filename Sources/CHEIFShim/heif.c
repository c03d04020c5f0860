#include "CHEIFShim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What libheif 1.x declares of what is used here, as its binary interface has it since 1.3.
typedef struct {
  int code;  // 0 is success
  int subcode;
  const char *message;
} heif_error;

enum {
  colorspace_rgb = 1,
  chroma_rgb = 10,
  chroma_rgba = 11,
  chroma_rgb_16_big_endian = 12,
  chroma_rgba_16_big_endian = 13,
  chroma_rgb_16_little_endian = 14,
  chroma_rgba_16_little_endian = 15,
  channel_interleaved = 10,
};

static struct {
  void *(*context_alloc)(void);
  void (*context_free)(void *);
  heif_error (*read_from_memory)(void *, const void *, size_t, const void *);
  heif_error (*get_primary)(void *, void **);
  void (*handle_release)(const void *);
  int (*handle_width)(const void *);
  int (*handle_height)(const void *);
  int (*handle_has_alpha)(const void *);
  int (*handle_bits)(const void *);
  heif_error (*decode)(const void *, void **, int, int, const void *);
  int (*image_width)(const void *, int);
  int (*image_height)(const void *, int);
  const uint8_t *(*image_plane)(const void *, int, int *);
  void (*image_release)(const void *);
  int (*is_premultiplied)(const void *);  // since 1.12; null in older ones
  bool is_available;
} heif;

static void load(void) {
  static const char *const names[] = {
#ifdef __APPLE__
      "libheif.1.dylib", "/opt/homebrew/lib/libheif.1.dylib", "/usr/local/lib/libheif.1.dylib",
#else
      "libheif.so.1",
#endif
  };
  void *library = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  const struct {
    void *to;
    const char *name;
    bool may_be_missing;
  } functions[] = {
      {&heif.context_alloc, "heif_context_alloc", false},
      {&heif.context_free, "heif_context_free", false},
      {&heif.read_from_memory, "heif_context_read_from_memory_without_copy", false},
      {&heif.get_primary, "heif_context_get_primary_image_handle", false},
      {&heif.handle_release, "heif_image_handle_release", false},
      {&heif.handle_width, "heif_image_handle_get_width", false},
      {&heif.handle_height, "heif_image_handle_get_height", false},
      {&heif.handle_has_alpha, "heif_image_handle_has_alpha_channel", false},
      {&heif.handle_bits, "heif_image_handle_get_luma_bits_per_pixel", false},
      {&heif.decode, "heif_decode_image", false},
      {&heif.image_width, "heif_image_get_width", false},
      {&heif.image_height, "heif_image_get_height", false},
      {&heif.image_plane, "heif_image_get_plane_readonly", false},
      {&heif.image_release, "heif_image_release", false},
      {&heif.is_premultiplied, "heif_image_handle_is_premultiplied_alpha", true},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *address = dlsym(library, functions[i].name);
    if (!address && !functions[i].may_be_missing) return;
    // A pointer to a function has the size of one to data wherever there is dlsym.
    memcpy(functions[i].to, &address, sizeof address);
  }
  heif.is_available = true;
}

bool segio_heif_is_available(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return heif.is_available;
}

struct segio_heif_reader {
  void *context;
  void *handle;
  segio_heif_header header;
};

static bool succeeded(heif_error error, char *message) {
  if (error.code == 0) return true;
  snprintf(message, SEGIO_HEIF_MESSAGE_SIZE, "%s", error.message ? error.message : "libheif gives no reason");
  return false;
}

segio_heif_reader *segio_heif_open(const void *bytes, size_t count, segio_heif_header *header, char *message) {
  memset(header, 0, sizeof *header);
  snprintf(message, SEGIO_HEIF_MESSAGE_SIZE, "out of memory");
  segio_heif_reader *reader = calloc(1, sizeof *reader);
  if (reader) reader->context = heif.context_alloc();
  if (!reader || !reader->context || !succeeded(heif.read_from_memory(reader->context, bytes, count, NULL), message) ||
      !succeeded(heif.get_primary(reader->context, &reader->handle), message)) {
    segio_heif_close(reader);
    return NULL;
  }
  int width = heif.handle_width(reader->handle), height = heif.handle_height(reader->handle);
  int bits = heif.handle_bits(reader->handle);
  if (width <= 0 || height <= 0 || bits > 16) {
    snprintf(message, SEGIO_HEIF_MESSAGE_SIZE, "an image of %d×%d pixels of %d bits", width, height, bits);
    segio_heif_close(reader);
    return NULL;
  }
  header->width = (uint32_t)width;
  header->height = (uint32_t)height;
  // Where the number is not known before decoding it is taken for the usual one.
  header->bits = bits > 8 ? bits : 8;
  header->has_alpha = heif.handle_has_alpha(reader->handle) != 0;
  header->is_premultiplied = header->has_alpha && heif.is_premultiplied && heif.is_premultiplied(reader->handle);
  reader->header = *header;
  return reader;
}

bool segio_heif_read(segio_heif_reader *reader, void *samples, size_t row_bytes, char *message) {
  const segio_heif_header *header = &reader->header;
  const uint16_t one = 1;
  bool is_little_endian = *(const uint8_t *)&one == 1;
  int chroma = header->bits == 8 ? (header->has_alpha ? chroma_rgba : chroma_rgb)
               : is_little_endian
                   ? (header->has_alpha ? chroma_rgba_16_little_endian : chroma_rgb_16_little_endian)
                   : (header->has_alpha ? chroma_rgba_16_big_endian : chroma_rgb_16_big_endian);
  void *image = NULL;
  if (!succeeded(heif.decode(reader->handle, &image, colorspace_rgb, chroma, NULL), message)) return false;
  int stride = 0;
  const uint8_t *plane = heif.image_plane(image, channel_interleaved, &stride);
  bool fits = plane && (uint32_t)heif.image_width(image, channel_interleaved) == header->width &&
              (uint32_t)heif.image_height(image, channel_interleaved) == header->height && stride > 0 &&
              (size_t)stride >= row_bytes;
  if (fits) {
    for (uint32_t row = 0; row < header->height; row++) {
      memcpy((uint8_t *)samples + row * row_bytes, plane + row * (size_t)stride, row_bytes);
    }
  } else {
    snprintf(message, SEGIO_HEIF_MESSAGE_SIZE, "the picture has another size than the header says");
  }
  heif.image_release(image);
  return fits;
}

void segio_heif_close(segio_heif_reader *reader) {
  if (!reader) return;
  if (reader->handle) heif.handle_release(reader->handle);
  if (reader->context) heif.context_free(reader->context);
  free(reader);
}
