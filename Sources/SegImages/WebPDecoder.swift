import CWebP
import SegEngine
import SegFiles

/// Decodes WebP files to RGB or RGBA with 8 bits per sample: the picture, or the first frame of an animation on its canvas.
enum WebPDecoder {
  /// Decodes the image and applies the EXIF orientation.
  static func decode(
    _ file: FileBytes, named path: String, limits: ImageLimits, _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) -> Image {
    defer { withExtendedLifetime(file) {} }
    let bytes = file.bytes.bindMemory(to: UInt8.self)
    var features = WebPBitstreamFeatures()
    guard WebPGetFeatures(bytes.baseAddress, bytes.count, &features) == VP8_STATUS_OK else {
      throw corrupt(path, "its header is damaged or cut off")
    }
    let (width, height) = (Int(features.width), Int(features.height))
    try limits.check(width: width, height: height, of: path)
    var data = WebPData(bytes: bytes.baseAddress, size: bytes.count)
    // The demuxer is null if the file is incomplete.
    guard let demuxer = WebPDemux(&data) else {
      throw corrupt(path, "its parts do not fit, or the file ends too early")
    }
    defer { WebPDemuxDelete(demuxer) }
    let layout: Image.ChannelLayout = features.has_alpha != 0 ? .rgba : .rgb
    let samples: [UInt8]
    if features.has_animation != 0 {
      if WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT) > 1 { warnings.append(.furtherFrames) }
      samples = try firstFrame(&data, path, count: width * height, hasAlpha: layout == .rgba)
    } else {
      samples = try still(bytes, path, width: width, height: height, layout)
    }
    return Image(width: width, height: height, layout: layout, samples: .uint8(samples)).applying(
      ImageOrientation(exif: chunk("EXIF", of: demuxer), xmp: chunk("XMP ", of: demuxer)))
  }

  /// Returns whether the picture has lossless compression.
  static func isLossless(_ file: FileBytes) -> Bool {
    defer { withExtendedLifetime(file) {} }
    var features = WebPBitstreamFeatures()
    let bytes = file.bytes.bindMemory(to: UInt8.self)
    return WebPGetFeatures(bytes.baseAddress, bytes.count, &features) == VP8_STATUS_OK && features.format == 2
  }

  private static func corrupt(_ path: String, _ reason: String) -> ImageError {
    ImageError(path, .corrupt(format: "WebP", reason: reason))
  }

  private static func still(
    _ bytes: UnsafeBufferPointer<UInt8>, _ path: String, width: Int, height: Int, _ layout: Image.ChannelLayout
  ) throws(ImageError) -> [UInt8] {
    var samples = [UInt8](repeating: 0, count: width * height * layout.count)
    let rowBytes = Int32(width * layout.count)
    let isRead = samples.withUnsafeMutableBufferPointer { samples in
      let decode = layout == .rgba ? WebPDecodeRGBAInto : WebPDecodeRGBInto
      return decode(bytes.baseAddress, bytes.count, samples.baseAddress, samples.count, rowBytes) != nil
    }
    guard isRead else { throw corrupt(path, "its pixels are damaged or cut off") }
    return samples
  }

  /// Returns the first frame on the canvas. The other pixels are transparent black.
  private static func firstFrame(
    _ data: inout WebPData, _ path: String, count: Int, hasAlpha: Bool
  ) throws(ImageError) -> [UInt8] {
    var options = WebPAnimDecoderOptions()
    guard WebPAnimDecoderOptionsInit(&options) != 0 else { throw corrupt(path, "the decoder cannot be started") }
    options.color_mode = MODE_RGBA
    guard let decoder = WebPAnimDecoderNew(&data, &options) else { throw corrupt(path, "its first frame is damaged") }
    defer { WebPAnimDecoderDelete(decoder) }
    var canvas: UnsafeMutablePointer<UInt8>?
    var time: Int32 = 0
    guard WebPAnimDecoderGetNext(decoder, &canvas, &time) != 0, let canvas else {
      throw corrupt(path, "its first frame is damaged or cut off")
    }
    if hasAlpha { return Array(UnsafeBufferPointer(start: canvas, count: 4 * count)) }
    return [UInt8](unsafeUninitializedCapacity: 3 * count) { samples, written in
      for pixel in 0..<count {
        for channel in 0..<3 { samples[3 * pixel + channel] = canvas[4 * pixel + channel] }
      }
      written = 3 * count
    }
  }

  private static func chunk(_ name: String, of demuxer: OpaquePointer) -> [UInt8] {
    var iterator = WebPChunkIterator()
    defer { WebPDemuxReleaseChunkIterator(&iterator) }
    guard WebPDemuxGetChunk(demuxer, name, 1, &iterator) != 0 else { return [] }
    return Array(UnsafeBufferPointer(start: iterator.chunk.bytes, count: iterator.chunk.size))
  }
}
