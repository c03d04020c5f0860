import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegTraining

/// Training of networks from ONNX files, and of networks with one logit.
@Suite struct ONNXTrainingTests {
  /// A folder that is removed after `body`.
  private func withPath(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "seg-onnx-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  /// What follows the logits in a file.
  private enum End { case logits, softmax, sigmoid, resizedSoftmax }

  /// Writes a small network as an ONNX file for images of 24×24: convolution, batch normalisation, PReLU, a stride, and a head.
  private func write(_ path: String, classes: Int, end: End) throws {
    let graph = try Graph("small") { g in
      let x = g.input("image", [1, 24, 24, 1])
      func weight(_ name: String, _ shape: Shape) -> Value {
        g.parameter(name, shape, initializer: .heNormal(fanIn: max(1, shape.elementCount / shape[0])))
      }
      func constant(_ name: String, _ count: Int, _ value: Float) -> Value {
        g.parameter(name, [count], initializer: .constant(value))
      }
      func convolution(_ x: Value, _ name: String, _ inputs: Int, _ outputs: Int, stride: Int = 1) -> Value {
        x.apply(
          Convolution(ConvolutionGeometry(kernel: 3, stride: Extent2D(stride), padding: 1)), named: name,
          with: [weight("\(name).weight", [outputs, inputs, 3, 3])])
      }
      var y = convolution(x, "first", 1, 8)
      y = y.apply(
        BatchNorm(epsilon: 1e-5), named: "norm",
        with: [
          constant("norm.scale", 8, 1), constant("norm.shift", 8, 0), constant("norm.mean", 8, 0),
          constant("norm.variance", 8, 1),
        ])
      y = y.apply(PReLU(), named: "prelu", with: [constant("prelu.slope", 8, 0.25)])
      y = convolution(y, "second", 8, 16, stride: end == .resizedSoftmax ? 2 : 1).relu()
      y = convolution(y, "third", 16, 16).relu()
      var logits = y.apply(
        Convolution(ConvolutionGeometry(kernel: 1)), named: "head",
        with: [weight("head.weight", [classes, 16, 1, 1]), constant("head.bias", classes, 0)])
      if end == .resizedSoftmax { logits = logits.resize(to: Extent2D(24)) }
      switch end {
      case .logits: g.output("out", logits)
      case .softmax, .resizedSoftmax: g.output("out", logits.softmax())
      case .sigmoid: g.output("out", logits.sigmoid())
      }
    }
    try graph.writeONNX(to: path, parameters: Parameters(initializing: graph, seed: 2))
    var settings = PredictionSettings()
    (settings.channels, settings.mean, settings.deviation, settings.range) = ("grey", [0.4], [0.2], "white")
    settings.output = end == .logits ? .logits : .probabilities
    try settings.write(beside: path)
  }

  private func configuration(_ set: TemporarySet, _ file: String) -> TrainingConfiguration {
    var configuration = TrainingConfiguration(data: set.path)
    (configuration.network, configuration.widths) = (file, nil)
    (configuration.crops.size, configuration.batch) = (24, 4)
    (configuration.steps, configuration.interval, configuration.rate) = (40, 20, 1e-2)
    return configuration
  }

  @Test(arguments: [0, 1, 2, 3])
  func aFileLearnsAndStaysAFile(_ number: Int) throws {
    let (end, classes): (End, Int) = [(.logits, 2), (.softmax, 2), (.sigmoid, 1), (.resizedSoftmax, 2)][number]
    let set = try TemporarySet(8, size: Extent2D(24))
    try withPath { path in
      try write(path + "/net.onnx", classes: classes, end: end)
      let trainer = try Trainer(configuration(set, path + "/net.onnx"))
      let before = try trainer.evaluate(trainer.makeState(trainer.makeStep()).state.parameters).meanIoU() ?? 0
      var frozen = configuration(set, path + "/net.onnx")
      frozen.frozen = ["first"]
      let outcome = try Trainer(frozen).train(in: TrainingFolder(path + "/run"))
      let best = outcome.best?.meanIoU ?? 0
      #expect(best > 0.8 && best > before, "\(before) → \(best)")
      // The folder is a network of the same score, from a file with the same operators.
      let loaded = try NetworkSource(path + "/run").segmenter(
        weights: nil, settings: .beside(path + "/run/best.onnx"), on: OpenBLASBackend(), options: .init())
      var matrix = ConfusionMatrix(classes: 2)
      for pair in trainer.data.validation {
        try matrix.add(
          prediction: loaded.predictor(Image(contentsOf: pair.image)).labels, truth: LabelMap(contentsOf: pair.mask))
      }
      // Equal probabilities may fall to either class.
      #expect(abs((matrix.meanIoU() ?? 0) - best) < 5e-3)
      let (old, new) = (
        try ONNXModel(contentsOf: path + "/net.onnx"), try ONNXModel(contentsOf: path + "/run/best.onnx")
      )
      #expect(old.operatorCounts == new.operatorCounts && old.parameterCount == new.parameterCount)
      // Frozen weights stay, others and the running statistics change.
      let trained = try ONNXTrainable(contentsOf: path + "/run/best.onnx", classes: 2, seed: 0).weights
      for (name, tensor) in try ONNXTrainable(contentsOf: path + "/net.onnx", classes: 2, seed: 0).weights.tensors {
        #expect((trained[name] == tensor) == name.hasPrefix("first"), "\(name)")
      }
    }
  }

  @Test func theHeadOfAFileIsDrawnForOtherClasses() throws {
    let set = try TemporarySet(6, size: Extent2D(24), foreground: 2)
    try withPath { path in
      try write(path + "/net.onnx", classes: 5, end: .resizedSoftmax)
      let trainer = try Trainer(configuration(set, path + "/net.onnx"))
      var drawn: [String] = []
      let outcome = try trainer.train(in: TrainingFolder(path + "/run")) { event in
        if case .drawn(let names) = event { drawn = names }
      }
      #expect(drawn == ["head.weight", "head.bias"])
      #expect(outcome.steps == 40)
      #expect(
        try ONNXSegmentation(ONNXModel(contentsOf: path + "/run/best.onnx"), settings: .beside(path + "/run/best.onnx"))
          .classes == 3)
    }
  }

  @Test func filesThatCannotBeTrainedAreRefused() throws {
    let set = try TemporarySet(4, size: Extent2D(24))
    try withPath { path in
      try write(path + "/net.onnx", classes: 2, end: .logits)
      var other = configuration(set, path + "/net.onnx")
      other.crops.size = 16
      #expect(throws: TrainingConfigurationError.self) { try Trainer(other) }
      other = configuration(set, path + "/net.onnx")
      other.weights = "weights.safetensors"
      #expect(throws: TrainingConfigurationError.self) { try Trainer(other) }
      // A network without weights.
      let graph = try Graph("plain") { g in
        let x = g.input("image", [1, 24, 24, 1])
        g.output("out", x.concat(with: x * 2))
      }
      try graph.writeONNX(to: path + "/plain.onnx")
      #expect {
        try Trainer(configuration(set, path + "/plain.onnx"))
      } throws: { "\($0)".contains("no float32 initialisers") }
    }
  }

  @Test func aNetworkOfOneLogitKeepsItForTwoClasses() throws {
    let set = try TemporarySet(6, size: Extent2D(64))
    var configuration = TrainingConfiguration(data: set.path)
    (configuration.network, configuration.widths, configuration.crops.size) = ("pupil-unet", nil, 48)
    (configuration.batch, configuration.steps, configuration.interval, configuration.rate) = (2, 12, 12, 3e-3)
    try withPath { path in
      let trainer = try Trainer(configuration)
      let outcome = try trainer.train(in: TrainingFolder(path + "/run"))
      let loaded = try NetworkSource(path + "/run").segmenter(
        weights: nil, settings: .init(), on: OpenBLASBackend(), options: .init())
      #expect(loaded.outputChannels == 1 && loaded.classes == 2)
      var matrix = ConfusionMatrix(classes: 2)
      for pair in trainer.data.validation {
        try matrix.add(
          prediction: loaded.predictor(Image(contentsOf: pair.image)).labels, truth: LabelMap(contentsOf: pair.mask))
      }
      #expect(abs((matrix.meanIoU() ?? 0) - (outcome.best?.meanIoU ?? -1)) < 1e-6)
    }
  }

  @Test func tilesValidateLikeTheWholeImage() throws {
    let set = try TemporarySet(4, size: Extent2D(height: 300, width: 290))
    var configuration = TrainingConfiguration(data: set.path)
    (configuration.widths, configuration.crops.size, configuration.batch) = ([8, 16], 32, 4)
    (configuration.steps, configuration.interval, configuration.rate) = (30, 30, 5e-3)
    configuration.crops.foreground = 0.9
    try withPath { path in
      let trainer = try Trainer(configuration)
      var whole = ConfusionMatrix(classes: 2)
      try trainer.train(in: TrainingFolder(path + "/run"))
      let weights = Parameters(try Safetensors(contentsOf: path + "/run/best.safetensors").tensors)
      whole = try trainer.evaluate(weights)
      configuration.tile = 128
      let tiled = try trainer.with(configuration).evaluate(weights)
      #expect(tiled.pixelCount == whole.pixelCount)
      #expect(abs((tiled.meanIoU() ?? 0) - (whole.meanIoU() ?? 1)) < 0.01)
      configuration.tile = 64
      #expect(throws: TrainingConfigurationError.self) { try trainer.with(configuration) }
    }
  }
}
