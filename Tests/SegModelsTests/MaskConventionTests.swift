import SegEngine
import SegModels
import Testing

/// What masks store, and the classes that it stands for.
@Suite struct MaskConventionTests {
  private let none = LabelMap.unlabelled

  private func classes(_ labels: [UInt16], _ convention: MaskConvention) -> [UInt16] {
    convention.classes(of: LabelMap(width: labels.count, height: 1, labels: labels)).labels
  }

  @Test func ignoredLabelsHaveNoClass() {
    #expect(classes([0, 1, 255, 254, none], MaskConvention()) == [0, 1, none, 254, none])
    #expect(classes([0, 1, 255, none], MaskConvention(ignored: [])) == [0, 1, 255, none])
    #expect(classes([0, 1, 2, 255], MaskConvention(ignored: [0, 2])) == [none, 1, none, 255])
    #expect(classes([], MaskConvention()) == [])
  }

  /// As mmsegmentation has it: 0 becomes the ignored label, the ignored label stays, all others are one less.
  @Test func labelZeroStandsForNoClass() {
    let reduced = MaskConvention(reducesZeroLabel: true)
    #expect(classes([0, 1, 150, 255, 256, none], reduced) == [none, 0, 149, none, 255, none])
    #expect(classes([0, 1, 255], MaskConvention(ignored: [], reducesZeroLabel: true)) == [none, 0, 254])
    #expect(classes([0, 5, 6], MaskConvention(ignored: [5], reducesZeroLabel: true)) == [none, none, 5])
  }
}
