import SegEngine

/// The exact Euclidean distance from every pixel to the nearest pixel of a mask, in time linear in the number of
/// pixels.
///
/// The first pass computes distances within columns. The second pass computes, for each row, the lower envelope of
/// parabolas whose heights are the squared column distances (Felzenszwalb and Huttenlocher, Distance Transforms of
/// Sampled Functions, 2012). Strips of columns and rows are split over the workers; the result does not depend on their
/// number.
public enum DistanceTransform {
  /// The squared distance in pixels (an integer) to the nearest pixel of a mask, `[height, width]` row by row.
  /// `Int.max` everywhere if the mask is empty.
  ///
  /// - Precondition: Height and width are at most 2²⁴.
  public static func squaredDistances(to mask: BinaryMask, on workers: WorkerPool = .shared) -> [Int] {
    transformed(mask, .unit, workers, empty: Int.max) { Int($0) }
  }

  /// The distance to the nearest pixel of a mask, `[height, width]` row by row. Infinite everywhere if the mask is
  /// empty.
  ///
  /// - Precondition: Height and width are at most 2²⁴.
  public static func distances(
    to mask: BinaryMask, spacing: PixelSpacing = .unit, on workers: WorkerPool = .shared
  ) -> [Double] {
    transformed(mask, spacing, workers, empty: .infinity) { $0.squareRoot() }
  }

  /// The definition of the signed distance inside a mask.
  public enum SignedConvention: Sendable, Hashable, CaseIterable {
    /// Outside: the distance to the nearest pixel inside. Inside: 1 minus the distance to the nearest pixel outside, in
    /// units of the smaller spacing, so that boundary pixels have 0 (Kervadec et al. 2019).
    case innermostZero
    /// Outside: the distance to the nearest pixel inside. Inside: the negative distance to the nearest pixel outside.
    /// No pixel has 0.
    case symmetric
  }

  /// The signed distance to the boundary of a mask, positive outside and negative inside, `[height, width]` row by row.
  ///
  /// An empty or full mask has no boundary; all distances are 0, so that the map contributes nothing to a boundary
  /// loss.
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

  /// The columns of a strip: the width of several cache lines.
  private static let stripWidth = 256

  /// The squared distances, mapped by `convert`. With unit spacing all are exact, because Double represents integers up
  /// to 2⁵³.
  private static func transformed<Distance>(
    _ mask: BinaryMask, _ spacing: PixelSpacing, _ workers: WorkerPool, empty: Distance,
    _ convert: (Double) -> Distance
  ) -> [Distance] {
    let (width, height) = (mask.width, mask.height)
    precondition(max(width, height) <= 1 << 24, "height and width must be at most 2²⁴, not \(width)×\(height) pixels")
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

  /// The distance within a column that has no pixel of the mask.
  static let noPixel = Int32(1) << 28

  /// Distances to the mask within each column.
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
