import SegEngine

/// How far apart neighbouring pixels are, in any unit of length.
public struct PixelSpacing: Sendable, Hashable {
  /// From one row to the next.
  public var vertical: Double
  /// From one column to the next.
  public var horizontal: Double

  /// Makes a spacing.
  ///
  /// - Precondition: both are positive and finite.
  public init(vertical: Double, horizontal: Double) {
    precondition(
      vertical > 0 && horizontal > 0 && vertical.isFinite && horizontal.isFinite,
      "pixels are a positive distance apart: \(vertical), \(horizontal)")
    self.vertical = vertical
    self.horizontal = horizontal
  }

  /// One pixel is the unit of length.
  public static let unit = PixelSpacing(vertical: 1, horizontal: 1)
}

/// The exact Euclidean distance from every pixel to the nearest pixel of a mask, in time linear in the number of pixels.
///
/// Columns first, then for each row the lower envelope of the parabolas that the columns' distances are the feet of (Felzenszwalb
/// and Huttenlocher, Distance Transforms of Sampled Functions, 2012). Strips of columns and rows are split over the workers; the
/// result does not depend on how many there are.
public enum DistanceTransform {
  /// The squared distance in pixels, a whole number, to the nearest pixel of a mask, `[height, width]` row by row. `Int.max`
  /// everywhere where the mask is empty.
  ///
  /// - Precondition: no extent exceeds 2²⁴.
  public static func squaredDistances(to mask: BinaryMask, on workers: WorkerPool = .shared) -> [Int] {
    transformed(mask, .unit, workers, empty: Int.max) { Int($0) }
  }

  /// The distance to the nearest pixel of a mask, `[height, width]` row by row. Infinite everywhere where the mask is empty.
  ///
  /// - Precondition: no extent exceeds 2²⁴.
  public static func distances(
    to mask: BinaryMask, spacing: PixelSpacing = .unit, on workers: WorkerPool = .shared
  ) -> [Double] {
    transformed(mask, spacing, workers, empty: .infinity) { $0.squareRoot() }
  }

  /// What the pixels inside a mask have as their distance to its boundary.
  public enum SignedConvention: Sendable, Hashable, CaseIterable {
    /// Outside the distance to the nearest pixel inside; inside 1 less the distance to the nearest pixel outside, in units of the
    /// smaller spacing, so that the pixels along the boundary have 0. That of Kervadec et al. 2019.
    case innermostZero
    /// Outside the distance to the nearest pixel inside, inside the negative distance to the nearest pixel outside; no pixel has 0.
    case symmetric
  }

  /// The distance to the boundary of a mask, positive outside and negative inside, `[height, width]` row by row.
  ///
  /// Where the mask is empty or full there is no boundary, and all distances are 0: such a map adds nothing to a boundary loss.
  public static func signedDistances(
    to mask: BinaryMask, spacing: PixelSpacing = .unit, convention: SignedConvention = .innermostZero,
    on workers: WorkerPool = .shared
  ) -> [Double] {
    let complement = mask.complement
    guard !mask.isEmpty && !complement.isEmpty else { return Array(repeating: 0, count: mask.isSet.count) }
    let offset = convention == .innermostZero ? min(spacing.vertical, spacing.horizontal) : 0
    var result = distances(to: mask, spacing: spacing, on: workers)
    let inside = distances(to: complement, spacing: spacing, on: workers)
    for index in result.indices where mask.isSet[index] { result[index] = offset - inside[index] }
    return result
  }

  /// Columns of a strip, as wide as some cache lines.
  private static let stripWidth = 256

  /// The converted squared distances; all are exact where the spacing is that of the unit, since Double holds whole numbers to 2⁵³.
  private static func transformed<Distance>(
    _ mask: BinaryMask, _ spacing: PixelSpacing, _ workers: WorkerPool, empty: Distance,
    _ convert: (Double) -> Distance
  ) -> [Distance] {
    let (width, height) = (mask.width, mask.height)
    precondition(max(width, height) <= 1 << 24, "an image of \(width)×\(height) pixels has too great distances")
    guard !mask.isEmpty else { return Array(repeating: empty, count: mask.isSet.count) }
    let columns = columnDistances(mask, workers)
    let reciprocals = ParabolaEnvelope.reciprocals(width: width, spacing: spacing)
    return Array(unsafeUninitializedCapacity: width * height) { result, count in
      columns.withUnsafeBufferPointer { columns in
        workers.forEachRange(height, grain: max(1, 16384 / width)) { rows, _ in
          var envelope = ParabolaEnvelope(width: width, spacing: spacing)
          for row in rows {
            envelope.build(columns.baseAddress! + row * width, reciprocals)
            envelope.evaluate(result.baseAddress! + row * width, convert)
          }
        }
      }
      count = width * height
    }
  }

  /// What a pixel has as its distance within its column to the nearest pixel of the mask, where there is none.
  static let noPixel = Int32(1) << 28

  /// Distances within columns.
  private static func columnDistances(_ mask: BinaryMask, _ workers: WorkerPool) -> [Int32] {
    let (width, height) = (mask.width, mask.height)
    return Array(unsafeUninitializedCapacity: width * height) { result, count in
      mask.isSet.withUnsafeBufferPointer { isSet in
        workers.forEach((width + stripWidth - 1) / stripWidth) { strip, _ in
          let first = strip * stripWidth
          let columns = min(stripWidth, width - first)
          let mask = isSet.baseAddress! + first
          let distances = result.baseAddress! + first
          for column in 0..<columns { distances[column] = mask[column] ? 0 : noPixel }
          for row in 1..<max(1, height) {
            let (above, here, set) = (distances + (row - 1) * width, distances + row * width, mask + row * width)
            for column in 0..<columns { here[column] = set[column] ? 0 : min(above[column] &+ 1, noPixel) }
          }
          for row in stride(from: height - 2, through: 0, by: -1) {
            let (below, here) = (distances + (row + 1) * width, distances + row * width)
            for column in 0..<columns { here[column] = min(here[column], below[column] &+ 1) }
          }
        }
      }
      count = width * height
    }
  }
}
