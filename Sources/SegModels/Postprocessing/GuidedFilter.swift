import SegEngine

/// The guided filter (He, Sun and Tang, IEEE PAMI 35, 2013): moves the borders of a map to the edges of an image.
///
/// In each window the output is a linear function of the image's colours, q = aᵀI + b, that is closest to the map in the
/// least-squares sense with a penalty ε‖a‖². The coefficients of all windows that contain a pixel are averaged. They are
/// computed on a reduced image and interpolated (He and Sun, arXiv 1505.00996), so that the time for a large image is
/// little more than that of reading it.
public struct GuidedFilter: Hashable, Sendable {
  /// The window reaches this number of pixels of the reduced image to each side.
  public var radius: Int
  /// ε, in squared units of colours from 0 to 1: edges of less contrast than its root are smoothed over.
  public var regularization: Float
  /// The longer side of the reduced image in pixels.
  public var reducedExtent: Int

  /// Creates a filter.
  ///
  /// - Precondition: The radius, ε and the extent are positive.
  public init(radius: Int = 8, regularization: Float = 1e-4, reducedExtent: Int = 1024) {
    precondition(
      radius > 0 && regularization > 0 && reducedExtent > 0, "radius, regularization and extent must be positive")
    self.radius = radius
    self.regularization = regularization
    self.reducedExtent = reducedExtent
  }

  /// The height and width of the reduced image.
  func reducedSize(of image: Extent2D) -> Extent2D {
    let scale = min(1, Double(reducedExtent) / Double(max(image.height, image.width)))
    return Extent2D(
      height: max(1, Int((Double(image.height) * scale).rounded())),
      width: max(1, Int((Double(image.width) * scale).rounded())))
  }

  /// Computes the averaged coefficients: planes a for red, green and blue, and b.
  ///
  /// - Parameters:
  ///   - map: One plane.
  ///   - guide: Red, green and blue from 0 to 1, of the map's size.
  func coefficients(of map: Planes, guide: Planes, on workers: WorkerPool) -> Planes {
    let (i, p) = (guide.planes, map.planes[0])
    func product(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 * $1 } }
    // Means of I, p, I·p and the six distinct products I·I.
    let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    let means = Planes(
      height: map.height, width: map.width,
      planes: i + [p] + i.map { product($0, p) } + pairs.map { product(i[$0.0], i[$0.1]) }
    ).boxMeans(radius: radius, on: workers).planes
    var result = Planes(
      height: map.height, width: map.width,
      planes: Array(repeating: [Float](repeating: 0, count: map.pixelCount), count: 4))
    for pixel in 0..<map.pixelCount {
      let mean = SIMD3(Double(means[0][pixel]), Double(means[1][pixel]), Double(means[2][pixel]))
      let meanP = Double(means[3][pixel])
      let covariance =
        SIMD3(
          Double(means[4][pixel]), Double(means[5][pixel]), Double(means[6][pixel])) - mean * meanP
      func variance(_ index: Int) -> Double {
        let (r, c) = pairs[index]
        return Double(means[7 + index][pixel]) - mean[r] * mean[c] + (r == c ? Double(regularization) : 0)
      }
      let a = GuidedFilter.solved(
        variance(0), variance(1), variance(2), variance(3), variance(4), variance(5), covariance)
      result.planes[0][pixel] = Float(a.x)
      result.planes[1][pixel] = Float(a.y)
      result.planes[2][pixel] = Float(a.z)
      result.planes[3][pixel] = Float(meanP - (a * mean).sum())
    }
    return result.boxMeans(radius: radius, on: workers)
  }

  /// Solves a symmetric 3×3 system, given by its upper triangle, with the adjugate. ε keeps it regular.
  private static func solved(
    _ xx: Double, _ xy: Double, _ xz: Double, _ yy: Double, _ yz: Double, _ zz: Double, _ right: SIMD3<Double>
  ) -> SIMD3<Double> {
    let first = SIMD3(yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy)
    let second = SIMD3(first.y, xx * zz - xz * xz, xy * xz - xx * yz)
    let third = SIMD3(first.z, second.z, xx * yy - xy * xy)
    let determinant = xx * first.x + xy * first.y + xz * first.z
    guard determinant > 0 else { return SIMD3(repeating: 0) }
    return SIMD3((first * right).sum(), (second * right).sum(), (third * right).sum()) / determinant
  }
}
