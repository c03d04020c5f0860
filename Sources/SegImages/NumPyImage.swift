import SegEngine
import SegFiles

/// NumPy arrays as images: [H, W], [H, W, C] or [C, H, W], also with a batch axis of 1.
enum NumPyImage {
  static func decode(
    _ file: FileBytes, named path: String, limits: ImageLimits, _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) -> Image {
    let (stored, array) = try array(file, path)
    let axes = try Axes(array.shape, of: path)
    try limits.check(width: axes.width, height: axes.height, samples: axes.channels, of: path)
    let layout: Image.ChannelLayout =
      switch axes.channels {
      case 1: .grey
      case 3: .rgb
      case let count: .bands(count)
      }
    func image(_ samples: Image.Samples, _ white: Float) -> Image {
      Image(width: axes.width, height: axes.height, layout: layout, samples: samples, white: white)
    }
    let result: Image
    switch stored {
    case .float16, .bfloat16, .float32, .float64: return image(.float32(axes.interleaved(array) { (v: Float) in v }), 1)
    case .bool: return image(.uint8(axes.interleaved(array) { (v: UInt8) in v == 0 ? 0 : 255 }), 255)
    case .uint8: return image(.uint8(axes.interleaved(array) { (v: UInt8) in v }), 255)
    case .int8: return image(.float32(axes.interleaved(array) { (v: Int32) in Float(v) }), 127)
    case .uint16:
      result = image(.uint16(axes.interleaved(array) { (v: Int32) in UInt16(truncatingIfNeeded: v) }), 65535)
    case .int16: result = image(.float32(axes.interleaved(array) { (v: Int32) in Float(v) }), 32767)
    case .int32: result = image(.float32(axes.interleaved(array) { (v: Int32) in Float(v) }), Float(Int32.max))
    case .uint32: result = image(.float32(axes.interleaved(array) { (v: Int64) in Float(v) }), Float(UInt32.max))
    case .int64: result = image(.float32(axes.interleaved(array) { (v: Int64) in Float(v) }), Float(Int64.max))
    }
    if let largest = result.samples.largest, let warning = result.rangeWarning(largest: largest) {
      warnings.append(warning)
    }
    return result
  }

  /// Reads the numbers of an array with two axes or one channel; `nil` if it has more channels.
  static func storedValues(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError)
    -> StoredValues?
  {
    let (_, array) = try array(file, path)
    let axes = try Axes(array.shape, of: path)
    try limits.check(width: axes.width, height: axes.height, samples: axes.channels, of: path)
    guard axes.channels == 1 else { return nil }
    let values: StoredValues.Values =
      switch array.elementType {
      case .uint8: .uint8(axes.interleaved(array) { (v: UInt8) in v })
      case .uint16: .uint16(axes.interleaved(array) { (v: UInt16) in v })
      case .float32: .float64(axes.interleaved(array) { (v: Float) in Double(v) })
      case .int32: .float64(axes.interleaved(array) { (v: Int32) in Double(v) })
      case .int64: .float64(axes.interleaved(array) { (v: Int64) in Double(v) })
      }
    return StoredValues(width: axes.width, height: axes.height, values)
  }

  private static func array(_ file: FileBytes, _ path: String) throws(ImageError) -> (StoredElement, Tensor) {
    do {
      return try NPY.array(from: file)
    } catch {
      throw ImageError(
        path,
        error.isUnsupported
          ? .unsupported(format: "NumPy", reason: error.reason) : .corrupt(format: "NumPy", reason: error.reason))
    }
  }

  /// The height, width and channels of an array as an image, and the position of the channel axis.
  private struct Axes {
    let height, width, channels: Int
    let areChannelsFirst: Bool

    /// Finds the axes. Of three axes, the channels are the first or the last: the one of extent 1, 3 or 4 if the other has none of these,
    /// else the one that is at most half of the other.
    init(_ shape: Shape, of path: String) throws(ImageError) {
      var extents = shape.dimensions
      if extents.count == 4, extents[0] == 1 { extents.removeFirst() }
      guard (2...3).contains(extents.count), extents.allSatisfy({ $0 > 0 }) else {
        throw ImageError(
          path,
          .unsupported(format: "NumPy", reason: "an array of shape \(shape); images are [H, W], [H, W, C] or [C, H, W]")
        )
      }
      guard extents.count == 3 else {
        (height, width, channels, areChannelsFirst) = (extents[0], extents[1], 1, false)
        return
      }
      let usual = [1, 3, 4]
      let (first, last) = (extents[0], extents[2])
      switch (usual.contains(first), usual.contains(last)) {
      case (true, false): areChannelsFirst = true
      case (false, true): areChannelsFirst = false
      case _ where 2 * first <= last: areChannelsFirst = true
      case _ where 2 * last <= first: areChannelsFirst = false
      default:
        throw ImageError(
          path,
          .unsupported(
            format: "NumPy",
            reason: "an array of shape \(shape), whose channels may be its first axis or its last; save it as TIFF"))
      }
      (height, width, channels) =
        areChannelsFirst ? (extents[1], extents[2], extents[0]) : (extents[0], extents[1], extents[2])
    }

    /// Returns all elements with the channels of a pixel contiguous.
    func interleaved<Element: TensorElement, Sample>(_ array: Tensor, _ convert: (Element) -> Sample) -> [Sample] {
      array.withElements(of: Element.self) { elements in
        let pixels = height * width
        return [Sample](unsafeUninitializedCapacity: pixels * channels) { samples, count in
          for pixel in 0..<pixels {
            for channel in 0..<channels {
              let place = areChannelsFirst ? channel * pixels + pixel : pixel * channels + channel
              samples.initializeElement(at: pixel * channels + channel, to: convert(elements[place]))
            }
          }
          count = pixels * channels
        }
      }
    }
  }
}
