/// The connected components of a label map: the largest sets of pixels that have the same label and are connected with
/// each other.
///
/// Components are numbered from 0 in the order of their first pixels, rows from the top and columns from the left. Every
/// label has components, also background and ignore labels. The time is proportional to the number of pixels: runs of
/// equal pixels are united row by row with union–find (He, Chao and Suzuki 2008).
public struct ConnectedComponents: Sendable {
  /// Width of the map in pixels.
  public let width: Int
  /// Height of the map in pixels.
  public let height: Int
  /// The neighbours that a pixel is connected to.
  public let connectivity: Connectivity
  /// The label of each component.
  public private(set) var labels: [UInt16] = []
  /// The size of each component, in pixels.
  public private(set) var sizes: [Int] = []
  private let runs: PixelRuns
  /// The component of each run.
  private let runComponents: [Int32]

  /// Finds the components of a label map.
  public init(_ map: LabelMap, connectivity: Connectivity = .four) {
    (width, height, self.connectivity) = (map.width, map.height, connectivity)
    runs = PixelRuns(map)
    let parents = RunForest(runs, connectivity: connectivity).parents
    var components = [Int32](repeating: 0, count: runs.count)
    for row in 0..<height {
      for run in runs.rowStarts[row]..<runs.rowStarts[row + 1] {
        let parent = Int(parents[run])
        if parent == run {
          components[run] = Int32(truncatingIfNeeded: sizes.count)
          labels.append(runs.labels[run])
          sizes.append(0)
        } else {
          // The parent is an earlier run, whose component is known.
          components[run] = components[parent]
        }
        sizes[Int(components[run])] += runs.end(of: run, row: row) - Int(runs.columns[run])
      }
    }
    runComponents = components
  }

  /// The number of components.
  public var count: Int { sizes.count }

  /// Returns the component of each pixel: `height * width` numbers, row by row.
  public func indices() -> [Int32] {
    var result = [Int32](repeating: 0, count: width * height)
    forEachRun { row, columns, component in
      for index in row * width + columns.lowerBound..<row * width + columns.upperBound { result[index] = component }
    }
    return result
  }

  /// Calls `body` for each run of pixels of a component: its row, its columns and the component. Runs are in row-major
  /// order and cover the map.
  package func forEachRun(_ body: (_ row: Int, _ columns: Range<Int>, _ component: Int32) -> Void) {
    for row in 0..<height {
      for run in runs.rowStarts[row]..<runs.rowStarts[row + 1] {
        body(row, Int(runs.columns[run])..<runs.end(of: run, row: row), runComponents[run])
      }
    }
  }
}
