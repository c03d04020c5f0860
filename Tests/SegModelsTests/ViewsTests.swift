import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegModels

/// Probabilities from one or several views of an image, and labels from them.
@Suite struct ViewsTests {
  private func predictor(_ postprocessing: Postprocessing = .threshold(0.7)) throws -> Predictor {
    let description = try #require(ModelRegistry.find("pupil-unet"))
    return Predictor(
      try Model(
        description.makeGraph(148),
        parameters: Parameters(contentsOf: Fixtures.path("Examples/pupil/pupil-unet.safetensors"))),
      preprocessing: description.preprocessing, postprocessing: postprocessing)
  }

  /// A network of `classes` logits, the weights of a 3×3 convolution, for images of any size.
  private func convolution(_ fit: Preprocessing.Fit, classes: Int = 3) throws -> Predictor {
    let graph = try Graph("convolution") { g in
      g.output("logits", g.input("image", [1, 8, 8, 3]).conv("conv", classes, kernel: 3))
    }
    return Predictor(
      try Model(graph, parameters: Parameters(initializing: graph, seed: 3)),
      preprocessing: Preprocessing(fit: fit), postprocessing: .argmax)
  }

  private func frames() throws -> [Image] {
    let folder = Fixtures.path("Examples/pupil/images")
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
      try Image(contentsOf: folder + "/" + $0)
    }
  }

  private func mirrored(_ image: Image) -> Image {
    guard case .uint8(let samples) = image.samples else { return image }
    let channels = image.layout.count
    var turned: [UInt8] = []
    for row in 0..<image.height {
      for column in (0..<image.width).reversed() {
        let start = (row * image.width + column) * channels
        turned += samples[start..<start + channels]
      }
    }
    return Image(width: image.width, height: image.height, layout: image.layout, samples: .uint8(turned))
  }

  private func mirrored(_ map: Tensor) -> Tensor {
    map.reshaped(to: Shape([1] + map.shape.dimensions)).mirroredMap.reshaped(to: map.shape)
  }

  @Test func oneViewDecidesAsThePredictorDoes() throws {
    let predictor = try predictor()
    for image in try frames() {
      let prediction = try predictor(image)
      let (labels, probabilities) = try predictor.refined(image)
      #expect(labels == prediction.labels)
      #expect(probabilities.shape == [image.height, image.width, 2])
      #expect(labels.labels.contains(1))
    }
    let three = try convolution(.stretch(8))
    let image = CRFScene(height: 13, width: 11, classes: 3, seed: 1).image
    #expect(try three.refined(image).labels == three(image).labels)
  }

  @Test func probabilitiesAreDistributions() throws {
    let image = CRFScene(height: 13, width: 11, classes: 3, seed: 2).image
    for views in [TestTimeAugmentation.none, .multiScale, .init(scales: [1, 2], combination: .maximum)] {
      let p = try convolution(.stretch(16)).probabilities(for: image, views: views).floats
      for pixel in 0..<13 * 11 { #expect(abs(p[3 * pixel..<3 * pixel + 3].reduce(0, +) - 1) < 1e-5) }
    }
  }

  /// With flips, the mirror image gives the mirrored probabilities, whatever the network; without, it does not.
  @Test(arguments: TestTimeAugmentation.Combination.allCases)
  func flipsMakeItSymmetric(_ combination: TestTimeAugmentation.Combination) throws {
    let predictor = try convolution(.stretch(12))
    let image = CRFScene(height: 12, width: 12, classes: 3, seed: 4).image
    func distance(_ flips: Bool) throws -> Float {
      let views = TestTimeAugmentation(flips: flips, combination: combination)
      let straight = try predictor.probabilities(for: image, views: views)
      return try predictor.probabilities(for: mirrored(image), views: views).distance(to: mirrored(straight))
    }
    #expect(try distance(true) < 1e-6)
    #expect(try distance(false) > 0.01)
  }

  /// Several views are the mean, or the normalised maximum, of what each alone gives.
  @Test func viewsAreCombined() throws {
    let predictor = try convolution(.keep(multipleOf: 4))
    let image = CRFScene(height: 14, width: 10, classes: 3, seed: 5).image
    let scales = [0.5, 1, 1.5]
    let single = try scales.flatMap { scale -> [[Float]] in
      let views = TestTimeAugmentation(scales: [scale])
      return [
        try predictor.probabilities(for: image, views: views).floats,
        try mirroredProbabilities(predictor, image, scale).floats,
      ]
    }
    let mean = try predictor.probabilities(for: image, views: .init(scales: scales, flips: true)).floats
    let maximum = try predictor.probabilities(
      for: image, views: .init(scales: scales, flips: true, combination: .maximum)
    ).floats
    for pixel in 0..<14 * 10 {
      let largest = (0..<3).map { c in single.map { $0[3 * pixel + c] }.max() ?? 0 }
      for c in 0..<3 {
        let expected = single.reduce(Float(0)) { $0 + $1[3 * pixel + c] } / Float(single.count)
        #expect(abs(mean[3 * pixel + c] - expected) < 1e-5)
        #expect(abs(maximum[3 * pixel + c] - largest[c] / largest.reduce(0, +)) < 1e-5)
      }
    }
  }

  /// What the network gives for the mirrored input at a scale, turned back.
  private func mirroredProbabilities(_ predictor: Predictor, _ image: Image, _ scale: Double) throws -> Tensor {
    var preprocessing = predictor.preprocessing
    preprocessing.fit = .scale(scale, multipleOf: 4)
    let (input, placement) = try preprocessing(image)
    let output = try predictor.model(input.mirroredMap).mirroredMap
    let identity = try Graph("identity") { g in
      let x = g.input("x", output.shape)
      let content = placement.content
      g.output(
        "y",
        x.slice(axis: 1, from: content.top, to: content.top + content.height)
          .slice(axis: 2, from: content.left, to: content.left + content.width)
          .resize(to: placement.imageSize, .bilinear).softmax(axis: -1))
    }
    let y = try identity.compiled(on: predictor.model.backend).run(["x": output])["y"]!
    return y.reshaped(to: [image.height, image.width, y.shape.channels])
  }

  /// A size that a network takes, scaled, is a multiple of the same power of two.
  @Test(arguments: [
    (148, 0.5, 76), (148, 0.75, 112), (148, 1.25, 184), (512, 0.75, 384), (520, 1.5, 784), (33, 0.5, 17),
  ])
  func scaledSizes(_ size: Int, _ factor: Double, _ expected: Int) throws {
    for fit in [Preprocessing.Fit.stretch(Extent2D(size)), .letterbox(Extent2D(size))] {
      var predictor = try convolution(fit)
      predictor = Predictor(
        predictor.model, preprocessing: Preprocessing(fit: fit.scaled(by: factor)), postprocessing: .argmax)
      let image = CRFScene(height: 10, width: 10, classes: 3, seed: 1).image
      #expect(try predictor.preprocessing(image).placement.networkSize == Extent2D(expected))
    }
  }

  /// A field decides at one half where the network decides at its threshold: without kernels nothing changes.
  @Test func aFieldWithoutKernelsKeepsTheLabels() throws {
    for threshold in [0.3, 0.7] as [Float] {
      let predictor = try predictor(.threshold(threshold))
      let image = try frames()[0]
      let field = DenseCRF(kernels: [])
      #expect(try predictor.refined(image, crf: field).labels == predictor(image).labels)
    }
  }

  /// DeepLab v1 was published with a conditional random field, which its predictor has.
  @Test func publishedFieldsAreThoseOfThePredictor() throws {
    let published = try #require(ModelRegistry.find("deeplabv1-vgg16"))
    #expect(published.refinement == .deepLabV1)
    var network = DeepLabV1(classes: 3)
    network.classifierWidth = 4
    let graph = try network.graph(size: 40)
    let predictor = Predictor(
      try Model(graph, parameters: Parameters(initializing: graph, seed: 5)),
      for: ModelDescription(
        "small", "", size: 40, network, preprocessing: .caffe(40), refinement: published.refinement))
    let scene = CRFScene(height: 40, width: 40, classes: 3, seed: 2)
    let probabilities = try predictor.probabilities(for: scene.image)
    let refined = try predictor.refined(scene.image, crf: predictor.refinement).probabilities
    // Ten iterations of 3 · exp(−d²/18) and 4 · exp(−d²/4802 − c²/50).
    let field = DenseCRF(kernels: [
      .gaussian(weight: 3, positionDeviation: 3), .bilateral(weight: 4, positionDeviation: 49, colorDeviation: 5),
    ])
    #expect(refined == (try field(probabilities, image: scene.image)))
    #expect(refined != (try DenseCRF.deepLab(probabilities, image: scene.image)))
    #expect(try predictor.refined(scene.image).probabilities == probabilities)
  }

  @Test func networksThatGiveProbabilitiesOrLabels() throws {
    let image = CRFScene(height: 9, width: 9, classes: 3, seed: 7).image
    func network(_ body: @escaping (Value) -> Value) throws -> Predictor {
      let graph = try Graph("network") { g in g.output("y", body(g.input("x", [1, 8, 8, 3]))) }
      return Predictor(
        try Model(graph, parameters: .init()), preprocessing: Preprocessing(fit: .stretch(9)), postprocessing: .argmax)
    }
    // Softmax once, whoever takes it.
    let logits = try network { $0 }.probabilities(for: image)
    let probabilities = try network { $0.softmax(axis: -1) }.probabilities(for: image)
    #expect(logits.distance(to: probabilities) < 1e-6)
    let labels = try network { $0.argmax(axis: -1, keepingAxis: false, elementType: .int32) }
    #expect(throws: PredictionError.noProbabilities) { try labels.probabilities(for: image) }
  }
}

extension Tensor {
  /// A feature map from right to left.
  fileprivate var mirroredMap: Tensor {
    let (width, channels) = (shape.width, shape.channels)
    let values = floats
    return Tensor(
      shape,
      (0..<count).map { index in
        let (pixel, channel) = (index / channels, index % channels)
        return values[(pixel / width * width + width - 1 - pixel % width) * channels + channel]
      })
  }
}
