/// The layout of 8-bit pixels in a buffer, for instance of a camera or a window system.
public struct PixelLayout: Sendable, Hashable {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// The order of a pixel's samples.
  public let order: Image.ChannelOrder
  /// The distance from one row to the next, in bytes.
  public let bytesPerRow: Int

  /// Creates a layout.
  ///
  /// - Parameters:
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - order: The order of a pixel's samples.
  ///   - bytesPerRow: The distance from one row to the next, in bytes; `nil` if rows adjoin.
  /// - Precondition: `width` and `height` are positive, and `bytesPerRow` is at least `width * order.count`.
  public init(width: Int, height: Int, order: Image.ChannelOrder, bytesPerRow: Int? = nil) {
    precondition(width > 0 && height > 0, "width and height must be positive, not \(width)×\(height)")
    let rowBytes = width * order.count
    let bytesPerRow = bytesPerRow ?? rowBytes
    precondition(
      bytesPerRow >= rowBytes,
      "bytesPerRow must be at least \(width) pixels of \(order.count) bytes, not \(bytesPerRow)")
    self.width = width
    self.height = height
    self.order = order
    self.bytesPerRow = bytesPerRow
  }

  /// The smallest number of bytes of a buffer that contains all rows.
  public var byteCount: Int { (height - 1) * bytesPerRow + width * order.count }

  /// Traps unless the buffer contains all rows.
  package func checkContains(_ pixels: RawSpan) {
    precondition(
      pixels.byteCount >= byteCount,
      "a buffer of \(pixels.byteCount) bytes is too small for \(height) rows of \(bytesPerRow) bytes")
  }
}
