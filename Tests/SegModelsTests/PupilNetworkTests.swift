import SegEngine
import SegIO
import SegModels
import Testing

/// The whole way from a camera frame to the pupil, against PyTorch with the same weights and Pillow with the same frames.
@Suite struct PupilNetworkTests {
  static let frames = [
    "HQL073_250515_004_eye_45595", "HQL086_sleep250909_011_eye_29786", "HQL086_whiskerb250923_005_eye_46658",
  ]

  /// What `pupil.json` says of a frame.
  struct Expected: Decodable {
    struct Score: Decodable {
      let intersection, prediction, truth: Int
      let iou: Double
    }
    let width, height: Int
    let place: [Int]
    let network, image: Score
  }

  private let parameters: Parameters
  private let expected: [String: Expected]
  private let tensors: [String: Tensor]

  init() throws {
    parameters = try Parameters(contentsOf: Fixtures.path("Examples/pupil/pupil-unet.safetensors"))
    expected = try Fixtures.description("pupil")
    tensors = try Fixtures.tensors("pupil")
  }

  private func predictor(on backend: any Backend = OpenBLASBackend(), optimizes: Bool = true) throws -> Predictor {
    let description = try #require(ModelRegistry.find("pupil-unet"))
    let model = try Model(
      description.makeGraph(description.defaultSize), parameters: parameters, on: backend,
      options: CompileOptions(optimizes: optimizes))
    return Predictor(model, preprocessing: description.preprocessing, postprocessing: description.postprocessing)
  }

  private func image(_ frame: String) throws -> Image {
    try Image(contentsOf: Fixtures.path("Examples/pupil/images/\(frame).png"))
  }

  @Test func theFixtureKnowsTheFrames() { #expect(expected.keys.sorted() == Self.frames) }

  @Test func theCheckpointHasThePublishedSize() { #expect(parameters.valueCount == 468_621) }

  @Test(arguments: frames) func theInputIsThatOfPillow(_ frame: String) throws {
    let (input, placement) = try predictor().preprocessing(try image(frame))
    let wanted = try #require(expected[frame])
    #expect(placement.imageSize == Extent2D(height: wanted.height, width: wanted.width))
    #expect(placement.networkSize == Extent2D(height: 148, width: 148))
    #expect(
      [placement.content.top, placement.content.left, placement.content.height, placement.content.width] == wanted.place
    )
    // Bytes divided by 255 in float32 on both sides: not one may differ.
    let bytes = try tensors.named("\(frame)/input")
    #expect(input.shape == [1, 148, 148, 1])
    #expect(input.floats == bytes.elements(of: UInt8.self).map { Float($0) / 255 })
  }

  /// Logits of up to 30 here, sums of up to 1152 products in float32 in another order: the sigmoid, whose slope is at most 1/4,
  /// keeps what differs below 1e-4 by far.
  @Test(arguments: frames, [true, false]) func probabilitiesAreThoseOfPyTorch(_ frame: String, optimizes: Bool) throws {
    let predictor = try predictor(optimizes: optimizes)
    let prediction = try predictor(try image(frame), at: .network, keepingLogits: true)
    let probabilities = try predictor.probabilities(of: prediction)
    let wanted = try tensors.named("\(frame)/probability")
    #expect(probabilities.shape == [148, 148, 2])
    let foreground = Tensor([148, 148], (0..<148 * 148).map { probabilities.floats[2 * $0 + 1] })
    #expect(foreground.distance(to: wanted) < 1e-4)
    // The comparison means something: the network is sure of both classes somewhere.
    #expect(wanted.floats.contains { $0 > 0.9 } && wanted.floats.contains { $0 < 0.01 })
  }

  @Test(arguments: frames) func aPieceAgreesOnTheReferenceBackend(_ frame: String) throws {
    let bytes = try tensors.named("\(frame)/input").elements(of: UInt8.self)
    let piece = Tensor(
      [1, 36, 44, 1], (54..<90).flatMap { row in (50..<94).map { Float(bytes[row * 148 + $0]) / 255 } })
    let wanted = try tensors.named("\(frame)/pieceLogits").reshaped(to: [1, 36, 44, 1])
    for backend: any Backend in [ReferenceBackend(), OpenBLASBackend()] {
      let logits = try predictor(on: backend).model(piece)
      // Float32 activations through 14 layers: some hundred roundings of 2⁻²⁴ of the largest logit.
      #expect(logits.distance(to: wanted) < 1e-5 * max(1, wanted.largest), "\(backend.name)")
    }
  }

  @Test(arguments: frames) func itScoresAsUnderPyTorch(_ frame: String) throws {
    let predictor = try predictor()
    let wanted = try #require(expected[frame])
    let mask = try LabelMap(
      contentsOf: Fixtures.path("Examples/pupil/masks/\(frame).png"), reading: .nonZeroIsForeground)
    let image = try image(frame)
    for resolution in Predictor.Resolution.allCases {
      let score = resolution == .network ? wanted.network : wanted.image
      var matrix = ConfusionMatrix(classes: 2, ignoreLabel: nil)
      let truth = resolution == .network ? predictor.networkMask(mask) : mask
      try matrix.add(prediction: predictor(image, at: resolution).labels, truth: truth)
      // No probability lies within 1e-5 of the threshold (the script asserts it), so the counts are exact.
      #expect(matrix.counts[3] == score.intersection, "\(resolution)")
      #expect(matrix.counts[1] + matrix.counts[3] == score.prediction, "\(resolution)")
      #expect(matrix.counts[2] + matrix.counts[3] == score.truth, "\(resolution)")
      #expect(abs(try #require(matrix.iou(1)) - score.iou) < 1e-12, "\(resolution)")
    }
  }
}
