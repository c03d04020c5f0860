/// How much an image file may ask for before it is refused.
public struct ImageLimits: Sendable, Equatable {
  /// Most pixels, width times height, that are decoded, of up to four samples each; of more samples as many fewer pixels. Checked
  /// against the header, before anything is allocated.
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

  /// Refuses an image that has more pixels, or more samples than four times as many. Extents of 32 bits may have a product beyond
  /// 63.
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
