#include "CJPEGShim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// Progressive files may make the decoder go over the image any number of times; honest ones have some ten scans.
enum { maximum_scans = 500 };

struct segio_jpeg_reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  char failure[JMSG_LENGTH_MAX];  // the error, or the first warning that means wrong pixels
  bool is_unsupported;
  bool has_ended_early;
};

static void fail(j_common_ptr jpeg) {
  segio_jpeg_reader *reader = jpeg->client_data;
  jpeg->err->format_message(jpeg, reader->failure);
  switch (jpeg->err->msg_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
      reader->is_unsupported = true;
  }
  longjmp(reader->jump, 1);
}

static void note(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  segio_jpeg_reader *reader = jpeg->client_data;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
      reader->has_ended_early = true;
      break;
    // Cameras and editors are known to leave stray bytes between segments, and to number JFIF as they please.
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
      break;
    default:
      if (!reader->failure[0]) jpeg->err->format_message(jpeg, reader->failure);
  }
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void count_scans(j_common_ptr jpeg) {
  if (!jpeg->is_decompressor || ((j_decompress_ptr)jpeg)->input_scan_number <= maximum_scans) return;
  segio_jpeg_reader *reader = jpeg->client_data;
  snprintf(reader->failure, sizeof reader->failure, "it has more than %d scans", maximum_scans);
  longjmp(reader->jump, 1);
}

static void take_message(const segio_jpeg_reader *reader, char *message) {
  snprintf(message, SEGIO_JPEG_MESSAGE_SIZE, "%s", reader->failure);
}

// The first APP1 segment that begins with a name, without it.
static const uint8_t *segment(const segio_jpeg_reader *reader, const char *name, size_t name_size, size_t *count) {
  for (jpeg_saved_marker_ptr marker = reader->jpeg.marker_list; marker; marker = marker->next) {
    if (marker->data_length < name_size || memcmp(marker->data, name, name_size) != 0) continue;
    *count = marker->data_length - name_size;
    return marker->data + name_size;
  }
  *count = 0;
  return NULL;
}

static bool read_header(segio_jpeg_reader *reader, const void *bytes, size_t count, segio_jpeg_header *header) {
  j_decompress_ptr jpeg = &reader->jpeg;
  if (setjmp(reader->jump)) return false;
  jpeg_create_decompress(jpeg);
  jpeg->client_data = reader;
  jpeg->progress = &reader->progress;
  jpeg_mem_src(jpeg, bytes, count);
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(jpeg, TRUE);
  header->width = jpeg->image_width;
  header->height = jpeg->image_height;
  header->components = jpeg->num_components;
  header->has_adobe_marker = jpeg->saw_Adobe_marker;
  header->is_huffman = !jpeg->arith_code;
  switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
      header->colors = segio_jpeg_grey;
      jpeg->out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_RGB:
    case JCS_YCbCr:
      header->colors = segio_jpeg_rgb;
      jpeg->out_color_space = JCS_RGB;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      header->colors = segio_jpeg_cmyk;
      jpeg->out_color_space = JCS_CMYK;
      break;
    default:
      header->colors = segio_jpeg_other;
  }
  header->exif = segment(reader, "Exif\0\0", 6, &header->exif_count);
  static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
  header->xmp = segment(reader, xmp, sizeof xmp, &header->xmp_count);
  return true;
}

segio_jpeg_reader *segio_jpeg_open(
    const void *bytes, size_t count, segio_jpeg_header *header, bool *is_unsupported, char *message) {
  memset(header, 0, sizeof *header);
  *is_unsupported = false;
  snprintf(message, SEGIO_JPEG_MESSAGE_SIZE, "out of memory");
  segio_jpeg_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->jpeg.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = fail;
  reader->errors.emit_message = note;
  reader->errors.output_message = print_nothing;
  reader->progress.progress_monitor = count_scans;
  // Creating the decoder may fail before it takes its own `client_data`.
  reader->jpeg.client_data = reader;
  if (read_header(reader, bytes, count, header)) return reader;
  *is_unsupported = reader->is_unsupported;
  take_message(reader, message);
  segio_jpeg_close(reader);
  return NULL;
}

// Whether every pixel has all that scans give it, where the file ended before its end marker but after the last scan.
static bool is_complete(const segio_jpeg_reader *reader) {
  const struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  // Arithmetic decoders read zeros behind the end and cannot tell.
  if (jpeg->arith_code) return false;
  for (int c = 0; c < jpeg->num_components; c++) {
    // The table is taken when the component's first scan begins.
    if (!jpeg->comp_info[c].quant_table) return false;
    if (!jpeg->progressive_mode || !jpeg->coef_bits) continue;
    for (int k = 0; k < DCTSIZE2; k++) {
      if (jpeg->coef_bits[c][k] != 0) return false;
    }
  }
  return true;
}

bool segio_jpeg_read(segio_jpeg_reader *reader, uint8_t *samples, segio_jpeg_findings *findings, char *message) {
  j_decompress_ptr jpeg = &reader->jpeg;
  memset(findings, 0, sizeof *findings);
  if (setjmp(reader->jump)) {
    take_message(reader, message);
    return false;
  }
  jpeg_start_decompress(jpeg);
  size_t row_bytes = (size_t)jpeg->output_width * (size_t)jpeg->output_components;
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = samples + jpeg->output_scanline * row_bytes;
    jpeg_read_scanlines(jpeg, &row, 1);
  }
  bool complete = is_complete(reader);
  jpeg_finish_decompress(jpeg);
  if (reader->has_ended_early && !complete && !reader->failure[0]) {
    snprintf(reader->failure, sizeof reader->failure, "the file ends before the last of the picture");
  }
  take_message(reader, message);
  findings->has_no_end_marker = reader->has_ended_early;
  return !reader->failure[0];
}

void segio_jpeg_close(segio_jpeg_reader *reader) {
  if (!reader) return;
  jpeg_destroy_decompress(&reader->jpeg);
  free(reader);
}
