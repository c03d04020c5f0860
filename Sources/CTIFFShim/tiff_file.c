#include "tiff_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)module;
  segio_tiff_file *file = user;
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

// What a call reads or writes at most: systems take no more than 2 GiB at once.
enum { largest_step = 1 << 30 };

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t size) {
  segio_tiff_file *file = handle;
  if (size <= 0 || file->position >= file->count) return 0;
  uint64_t count = file->count - file->position;
  if (count > (uint64_t)size) count = (uint64_t)size;
  if (file->bytes) {
    memcpy(to, file->bytes + file->position, count);
    file->position += count;
    return (tmsize_t)count;
  }
  uint64_t done = 0;
  while (done < count) {
    size_t rest = count - done < largest_step ? (size_t)(count - done) : largest_step;
    ssize_t step = pread(file->descriptor, (uint8_t *)to + done, rest, (off_t)file->position);
    if (step < 0 && errno == EINTR) continue;
    if (step <= 0) break;  // libtiff finds that bytes are missing
    done += (uint64_t)step;
    file->position += (uint64_t)step;
  }
  return (tmsize_t)done;
}

static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t size) {
  segio_tiff_file *file = handle;
  if (file->bytes) return 0;
  tmsize_t done = 0;
  while (done < size) {
    size_t count = size - done < largest_step ? (size_t)(size - done) : largest_step;
    ssize_t step = pwrite(file->descriptor, (uint8_t *)from + done, count, (off_t)file->position);
    if (step < 0 && errno == EINTR) continue;
    if (step <= 0) {
      if (!file->write_error) file->write_error = step < 0 ? errno : EIO;
      break;
    }
    done += step;
    file->position += (uint64_t)step;
  }
  if (file->position > file->count) file->count = file->position;
  return done;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  segio_tiff_file *file = handle;
  uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? file->count : 0;
  file->position = base + offset;
  return file->position;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t byte_count(thandle_t handle) { return ((segio_tiff_file *)handle)->count; }

void segio_tiff_take_message(segio_tiff_file *file, char *message) {
  const char *text = file->message[0] ? file->message : "libtiff gives no reason";
  snprintf(message, SEGIO_TIFF_MESSAGE_SIZE, "%s", text);
  file->message[0] = 0;
}

TIFF *segio_tiff_client(segio_tiff_file *file, const char *mode, size_t maximum_allocation) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)maximum_allocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, file);
  TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, file);
  TIFF *tiff = TIFFClientOpenExt(
      "image", mode, file, read_bytes, write_bytes, seek, close_nothing, byte_count, NULL, NULL, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}
