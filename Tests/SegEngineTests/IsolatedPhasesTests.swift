import Testing

@testable import SegEngine

@Suite struct IsolatedPhasesTests {
  /// Every phase once, in runs of one extent, counted pixel by pixel.
  @Test(arguments: [(7, 5, 4, 3), (64, 64, 24, 36), (3, 8, 5, 8), (6, 6, 2, 3), (1, 4, 1, 2)])
  func eachPhaseComesOnce(_ height: Int, _ width: Int, _ rowRate: Int, _ columnRate: Int) {
    let phases = IsolatedPhases(Extent2D(height, width), rate: Extent2D(rowRate, columnRate), batch: 3)
    var seen: Set<[Int]> = []
    var place = 0
    for run in phases.runs {
      #expect(run.range.lowerBound == place)
      for index in run.range {
        let (image, row, column) = phases.origin(of: index)
        let extent = Extent2D(
          (0..<height).filter { $0 % rowRate == row }.count, (0..<width).filter { $0 % columnRate == column }.count)
        #expect(extent == run.extent && phases.run(at: index).range == run.range)
        seen.insert([image, row, column])
      }
      place = run.range.upperBound
    }
    #expect(place == 3 * min(height, rowRate) * min(width, columnRate) && seen.count == place)
    #expect(seen.allSatisfy { $0[0] < 3 && $0[1] < rowRate && $0[2] < columnRate })
  }
}
