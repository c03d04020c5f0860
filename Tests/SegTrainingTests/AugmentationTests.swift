import SegEngine
import Testing

@testable import SegTraining

/// Crops: where their pixels and labels come from.
@Suite struct AugmentationTests {
  /// An image whose value and label name the pixel: 100 · row + column.
  private func example(_ height: Int, _ width: Int) -> TrainingExample {
    let numbers = (0..<height * width).map { 100 * ($0 / width) + $0 % width }
    return TrainingExample(
      pixels: Tensor([height, width, 1], numbers.map(Float.init)),
      labels: LabelMap(width: width, height: height, labels: numbers.map(UInt16.init)), classes: 1)
  }

  private func cut(
    _ example: TrainingExample, _ augmentation: Augmentation, size: Int, focus: (Int, Int)? = nil, seed: UInt64
  ) -> (pixels: [Float], labels: [UInt16], isExact: Bool) {
    var generator = SeededGenerator(seed: seed)
    let extent = Extent2D(height: example.labels.height, width: example.labels.width)
    let mapping = CropMapping(augmentation, size: size, of: extent, around: focus, using: &generator)
    var pixels = Tensor(zeros: [size, size, example.channels])
    var labels = Tensor(zeros: [size, size], of: .uint16)
    pixels.withMutableElements(of: Float.self) { own in
      labels.withMutableElements(of: UInt16.self) { map in mapping.cut(example, pixels: &own, labels: &map) }
    }
    return (pixels.elements(of: Float.self), labels.elements(of: UInt16.self), mapping.isExact)
  }

  @Test func flipsAndTurnsMovePixelsAndLabelsTogether() {
    let example = example(20, 30)
    var orientations: Set<[Int]> = []
    for seed in 0..<200 as Range<UInt64> {
      for size in [8, 9] {
        let (pixels, labels, isExact) = cut(example, .anyOrientation, size: size, seed: seed)
        #expect(isExact)
        #expect(pixels.map { UInt16($0) } == labels)
        // Neighbours in the crop are neighbours in the image, along one of the eight pairs of directions.
        let right = Int(labels[1]) - Int(labels[0])
        let down = Int(labels[size]) - Int(labels[0])
        #expect(Set([abs(right), abs(down)]) == [1, 100])
        for i in 0..<size {
          for j in 0..<size { #expect(Int(labels[i * size + j]) == Int(labels[0]) + i * down + j * right) }
        }
        orientations.insert([right, down])
      }
    }
    #expect(orientations.count == 8)
  }

  /// Bilinear interpolation reproduces a plane, so that values are those of the mapped places; labels are those of the nearest pixel.
  @Test func scalesAndRotationsInterpolateAPlane() {
    let example = example(60, 60)
    var augmentation = Augmentation.none
    augmentation.scaling = .init()
    augmentation.rotation = .init()
    augmentation.rotation?.probability = 1
    var steps: Set<Int> = []
    for seed in 0..<100 as Range<UInt64> {
      let size = 16
      let (pixels, labels, isExact) = cut(example, augmentation, size: size, focus: (30, 30), seed: seed)
      #expect(!isExact)
      let (right, down) = (pixels[1] - pixels[0], pixels[size] - pixels[0])
      for i in 0..<size {
        for j in 0..<size {
          let expected = pixels[0] + Float(i) * down + Float(j) * right
          #expect(abs(pixels[i * size + j] - expected) < 0.05)
          let (row, column) = (Int(labels[i * size + j]) / 100, Int(labels[i * size + j]) % 100)
          // At most half a pixel away along each axis.
          let distance = Float(100 * row + column) - pixels[i * size + j]
          #expect(abs(distance) <= 50.55)
        }
      }
      // Rows and columns of the image along the crop's axes: a vector of the length 1 / scale.
      let rows = (Double(down) / 100).rounded(toMultipleOf: 0.01)
      steps.insert(Int((1 / max(0.1, rows) * 4).rounded()))
    }
    #expect(steps.isSuperset(of: [2, 3, 4, 5, 6]))
  }

  @Test func pixelsBeyondTheEdgeAreReflectedAndNotLabelled() {
    let example = example(5, 7)
    let (pixels, labels, _) = cut(example, .none, size: 11, seed: 4)
    let first = labels.firstIndex { $0 == 0 }!
    let (top, left) = (first / 11, first % 11)
    func reflected(_ index: Int, _ extent: Int) -> Int {
      index < 0 ? -index : index >= extent ? 2 * extent - 2 - index : index
    }
    for i in 0..<11 {
      for j in 0..<11 {
        let (row, column) = (i - top, j - left)
        let isInside = row >= 0 && row < 5 && column >= 0 && column < 7
        #expect(labels[i * 11 + j] == (isInside ? UInt16(100 * row + column) : LabelMap.unlabelled))
        guard abs(row) < 5, row < 9, column < 13, abs(column) < 7 else { continue }
        #expect(pixels[i * 11 + j] == Float(100 * reflected(row, 5) + reflected(column, 7)))
      }
    }
    #expect(labels.count { $0 != LabelMap.unlabelled } == 35)
  }

  @Test func elasticDisplacementsAreSmooth() {
    var elastic = Augmentation.Elastic()
    elastic.deviation = 4
    elastic.spacing = 16
    var generator = SeededGenerator(seed: 1)
    let displacement = ElasticDisplacement(elastic, size: 64, using: &generator)
    var (sum, largest) = (0.0, 0.0)
    for row in 0..<64 {
      for column in 1..<64 {
        let (here, before) = (displacement.at(row, column), displacement.at(row, column - 1))
        largest = max(largest, abs(here.row - before.row), abs(here.column - before.column))
        sum += here.row * here.row
      }
    }
    // The slope of a cubic B-spline is at most the difference of neighbouring coefficients: a few deviations in 16 pixels.
    #expect(largest < 4 * 6 / 16.0)
    #expect(sum / (64 * 63) > 1)
  }

  @Test func intensitiesFollowTheirFormulas() {
    func changed(_ values: [Float], _ change: (inout Augmentation) -> Void) -> [Float] {
      var augmentation = Augmentation.none
      change(&augmentation)
      var tensor = Tensor([2, 2, 2], values)
      var generator = SeededGenerator(seed: 5)
      tensor.withMutableElements(of: Float.self) {
        IntensityChange(augmentation: augmentation).apply(&$0, size: 2, channels: 2, using: &generator)
      }
      return tensor.elements(of: Float.self)
    }
    let values: [Float] = [0, 1, 2, 3, 4, 5, 6, 7]
    #expect(changed(values) { _ in } == values)
    // A factor and a summand: differences stay in proportion.
    let affine = changed(values) { $0.intensity = .init() }
    let (factor, summand) = (affine[1] - affine[0], affine[0])
    #expect((0.75...1.25).contains(factor))
    #expect(abs(summand) <= 0.2)
    #expect(affine != values)
    for (index, value) in affine.enumerated() {
      let expected = summand + Float(index) * factor
      #expect(abs(value - expected) < 1e-5)
    }
    // A power keeps the smallest and the largest, and the order.
    let powers = changed(values) {
      $0.gamma = .init()
      $0.gamma?.probability = 1
    }
    #expect(powers[0] == 0)
    #expect(abs(powers[7] - 7) < 1e-5)
    #expect(powers == powers.sorted() && powers != values)
    // Gains are equal for the pixels of a channel.
    let gains = changed(values.map { $0 + 1 }) {
      $0.channelGains = .init()
      $0.channelGains?.probability = 1
    }
    for channel in 0..<2 {
      let factors = (0..<4).map { gains[2 * $0 + channel] / Float(2 * $0 + channel + 1) }
      #expect(factors.allSatisfy { abs($0 - factors[0]) < 1e-6 && abs($0 - 1) <= 0.1 })
    }
    // A blur keeps a constant.
    let blurred = changed(Array(repeating: 3, count: 8)) {
      $0.blur = .init()
      $0.blur?.probability = 1
    }
    #expect(blurred.allSatisfy { abs($0 - 3) < 1e-5 })
  }

  @Test func wrongAmountsAreErrors() {
    var augmentation = Augmentation()
    #expect(augmentation.complaint == nil)
    augmentation.verticalFlip = 1.5
    #expect(augmentation.complaint?.contains("verticalFlip") == true)
    augmentation.verticalFlip = 0
    augmentation.scaling = .init()
    augmentation.scaling?.factors = []
    #expect(augmentation.complaint?.contains("scales") == true)
  }
}

extension Double {
  fileprivate func rounded(toMultipleOf step: Double) -> Double { (self / step).rounded() * step }
}
