#include "CGIFShim.h"

#include <gif_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct segio_gif_reader {
  GifFileType *gif;
  const uint8_t *bytes;
  size_t count;
  size_t position;
};

static int read_bytes(GifFileType *gif, GifByteType *to, int size) {
  segio_gif_reader *reader = gif->UserData;
  size_t count = reader->count - reader->position;
  if (size < 0) return 0;
  if (count > (size_t)size) count = (size_t)size;
  memcpy(to, reader->bytes + reader->position, count);
  reader->position += count;
  return (int)count;
}

static void take_message(int code, char *message) {
  const char *text = GifErrorString(code);
  snprintf(message, SEGIO_GIF_MESSAGE_SIZE, "%s", text ? text : "giflib gives no reason");
}

// Goes past extensions to the next frame's description. False at the end of the file, or where it is damaged.
static bool next_frame(GifFileType *gif, int *transparent_index) {
  GifRecordType type;
  while (DGifGetRecordType(gif, &type) == GIF_OK) {
    if (type == TERMINATE_RECORD_TYPE) {
      gif->Error = D_GIF_ERR_NO_IMAG_DSCR;
      return false;
    }
    if (type == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) == GIF_OK;
    if (type != EXTENSION_RECORD_TYPE) continue;
    int code = 0;
    GifByteType *block = NULL;
    if (DGifGetExtension(gif, &code, &block) != GIF_OK) return false;
    while (block) {
      GraphicsControlBlock control;
      // A block begins with its size.
      if (code == GRAPHICS_EXT_FUNC_CODE && transparent_index &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK && control.TransparentColor != NO_TRANSPARENT_COLOR) {
        *transparent_index = control.TransparentColor;
      }
      if (DGifGetExtensionNext(gif, &block) != GIF_OK) return false;
    }
  }
  return false;
}

segio_gif_reader *segio_gif_open(const void *bytes, size_t count, segio_gif_header *header, char *message) {
  memset(header, 0, sizeof *header);
  header->transparent_index = -1;
  snprintf(message, SEGIO_GIF_MESSAGE_SIZE, "out of memory");
  segio_gif_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->bytes = bytes;
  reader->count = count;
  int code = 0;
  reader->gif = DGifOpen(reader, read_bytes, &code);
  if (!reader->gif) {
    take_message(code, message);
    free(reader);
    return NULL;
  }
  GifFileType *gif = reader->gif;
  if (!next_frame(gif, &header->transparent_index)) {
    take_message(gif->Error, message);
    segio_gif_close(reader);
    return NULL;
  }
  header->screen_width = (uint32_t)gif->SWidth;
  header->screen_height = (uint32_t)gif->SHeight;
  header->left = (uint32_t)gif->Image.Left;
  header->top = (uint32_t)gif->Image.Top;
  header->width = (uint32_t)gif->Image.Width;
  header->height = (uint32_t)gif->Image.Height;
  const ColorMapObject *map = gif->Image.ColorMap ? gif->Image.ColorMap : gif->SColorMap;
  header->color_count = map ? (map->ColorCount < 256 ? map->ColorCount : 256) : 0;
  for (int i = 0; i < header->color_count; i++) {
    header->colors[i][0] = map->Colors[i].Red;
    header->colors[i][1] = map->Colors[i].Green;
    header->colors[i][2] = map->Colors[i].Blue;
  }
  return reader;
}

bool segio_gif_read(segio_gif_reader *reader, uint8_t *indices, char *message) {
  GifFileType *gif = reader->gif;
  int width = gif->Image.Width, height = gif->Image.Height;
  // Of an interlaced frame every eighth row comes first, then those between, always from the top.
  static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  for (int pass = 0; pass < (gif->Image.Interlace ? 4 : 1); pass++) {
    int from = gif->Image.Interlace ? first[pass] : 0, by = gif->Image.Interlace ? step[pass] : 1;
    for (int row = from; row < height; row += by) {
      if (DGifGetLine(gif, indices + (size_t)row * (size_t)width, width) == GIF_OK) continue;
      take_message(gif->Error, message);
      return false;
    }
  }
  return true;
}

bool segio_gif_has_more(segio_gif_reader *reader) { return next_frame(reader->gif, NULL); }

void segio_gif_close(segio_gif_reader *reader) {
  if (!reader) return;
  int code = 0;
  DGifCloseFile(reader->gif, &code);
  free(reader);
}
