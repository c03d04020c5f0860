// The first frame of a GIF file in memory, through giflib. Nothing is printed; a failure leaves one line in `message`.
#ifndef CGIF_SHIM_H
#define CGIF_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGIO_GIF_MESSAGE_SIZE 256

typedef struct segio_gif_reader segio_gif_reader;

// What stands before the first frame's pixels.
typedef struct {
  uint32_t screen_width;
  uint32_t screen_height;
  uint32_t left;          // of the frame on the screen
  uint32_t top;
  uint32_t width;
  uint32_t height;
  int transparent_index;  // -1 where there is none
  int color_count;        // 0 where there is no palette
  uint8_t colors[256][3];
} segio_gif_header;

// Reads up to the first frame's pixels. `bytes` must live until the reader is closed. Null, with a message, where that fails.
segio_gif_reader *segio_gif_open(const void *bytes, size_t count, segio_gif_header *header, char *message);

// Reads the frame's indices, `height` rows of `width` bytes, interlaced ones in their places. A reader is read once.
bool segio_gif_read(segio_gif_reader *reader, uint8_t *indices, char *message);

// Whether another frame follows the one that was read.
bool segio_gif_has_more(segio_gif_reader *reader);

void segio_gif_close(segio_gif_reader *reader);

#endif
