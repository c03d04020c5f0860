/// How much an image file may ask for before it is refused.
public struct ImageLimits: Sendable, Equatable {
  /// Most pixels, width times height, that are decoded. Checked against the header, before anything is allocated.
  public var maximumPixels: Int
  /// Most bytes of a file that are read.
  public var maximumFileBytes: Int

  /// Sets limits.
  public init(maximumPixels: Int = 1 << 28, maximumFileBytes: Int = 1 << 31) {
    self.maximumPixels = maximumPixels
    self.maximumFileBytes = maximumFileBytes
  }

  /// 268 million pixels in 2 GiB.
  public static let `default` = ImageLimits()
}
