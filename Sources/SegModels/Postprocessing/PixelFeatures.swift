import SegEngine

/// Feature vectors, one per pixel, row by row.
struct PixelFeatures: Sendable {
  /// The number of coordinates.
  let dimensions: Int
  /// `[pixel, dimension]`
  let values: [Float]

  /// The number of points.
  var count: Int { values.count / dimensions }
}
