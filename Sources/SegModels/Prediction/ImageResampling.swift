import SegEngine

/// Resizes an image row by row with a separable filter (``Preprocessing/Resampling``). The weights are computed once
/// and shared by all threads. As in Pillow, 8-bit samples are computed in fixed point and rounded after each direction;
/// other samples are summed in Double without intermediate rounding.
///
/// The horizontal direction comes first, as in Pillow up to version 12. Later versions start with the vertical
/// direction if it takes less work; results then differ by at most one step of 255.
struct ImageResampling<Stored: ImageSample> {
  typealias Sample = Stored.Working

  let source: ChannelRows<Stored>
  let horizontal, vertical: ResamplingFilter<Sample.Weight>?
  /// The number of samples of a resized row.
  let rowCount: Int

  init(_ source: ChannelRows<Stored>, to size: Extent2D, by resampling: Preprocessing.Resampling) {
    self.source = source
    horizontal = source.width == size.width ? nil : ResamplingFilter(resampling, from: source.width, to: size.width)
    vertical = source.height == size.height ? nil : ResamplingFilter(resampling, from: source.height, to: size.height)
    rowCount = size.width * source.channels
  }

  /// The approximate number of multiplications per resized row, for splitting rows over threads.
  var work: Int {
    let read = source.height * source.width * source.channels / max(1, vertical?.count ?? source.height)
    return read * (horizontal == nil ? 1 : 3) + rowCount * (vertical?.largestCount ?? 1)
  }
}
