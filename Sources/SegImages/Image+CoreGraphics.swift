#if canImport(CoreGraphics)
import CoreGraphics
import Foundation
import SegEngine

// Compiled on Apple platforms only, and not tried on them.

extension Image {
  /// Draws a Core Graphics image into 8-bit sRGB samples.
  ///
  /// Images of Core Graphics have premultiplied alpha; the samples here are straight.
  ///
  /// - Throws: ``ImageError`` if Core Graphics cannot draw the image.
  public init(_ image: CGImage) throws(ImageError) {
    let (width, height) = (image.width, image.height)
    var bytes = [UInt8](repeating: 0, count: width * height * 4)
    let isDrawn = bytes.withUnsafeMutableBytes { buffer in
      guard let space = CGColorSpace(name: CGColorSpace.sRGB),
        let context = CGContext(
          data: buffer.baseAddress, width: width, height: height, bitsPerComponent: 8, bytesPerRow: width * 4,
          space: space, bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)
      else { return false }
      context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
      return true
    }
    guard isDrawn else {
      throw ImageError(nil, .unsupported(format: "Core Graphics image", reason: "it cannot be drawn into 8-bit sRGB"))
    }
    let isOpaque = [.none, .noneSkipFirst, .noneSkipLast].contains(image.alphaInfo)
    if !isOpaque {
      for pixel in stride(from: 0, to: bytes.count, by: 4) {
        let alpha = Int(bytes[pixel + 3])
        guard alpha != 0, alpha != 255 else { continue }
        for channel in 0..<3 {
          bytes[pixel + channel] = UInt8(min(255, (Int(bytes[pixel + channel]) * 255 + alpha / 2) / alpha))
        }
      }
    }
    self.init(pixels: bytes.span.bytes, width: width, height: height, order: isOpaque ? .rgbx : .rgba)
  }

  /// Returns the image for Core Graphics, in sRGB or grey with 8 bits per sample, alpha straight; `nil` for other
  /// sample types and for bands.
  public var cgImage: CGImage? {
    guard case .uint8(let samples) = samples else { return nil }
    let (name, alpha): (CFString, CGImageAlphaInfo)
    switch layout {
    case .grey: (name, alpha) = (CGColorSpace.genericGrayGamma2_2, .none)
    case .rgb: (name, alpha) = (CGColorSpace.sRGB, .none)
    case .rgba: (name, alpha) = (CGColorSpace.sRGB, .last)
    case .greyAlpha, .bands: return nil
    }
    guard let space = CGColorSpace(name: name), let provider = CGDataProvider(data: Data(samples) as CFData) else {
      return nil
    }
    return CGImage(
      width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 8 * layout.count,
      bytesPerRow: width * layout.count, space: space, bitmapInfo: CGBitmapInfo(rawValue: alpha.rawValue),
      provider: provider, decode: nil, shouldInterpolate: false, intent: .defaultIntent)
  }
}
#endif
