/// The maximum size of an image file that is read.
public struct ImageLimits: Sendable, Equatable {
  /// The maximum number of pixels, width times height, with up to four samples each. With more samples per pixel it is lower in
  /// proportion. It is checked against the header, before anything is allocated.
  public var maximumPixels: Int
  /// The maximum size of a file in bytes.
  public var maximumFileBytes: Int

  /// Makes limits.
  public init(maximumPixels: Int = 1 << 28, maximumFileBytes: Int = 1 << 31) {
    self.maximumPixels = maximumPixels
    self.maximumFileBytes = maximumFileBytes
  }

  /// 268 million pixels in 2 GiB.
  public static let `default` = ImageLimits()

  /// Refuses an image that has more pixels than the limit, or more samples than four times the limit. The product of two extents of 32
  /// bits may overflow 63 bits.
  func check(width: Int, height: Int, samples: Int = 1, of path: String) throws(ImageError) {
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    let (fourths, overflow2) = pixels.multipliedReportingOverflow(by: (samples + 3) / 4)
    guard !overflow, !overflow2, pixels <= maximumPixels, fourths <= maximumPixels else {
      throw ImageError(
        path,
        overflow || pixels > maximumPixels
          ? .tooManyPixels(width: width, height: height, limit: maximumPixels)
          : .tooManySamples(width: width, height: height, samples: samples, limit: maximumPixels))
    }
  }
}
