import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// Mean-field inference in fully connected conditional random fields.
@Suite struct DenseCRFTests {
  private func meanDifference(_ a: Tensor, _ b: Tensor) -> Double {
    guard a.shape == b.shape else { return .infinity }
    return zip(a.floats, b.floats).reduce(0) { $0 + Double(abs($1.0 - $1.1)) } / Double(a.count)
  }

  private func largestDifference(_ a: Tensor, _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a.floats, b).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  }

  private static let costs: [[Float]] = [[0, 1, 2.5], [1, 0, 0.5], [2.5, 0.5, -0.25]]

  private func potts(_ a: Int, _ b: Int) -> Double { a == b ? 0 : 1 }
  private func matrix(_ a: Int, _ b: Int) -> Double { Double(Self.costs[a][b]) }

  /// A file of no pixels may claim any number of classes.
  @Test(arguments: [DenseCRF.Filtering.lattice, .window(radius: 3), .exact])
  func memoryOfAnyNumberOfClassesCanBeTold(_ filtering: DenseCRF.Filtering) {
    var field = DenseCRF.deepLab
    field.filtering = filtering
    let image = Image(
      width: 1 << 12, height: 1 << 11, layout: .grey, samples: .uint8(.init(repeating: 0, count: 1 << 23)))
    #expect(field.byteCount(for: image, classes: .max) == .max)
    let few = [field.byteCount(for: image, classes: 2), field.byteCount(for: image, classes: 21)]
    #expect(few[0] > 0 && few[0] < few[1] && few[1] < 1 << 40)
  }

  // MARK: Against the definition

  @Test(arguments: [DenseCRF.Filtering.exact, .window(radius: 2), .window(radius: 20)])
  func equalsDoubleLoops(_ filtering: DenseCRF.Filtering) throws {
    let scene = CRFScene(height: 9, width: 11, classes: 3, seed: 5)
    let field = DenseCRF(
      kernels: [
        .gaussian(weight: 3, positionDeviation: 1.5),
        .bilateral(weight: 4, positionDeviation: 6, colorDeviation: 20),
        .bilateral(weight: 0.7, positionDeviation: 3, colorDeviation: 40, compatibility: .matrix(Self.costs)),
      ], iterations: 4, filtering: filtering)
    var naive = NaiveDenseCRF(
      kernels: [
        .init(weight: 3, position: 1.5, cost: potts), .init(weight: 4, position: 6, color: 20, cost: potts),
        .init(weight: Double(Float(0.7)), position: 3, color: 40, cost: matrix),
      ], iterations: 4)
    if case .window(let radius) = filtering { naive.radius = radius }
    let expected = naive.marginals(
      scene.probabilities.floats.map(Double.init), height: 9, width: 11, colors: scene.colors)
    for backend in [OpenBLASBackend(), ReferenceBackend()] as [any Backend] {
      let actual = try field(scene.probabilities, image: scene.image, on: backend)
      #expect(largestDifference(actual, expected) < 2e-5)
    }
    // The test can fail: the field changes the probabilities much more than that.
    #expect(largestDifference(scene.probabilities, expected) > 0.1)
  }

  /// A matrix that says what Potts says, through the other way of computing it.
  @Test(arguments: [DenseCRF.Filtering.exact, .window(radius: 3), .lattice])
  func pottsIsAMatrix(_ filtering: DenseCRF.Filtering) throws {
    let scene = CRFScene(height: 24, width: 20, classes: 3, seed: 6)
    func marginals(_ compatibility: PairwiseKernel.Compatibility) throws -> Tensor {
      let field = DenseCRF(
        kernels: [
          .gaussian(weight: 2, positionDeviation: 2, compatibility: compatibility),
          .bilateral(weight: 3, positionDeviation: 10, colorDeviation: 12, compatibility: compatibility),
        ], iterations: 5, filtering: filtering)
      return try field(scene.probabilities, image: scene.image)
    }
    let rows = (0..<3).map { row in (0..<3).map { Float($0 == row ? 0 : 1) } }
    #expect(try marginals(.potts).distance(to: marginals(.matrix(rows))) < 1e-4)
  }

  // MARK: The lattice against the exact sums

  private static let fields: [DenseCRF] = [
    .deepLab,
    DenseCRF(kernels: [
      .gaussian(weight: 3, positionDeviation: 3), .bilateral(weight: 10, positionDeviation: 80, colorDeviation: 13),
    ]),
    pupilField,
  ]

  /// For frames of an eye: a pupil is some tens of pixels wide and darker by some tens of steps.
  private static let pupilField = DenseCRF(kernels: [
    .gaussian(weight: 3, positionDeviation: 2), .bilateral(weight: 3, positionDeviation: 20, colorDeviation: 8),
  ])

  @Test(arguments: Self.fields.indices)
  func latticeIsCloseToExactOnScenes(_ index: Int) throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      let scene = CRFScene(height: 64, width: 64, classes: 5, seed: seed)
      try expectClose(Self.fields[index], scene.probabilities, scene.image)
    }
  }

  @Test(arguments: Self.fields.indices)
  func latticeIsCloseToExactOnPupils(_ index: Int) throws {
    for name in try pupilNames() {
      let frame = try pupil(name)
      let (image, mask) = crop(frame.image, frame.mask, 64)
      try expectClose(Self.fields[index], noisy(mask, seed: 3), image)
    }
  }

  private func expectClose(
    _ field: DenseCRF, _ probabilities: Tensor, _ image: Image, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var exact = field
    exact.filtering = .exact
    let expected = try exact(probabilities, image: image)
    let difference = meanDifference(try field(probabilities, image: image), expected)
    #expect(difference < 0.02, sourceLocation: sourceLocation)
    #expect(difference * 3 < meanDifference(probabilities, expected), sourceLocation: sourceLocation)
    if ProcessInfo.processInfo.environment["SEG_PRINT"] != nil {
      print("lattice − exact: mean \(difference), moved by \(meanDifference(probabilities, expected))")
    }
  }

  // MARK: Against the published implementation

  /// `Tests/Fixtures/crf/make_crf.py` ran the authors' code.
  @Test func equalsThePublishedImplementation() throws {
    let tensors = try Safetensors(contentsOf: Fixtures.path("Tests/Fixtures/crf/crf.safetensors")).tensors
    let probabilities = try tensors.named("probabilities")
    let samples = try tensors.named("image")
    let image = Image(
      width: samples.shape[1], height: samples.shape[0], layout: .rgb, samples: .uint8(samples.elements()))
    let matrix = try tensors.named("costs").floats
    let classes = probabilities.shape[2]
    let costs = (0..<classes).map { Array(matrix[$0 * classes..<($0 + 1) * classes]) }
    let fields: [String: DenseCRF] = [
      "deeplab": .deepLab,
      "wide": DenseCRF(
        kernels: [
          .gaussian(weight: 3, positionDeviation: 3), .bilateral(weight: 10, positionDeviation: 80, colorDeviation: 13),
        ], iterations: 5),
      "matrix": DenseCRF(
        kernels: [
          .bilateral(weight: 1, positionDeviation: 12, colorDeviation: 25, compatibility: .matrix(costs))
        ], iterations: 3),
    ]
    for (name, field) in fields {
      let actual = try field(probabilities, image: image)
      let expected = try tensors.named(name)
      #expect(actual.distance(to: expected) < 2e-3, "\(name)")
      #expect(meanDifference(actual, expected) < 1e-4, "\(name)")
    }
  }

  // MARK: What it is for

  private func pupilNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("Examples/pupil/images")).sorted()
  }

  private func pupil(_ name: String) throws -> (image: Image, mask: LabelMap) {
    (
      try Image(contentsOf: Fixtures.path("Examples/pupil/images/\(name)")),
      try LabelMap(contentsOf: Fixtures.path("Examples/pupil/masks/\(name)"), reading: .nonZeroIsForeground)
    )
  }

  /// The part around the foreground's centre.
  private func crop(_ image: Image, _ mask: LabelMap, _ size: Int) -> (Image, LabelMap) {
    var (rows, columns, count) = (0, 0, 0)
    for row in 0..<mask.height {
      for column in 0..<mask.width where mask[row, column] == 1 {
        (rows, columns, count) = (rows + row, columns + column, count + 1)
      }
    }
    let top = min(max(0, rows / max(1, count) - size / 2), mask.height - size)
    let left = min(max(0, columns / max(1, count) - size / 2), mask.width - size)
    guard case .uint8(let samples) = image.samples else { return (image, mask) }
    let channels = image.layout.count
    var (cut, labels): ([UInt8], [UInt16]) = ([], [])
    for row in top..<top + size {
      let start = row * image.width + left
      cut += samples[start * channels..<(start + size) * channels]
      labels += mask.labels[start..<start + size]
    }
    return (
      Image(width: size, height: size, layout: image.layout, samples: .uint8(cut)),
      LabelMap(width: size, height: size, labels: labels)
    )
  }

  /// Probabilities whose logits are right in the mean: ±2, and noise of standard deviation 2 (the sum of twelve uniform numbers).
  private func noisy(_ mask: LabelMap, seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(
      [mask.height, mask.width, 2],
      mask.labels.flatMap { label -> [Float] in
        let noise = (0..<12).reduce(Float(-6)) { sum, _ in sum + .random(in: 0..<1, using: &generator) }
        let foreground = 1 / (1 + exp(-((label == 1 ? 2 : -2) + 2 * noise)))
        return [1 - foreground, foreground]
      })
  }

  @Test func raisesTheIoUOfNoisyPupils() throws {
    for (index, name) in try pupilNames().enumerated() {
      let frame = try pupil(name)
      let probabilities = noisy(frame.mask, seed: UInt64(index))
      func iou(_ probabilities: Tensor) throws -> Double {
        var matrix = ConfusionMatrix(classes: 2)
        try matrix.add(prediction: LabelMap(probabilities: probabilities), truth: frame.mask)
        return try #require(matrix.meanIoU())
      }
      let (before, after) = (try iou(probabilities), try iou(try Self.pupilField(probabilities, image: frame.image)))
      #expect(after > before + 0.2)
    }
  }

  // MARK: Properties

  @Test(arguments: [DenseCRF.Filtering.exact, .window(radius: 3), .lattice])
  func marginalsAreDistributionsAndDoNotDependOnThreads(_ filtering: DenseCRF.Filtering) throws {
    let scene = CRFScene(height: 37, width: 29, classes: 6, seed: 8)
    var field = DenseCRF.deepLab
    field.filtering = filtering
    let one = try field(scene.probabilities, image: scene.image, on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
    let four = try field(scene.probabilities, image: scene.image, on: OpenBLASBackend(workers: WorkerPool(threads: 4)))
    #expect(one == four)
    #expect(one.shape == scene.probabilities.shape)
    let values = one.floats
    for pixel in 0..<37 * 29 {
      let row = values[pixel * 6..<(pixel + 1) * 6]
      #expect(abs(row.reduce(0, +) - 1) < 1e-5 && row.allSatisfy { $0 >= 0 })
    }
  }

  @Test func withoutKernelsOrIterationsNothingChanges() throws {
    let scene = CRFScene(height: 6, width: 5, classes: 3, seed: 9)
    for field in [DenseCRF(kernels: []), DenseCRF(kernels: DenseCRF.deepLab.kernels, iterations: 0)] {
      #expect(try field(scene.probabilities, image: scene.image).distance(to: scene.probabilities) < 1e-6)
    }
  }

  /// A grey image counts as the colour image with three equal channels, and 16 bits as 8 bits.
  @Test func imageFormatsAgree() throws {
    let probabilities = CRFScene(height: 12, width: 10, classes: 3, seed: 10).probabilities
    var generator = SeededGenerator(seed: 11)
    let grey = (0..<120).map { _ in UInt8.random(in: 90..<160, using: &generator) }
    func image(_ layout: Image.ChannelLayout, _ samples: Image.Samples) -> Image {
      Image(width: 10, height: 12, layout: layout, samples: samples)
    }
    let field = DenseCRF(
      kernels: [.bilateral(weight: 4, positionDeviation: 5, colorDeviation: 12)], iterations: 3, filtering: .exact)
    let expected = try field(probabilities, image: image(.rgb, .uint8(grey.flatMap { [$0, $0, $0] })))
    for other in [
      image(.grey, .uint8(grey)), image(.greyAlpha, .uint8(grey.flatMap { [$0, 7] })),
      image(.grey, .float32(grey.map { Float($0) / 255 })), image(.bands(2), .uint8(grey.flatMap { [$0, 7] })),
      image(.bands(4), .uint8(grey.flatMap { [$0, $0, $0, 7] })),
      image(.rgba, .uint8(grey.flatMap { [$0, $0, $0, 9] })), image(.grey, .uint16(grey.map { UInt16($0) * 257 })),
    ] {
      #expect(try field(probabilities, image: other).distance(to: expected) < 1e-5)
    }
  }

  /// Degenerate sizes: one pixel, one class, a row, a flat image.
  @Test(arguments: [DenseCRF.Filtering.exact, .window(radius: 2), .lattice])
  func smallAndFlatImages(_ filtering: DenseCRF.Filtering) throws {
    for (height, width, classes) in [(1, 1, 2), (1, 9, 3), (8, 1, 1), (5, 5, 2)] {
      var field = DenseCRF.deepLab
      field.filtering = filtering
      let image = Image(
        width: width, height: height, layout: .rgb, samples: .uint8(.init(repeating: 128, count: 3 * width * height)))
      let uniform = Tensor([height, width, classes], repeating: 1 / Float(classes))
      let result = try field(uniform, image: image)
      #expect(result.distance(to: uniform) < 1e-5)
    }
  }

  // MARK: Bad input

  @Test func badInputIsOneError() throws {
    let scene = CRFScene(height: 6, width: 5, classes: 3, seed: 12)
    let field = DenseCRF.deepLab
    func error(_ probabilities: Tensor, _ field: DenseCRF = field) -> CRFError? {
      do throws(CRFError) { _ = try field(probabilities, image: scene.image) } catch { return error }
      return nil
    }
    let p = scene.probabilities
    #expect(error(p.reshaped(to: [1, 6, 5, 3])) == .notProbabilities(TensorSpec([1, 6, 5, 3])))
    #expect(error(Tensor([6, 5, 3], repeating: Int32(0))) == .notProbabilities(TensorSpec([6, 5, 3], .int32)))
    #expect(error(Tensor(zeros: [6, 5, 0])) == .notProbabilities(TensorSpec([6, 5, 0])))
    #expect(
      error(p.reshaped(to: [5, 6, 3]))
        == .sizesDiffer(probabilities: Extent2D(height: 5, width: 6), image: Extent2D(height: 6, width: 5)))
    var bad = p
    bad[2, 4, 1] = Float.nan
    #expect(error(bad)?.description == "the probabilities of row 2, column 4 are not finite")
    bad = p
    bad[3, 1, 0] = 0.9 as Float
    if case .noDistribution(3, 1, let sum)? = error(bad) { #expect(abs(sum - 1) > 1e-3) } else { Issue.record() }
    bad = p
    bad[0, 0, 0] = -0.5 as Float
    bad[0, 0, 1] = 1.5 as Float
    bad[0, 0, 2] = 0 as Float
    #expect(error(bad) == .noDistribution(row: 0, column: 0, sum: 1))
    for kernel in [
      PairwiseKernel.gaussian(weight: 1, positionDeviation: 0), .gaussian(weight: .nan, positionDeviation: 1),
      .bilateral(weight: 1, positionDeviation: 3, colorDeviation: -1),
      .bilateral(weight: 1, positionDeviation: .infinity, colorDeviation: 1),
    ] {
      guard case .kernel? = error(p, DenseCRF(kernels: [kernel])) else {
        Issue.record("\(kernel)")
        continue
      }
    }
    let small = PairwiseKernel.gaussian(weight: 1, positionDeviation: 1e-6)
    #expect(error(p, DenseCRF(kernels: [small])) == .deviationTooSmall(small))
    #expect(
      error(p, DenseCRF(kernels: [.gaussian(weight: 1, positionDeviation: 1, compatibility: .matrix([[0]]))]))
        == .compatibility(rows: 1, classes: 3))
    #expect(error(p, DenseCRF(kernels: [], filtering: .window(radius: -1))) == .radius(-1))
    #expect(error(p, DenseCRF(kernels: [], filtering: .window(radius: 1000))) == .radius(1000))
  }
}
