import SegEngine
import SegModels
import Testing

/// From logits to labels of the image's size, against PyTorch's `interpolate`; masks on their way to the network, against Pillow.
@Suite struct PostprocessingTests {
  /// One entry of `labels.json`.
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let key, fit: String
    let height, width, imageHeight, imageWidth, classes: Int
    let place: [Int]

    var testDescription: String { "\(key) \(fit) \(height)×\(width) of \(imageHeight)×\(imageWidth), \(classes)" }

    var preprocessing: Preprocessing {
      let size = Extent2D(height: height, width: width)
      return Preprocessing(
        channels: .grey,
        fit: fit == "keep" ? .keep(multipleOf: height) : fit == "stretch" ? .stretch(size) : .letterbox(size))
    }
  }

  static let cases: [Case] = (try? Fixtures.description("labels")) ?? []
  private static let tensors = (try? Fixtures.tensors("labels")) ?? [:]

  /// A predictor whose network gives the logits of a fixture, whatever it sees.
  private func predictor(_ test: Case, _ postprocessing: Postprocessing) throws -> Predictor {
    let logits = try Self.tensors.named("\(test.key)/logits")
    let graph = try Graph("constant") { g in
      let image = g.input("image", logits.shape.replacing(axis: 3, with: 1))
      g.output("logits", g.constant(logits) + image * g.constant(Tensor([1, 1, 1, 1], [Float(0)])))
    }
    return Predictor(
      try Model(graph, parameters: Parameters()), preprocessing: test.preprocessing, postprocessing: postprocessing)
  }

  @Test func theFixtureIsThere() { #expect(Self.cases.count == 12) }

  @Test(arguments: cases) func labelsAreThoseOfPyTorch(_ test: Case) throws {
    let predictor = try predictor(test, test.classes == 1 ? .threshold(0.6) : .argmax)
    let image = Image(
      width: test.imageWidth, height: test.imageHeight, layout: .grey,
      samples: .uint8(Array(repeating: 7, count: test.imageWidth * test.imageHeight)))
    for resolution in Predictor.Resolution.allCases {
      let prediction = try predictor(image, at: resolution, keepingLogits: true)
      let alone = try predictor(image, at: resolution)
      #expect(alone.labels == prediction.labels && alone.logits == nil)
      let wanted = try Self.tensors.named("\(test.key)/\(resolution.rawValue)")
      let content = prediction.placement.content
      #expect([content.top, content.left, content.height, content.width] == test.place)
      #expect([prediction.labels.height, prediction.labels.width] == wanted.shape.dimensions)
      #expect(prediction.labels.labels == wanted.elements(of: UInt8.self).map(UInt16.init))
      #expect(prediction.logits == (try Self.tensors.named("\(test.key)/logits")))
    }
  }

  @Test(arguments: cases) func masksAreSeenAsPillowResizesThem(_ test: Case) throws {
    let mask = try Self.tensors.named("\(test.key)/mask")
    let seen = try predictor(test, .argmax).networkMask(
      LabelMap(width: test.imageWidth, height: test.imageHeight, labels: mask.elements(of: UInt8.self).map(UInt16.init))
    )
    let wanted = try Self.tensors.named("\(test.key)/networkMask")
    #expect([seen.height, seen.width] == wanted.shape.dimensions)
    #expect(seen.labels == wanted.elements(of: UInt8.self).map(UInt16.init))
  }

  @Test func thePaddingOfAMaskIsTheCallersChoice() throws {
    let test = try #require(Self.cases.first { $0.fit == "letterbox" })
    let seen = try predictor(test, .argmax).networkMask(
      LabelMap(width: test.imageWidth, height: test.imageHeight, repeating: 3), fill: 255)
    let inside = test.place[2] * test.place[3]
    #expect(seen.labels.filter { $0 == 3 }.count == inside)
    #expect(seen.labels.filter { $0 == 255 }.count == seen.labels.count - inside)
  }

  @Test func probabilitiesSumToOne() throws {
    let test = try #require(Self.cases.first { $0.classes == 4 })
    let predictor = try predictor(test, .argmax)
    let prediction = try predictor(
      Image(width: 1, height: 1, layout: .grey, samples: .uint8([0])), at: .network, keepingLogits: true)
    let probabilities = try predictor.probabilities(of: prediction).floats
    for pixel in stride(from: 0, to: probabilities.count, by: 4) {
      #expect(abs(probabilities[pixel..<pixel + 4].reduce(0, +) - 1) < 1e-6)
    }
  }

  @Test func aThresholdNeedsOneLogit() throws {
    let test = try #require(Self.cases.first { $0.classes == 4 })
    let predictor = try predictor(test, .threshold(0.5))
    #expect(throws: PredictionError.notBinary(classes: 4)) {
      try predictor(Image(width: 1, height: 1, layout: .grey, samples: .uint8([0])))
    }
  }

  /// Exactly at the threshold is background: "above" is what the documentation says.
  @Test func theThresholdItselfIsBackground() throws {
    let graph = try Graph("logit") { g in g.output("logits", g.input("image", [1, 1, 3, 1])) }
    let predictor = Predictor(
      try Model(graph, parameters: Parameters()),
      preprocessing: Preprocessing(channels: .grey, fit: .keep(multipleOf: 1), range: .unscaled, mean: [1]),
      postprocessing: .threshold(0.5))
    // Logits −1, 0 and 1.
    let labels = try predictor(Image(width: 3, height: 1, layout: .grey, samples: .uint8([0, 1, 2]))).labels
    #expect(labels.labels == [0, 0, 1])
  }
}
