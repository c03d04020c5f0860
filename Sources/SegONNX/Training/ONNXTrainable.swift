import Foundation
import SegEngine
import SegFiles
import SegModels

/// An ONNX file whose weights can be trained: its initialisers are parameters of the graph, and are written back into the file.
///
/// Weights are the float32 initialisers that convolutions, products, normalisations and sums read. What is computed from constants alone
/// stays constant. A sigmoid or softmax at the end is left out of the trained graph, whose output is logits, and stays in the file.
package struct ONNXTrainable: Sendable {
  /// The network.
  package let segmentation: ONNXSegmentation
  /// The weights in the file, by the initialisers' names and in the file's axis order.
  package let weights: Parameters
  /// The names of the weights that were initialised at random, because the file has another number of classes.
  package let drawn: [String]
  private let names: [String]
  private let logitsName: String
  private let message: Onnx_ModelProto

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The path of the file. Settings are read from the file beside it.
  ///   - classes: The number of classes. Where the file has others, the weights of the last convolution are drawn.
  ///   - seed: The seed of weights that are drawn.
  /// - Throws: ``ONNXError``; `SettingsError`.
  package init(contentsOf path: String, classes: Int, seed: UInt64) throws {
    let settings = try PredictionSettings.beside(path)
    var message = try ONNXModel.message(path)
    var segmentation = try ONNXSegmentation(try ONNXModel(message, named: path), settings: settings)
    func refuse(_ reason: String) -> ONNXError { ONNXError(path, .segmentation(reason: reason)) }
    guard [.logits, .probabilities].contains(segmentation.outputMeaning) else {
      throw refuse("its output \(segmentation.outputName) is \(segmentation.outputMeaning), of which no loss is known")
    }
    var drawn: [String] = []
    if segmentation.classes != classes {
      let graph = segmentation.file.graph
      guard let head = graph.head(of: segmentation.outputName) else {
        throw refuse(
          "it has \(segmentation.classes) classes, not \(classes), and no convolution computes them at its end")
      }
      drawn = message.graph.draw(head, of: graph, classes: classes, seed: seed)
      let old = segmentation.classes
      do {
        segmentation = try ONNXSegmentation(try ONNXModel(message, named: path), settings: settings)
      } catch {
        throw refuse("it has \(old) classes, and cannot have \(classes): \(error)")
      }
      guard segmentation.classes == classes else { throw refuse("its \(old) classes cannot become \(classes)") }
    }
    let graph = segmentation.file.graph
    names = graph.weightNames
    guard !names.isEmpty else { throw refuse("it has no float32 initialisers that layers read") }
    weights = Parameters(Dictionary(uniqueKeysWithValues: names.map { ($0, graph.initializers[$0]!.tensor) }))
    logitsName = graph.logitsName(of: segmentation.outputName)
    guard segmentation.outputMeaning == .logits || logitsName != segmentation.outputName else {
      throw refuse("its output \(segmentation.outputName) is probabilities that no sigmoid or softmax computes")
    }
    self.segmentation = segmentation
    self.message = message
    self.drawn = drawn
  }

  /// Builds the graph from images `[batch, height, width, channels]` to logits `[batch, height, width, classes]`, with the weights as
  /// parameters.
  ///
  /// - Throws: ``ONNXError`` if the size contradicts the file.
  package func graph(for size: Extent2D, batch: Int) throws -> Graph {
    try segmentation.logitsGraph(for: size, batch: batch, named: logitsName, weights: names)
  }

  /// Writes the file with other weights, and its settings beside it.
  ///
  /// - Throws: ``ONNXError``, `FileError`.
  package func write(_ weights: Parameters, to path: String) throws {
    var message = message
    let reader = ONNXReader(
      externalData: ONNXExternalData(modelPath: segmentation.file.path), opsets: [:], functions: try ONNXFunctions([]))
    for index in message.graph.initializer.indices {
      let own = message.graph.initializer[index]
      if let tensor = weights[own.name] {
        message.graph.initializer[index] = ONNXFile.message(own.name, tensor)
      } else if own.dataLocation == 1 {
        let constant = try reader.constant(own)
        guard constant.type.stored.isMemory else {
          throw ONNXError(segmentation.file.path, .malformed(reason: "\(own.name) of \(constant.type) cannot be moved"))
        }
        message.graph.initializer[index].externalData = []
        message.graph.initializer[index].dataLocation = 0
        message.graph.initializer[index].rawData = constant.tensor.withUnsafeBytes { Data($0) }
      }
    }
    let bytes: [UInt8]
    do {
      bytes = try message.serializedBytes()
    } catch {
      throw ONNXError(path, .malformed(reason: "with its weights it has more than 2 GB"))
    }
    try FileSystem.write(bytes, to: path)
    try segmentation.settings.write(beside: path)
  }
}

extension Onnx_GraphProto {
  /// Draws the weights of a head for another number of classes (uniform in ± 1 / √fan-in, PyTorch's default), and corrects what states the
  /// old number. Returns the names of the weights.
  fileprivate mutating func draw(
    _ head: ONNXGraph.Head, of graph: ONNXGraph, classes: Int, seed: UInt64
  ) -> [String] {
    var generator = SeededGenerator(seed: seed)
    let old = graph.initializers[head.weights]!.shape
    let previous = old[head.classAxis]
    var extents = old.dimensions
    extents[head.classAxis] = classes
    let shape = Shape(extents)
    let fanIn = shape.elementCount / classes
    let bound = 1 / Float(max(1, fanIn)).squareRoot()
    func replace(_ name: String, _ shape: Shape) {
      let values = (0..<shape.elementCount).map { _ in Float.random(in: -bound...bound, using: &generator) }
      guard let index = initializer.firstIndex(where: { $0.name == name }) else { return }
      initializer[index] = ONNXFile.message(name, Tensor(shape, values))
    }
    replace(head.weights, shape)
    if let bias = head.bias { replace(bias, [classes]) }
    for name in head.sizes {
      guard let sizes = graph.initializers[name], sizes.ints.count == 4, sizes.ints[1] == previous,
        let index = initializer.firstIndex(where: { $0.name == name })
      else { continue }
      initializer[index] = ONNXFile.message(
        name, Tensor(sizes.shape, sizes.integers.enumerated().map { $0.offset == 1 ? Int64(classes) : $0.element }))
    }
    // Declared shapes of outputs state the old number; they are not needed. Those of values between are not read.
    for index in output.indices { output[index].type.tensorType.clearShape() }
    return [head.weights] + (head.bias.map { [$0] } ?? [])
  }
}
