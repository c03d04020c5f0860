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

  /// Refuses an image that has more pixels. Extents of 32 bits may have a product beyond 63.
  func check(width: Int, height: Int, of path: String) throws(ImageError) {
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixels <= maximumPixels else {
      throw ImageError(path, .tooManyPixels(width: width, height: height, limit: maximumPixels))
    }
  }
}
