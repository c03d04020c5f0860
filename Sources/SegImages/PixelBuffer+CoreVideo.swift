#if canImport(CoreVideo)
import CoreVideo
import SegEngine

// Compiled on Apple platforms only, and not tried on them.

/// Calls `body` with the pixels of a pixel buffer where they lie, for instance a frame of a camera.
///
///     let labels = try withPixels(of: frame) { pixels, layout in try predictor(pixels, layout: layout).labels }
///
/// - Parameters:
///   - buffer: A pixel buffer of one plane: 32BGRA, 32ARGB, 32RGBA, 32ABGR, 24RGB, 24BGR or one 8-bit component. Its
///     base address is locked for reading during the call.
///   - body: Is given the bytes of all rows and their layout.
/// - Throws: ``ImageError`` for other pixel formats, and the errors of `body`.
public func withPixels<Result>(
  of buffer: CVPixelBuffer, _ body: (_ pixels: RawSpan, _ layout: PixelLayout) throws -> Result
) throws -> Result {
  let format = CVPixelBufferGetPixelFormatType(buffer)
  guard let order = Image.ChannelOrder(pixelFormat: format), !CVPixelBufferIsPlanar(buffer) else {
    throw ImageError(nil, .unsupported(format: "Core Video pixel buffer", reason: "its pixel format is \(format)"))
  }
  CVPixelBufferLockBaseAddress(buffer, .readOnly)
  defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
  let layout = PixelLayout(
    width: CVPixelBufferGetWidth(buffer), height: CVPixelBufferGetHeight(buffer), order: order,
    bytesPerRow: CVPixelBufferGetBytesPerRow(buffer))
  let bytes = UnsafeRawBufferPointer(start: CVPixelBufferGetBaseAddress(buffer), count: layout.byteCount)
  return try body(bytes.bytes, layout)
}

extension Image.ChannelOrder {
  fileprivate init?(pixelFormat: OSType) {
    switch pixelFormat {
    case kCVPixelFormatType_OneComponent8: self = .grey
    case kCVPixelFormatType_24RGB: self = .rgb
    case kCVPixelFormatType_24BGR: self = .bgr
    case kCVPixelFormatType_32RGBA: self = .rgba
    case kCVPixelFormatType_32BGRA: self = .bgra
    case kCVPixelFormatType_32ARGB: self = .argb
    case kCVPixelFormatType_32ABGR: self = .abgr
    default: return nil
    }
  }
}
#endif
