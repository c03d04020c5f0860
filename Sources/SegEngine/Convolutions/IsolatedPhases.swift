/// The pixels i mod r, j mod r of a map, one phase of an atrous convolution each, in an order that keeps those of one extent together:
/// along an axis of H pixels the first phases have ⌈H / r⌉ pixels, the others one less.
struct IsolatedPhases: Sendable {
  /// The phases of one axis.
  private struct Axis: Sendable {
    /// Pixels of the first phases.
    let extent: Int
    /// Phases of that extent, and all of them.
    let fullCount, count: Int

    init(_ pixels: Int, rate: Int) {
      extent = (pixels + rate - 1) / rate
      count = min(rate, pixels)
      fullCount = pixels - (extent - 1) * rate
    }

    /// Phases of the full extent, or the others.
    func phases(full: Bool) -> Range<Int> { full ? 0..<fullCount : fullCount..<count }
    func extent(full: Bool) -> Int { full ? extent : extent - 1 }
  }

  /// Phases of the same extents, one after the other.
  struct Run: Sendable {
    /// Their places in the order, over all images.
    let range: Range<Int>
    /// Height and width of each.
    let extent: Extent2D
    fileprivate let rows, columns: Range<Int>
  }

  private let rows, columns: Axis
  private let batch: Int

  /// The phases of images of an extent.
  init(_ image: Extent2D, rate: Extent2D, batch: Int) {
    rows = Axis(image.height, rate: rate.height)
    columns = Axis(image.width, rate: rate.width)
    self.batch = batch
  }

  /// The run that a place in the order belongs to: rows of the full extent come before the others, and in each of the two columns.
  func run(at place: Int) -> Run {
    let (image, index) = place.quotientAndRemainder(dividingBy: rows.count * columns.count)
    let rowsBefore = rows.fullCount * columns.count
    let hasFullRows = index < rowsBefore
    let r = rows.phases(full: hasFullRows)
    let columnsBefore = (hasFullRows ? 0 : rowsBefore) + r.count * columns.fullCount
    let hasFullColumns = index < columnsBefore
    let c = columns.phases(full: hasFullColumns)
    let first = image * rows.count * columns.count + columnsBefore - (hasFullColumns ? r.count * c.count : 0)
    return Run(
      range: first..<first + r.count * c.count,
      extent: Extent2D(rows.extent(full: hasFullRows), columns.extent(full: hasFullColumns)), rows: r, columns: c)
  }

  /// The image, and the row and column of the first pixel.
  func origin(of place: Int) -> (image: Int, row: Int, column: Int) {
    let run = run(at: place)
    let (row, column) = (place - run.range.lowerBound).quotientAndRemainder(dividingBy: run.columns.count)
    return (
      place / (rows.count * columns.count), run.rows.lowerBound + row, run.columns.lowerBound + column
    )
  }

  /// All runs.
  var runs: [Run] {
    var runs: [Run] = []
    while (runs.last?.range.upperBound ?? 0) < batch * rows.count * columns.count {
      runs.append(run(at: runs.last?.range.upperBound ?? 0))
    }
    return runs
  }
}
