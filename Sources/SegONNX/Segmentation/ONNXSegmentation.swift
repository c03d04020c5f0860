import SegEngine
import SegModels

/// An ONNX file as an image segmentation network: the image input, the output that is the segmentation, the axis order
/// of both, and the meaning of the output's values.
///
/// What neither the file nor the settings determine is assumed, and every assumption is listed in ``assumptions``.
public struct ONNXSegmentation: Sendable {
  /// The network as read from its file.
  public let file: ONNXModel
  /// The settings of preprocessing and postprocessing: the given ones, completed by those that were derived from the
  /// file or assumed.
  public let settings: PredictionSettings
  /// The assumptions, one per line. Empty if the file and the settings determine everything.
  public var assumptions: [String] { replaceableAssumptions.map(\.description) }
  /// The assumptions, each with the setting that replaces it.
  package let replaceableAssumptions: [ONNXAssumption]
  /// The name of the output that is the segmentation.
  public var outputName: String { output.name }
  /// The meaning of the output's values.
  public let outputMeaning: OutputMeaning
  /// The number of channels of the output.
  public var outputChannels: Int { output.channels }
  /// The number of labels; all labels are below it. It is 2 for one channel of logits, probabilities or saliency, and one
  /// more than the channels for independent classes.
  public let classes: Int
  /// The names and colours of the labels, if the settings state them.
  public let classList: ClassList?
  /// The axis order of the image input in the file, such as `nchw`.
  public var inputLayout: String { input.layout }
  /// The number of channels of the image input.
  public let inputChannels: Int

  /// The name of the image input.
  package var inputName: String { input.port.name }

  private let input: ONNXImageInput
  private let output: ONNXMapOutput
  /// The preparation of images.
  package let preprocessing: Preprocessing
  private let postprocessing: Postprocessing

  /// Derives input, output and settings from a file.
  ///
  /// - Parameters:
  ///   - file: The network.
  ///   - settings: The known settings. They take precedence over what is derived from the file.
  /// - Throws: ``ONNXError`` if the file has operators that are not supported, not exactly one image input, or no
  ///   output with the image's height and width among its axes; `SettingsError` if settings are invalid or do not fit
  ///   the file.
  public init(_ file: ONNXModel, settings: PredictionSettings = .init()) throws {
    try settings.validate()
    let ports = file.dataInputs
    guard let port = ports.first, ports.count == 1 else {
      throw ONNXError(
        file.path,
        .segmentation(
          reason: "it has \(ports.count) inputs (\(ports.map(\.name).joined(separator: ", "))), not one image"))
    }
    let input: ONNXImageInput
    do {
      input = try ONNXImageInput(port, of: file.graph, layout: settings.layout)
    } catch {
      throw ONNXError(file.path, .segmentation(reason: "input \(port.name) \(error.reason)"))
    }
    var settings = settings
    settings.layout = input.layout
    if settings.size == nil, let height = input.extent(.height), let width = input.extent(.width) {
      settings.size = [height, width]
    }
    let isOpen = settings.size == nil && settings.multiple == nil
    var assumptions: [ONNXAssumption] = []
    if input.evidence == .assumed {
      assumptions.append(.init("input \(port.name): its axis order is assumed to be \(input.layout)", .layout))
    }
    let channels = try ONNXSegmentation.channels(of: input, settings, &assumptions)
    var preprocessing = try ONNXSegmentation.preprocessing(
      input, channels, ONNXInputScaling(of: port.name, in: file.graph), &settings, &assumptions)
    let (maps, graph) = try ONNXSegmentation.maps(of: file, input, channels: channels, preprocessing)
    if isOpen, let period = try graph.stridePeriod() {
      // An image whose size is a multiple of the period of the strides passes every downsampling without a remainder.
      settings.multiple = period
      preprocessing.fit = .keep(multipleOf: period)
    }
    self.preprocessing = preprocessing
    let output = try ONNXSegmentation.output(of: file, among: maps, named: settings.outputName)
    let others = maps.map(\.name).filter { $0 != output.name }
    if settings.outputName == nil, maps.contains(where: { $0.name != output.name && $0.isRival(of: output) }) {
      assumptions.append(
        .init(
          "output \(output.name) is assumed to be the segmentation, not \(others.joined(separator: ", "))", .outputName)
      )
    }
    if !output.isCertain {
      assumptions.append(.init("output \(output.name): its axis order is assumed to be \(output.layout)", nil))
    }
    let reading = output.reading
    if settings.output == nil {
      if let assumption = reading.assumption {
        assumptions.append(.init("output \(output.name): \(assumption)", .output()))
      }
    }
    outputMeaning = settings.output ?? reading.meaning
    settings.output = outputMeaning
    if outputMeaning == .multilabel, reading.meaning == .logits {
      assumptions.append(
        .init("output \(output.name): its values are assumed to be logits", .output(.multilabelProbabilities)))
    }
    postprocessing = try settings.postprocessing(outputChannels: output.channels)
    switch outputMeaning {
    case .labels: classes = max(1, reading.labelCount ?? 65536)
    case .multilabel, .multilabelProbabilities: classes = output.channels + 1
    case .logits, .probabilities, .saliency: classes = max(2, output.channels)
    }
    let isOfUnknownCount = outputMeaning == .labels && reading.labelCount == nil
    classList = try settings.classList(classes: isOfUnknownCount ? nil : classes)
    self.file = file
    self.input = input
    self.output = output
    self.settings = settings
    replaceableAssumptions = assumptions
    inputChannels = channels
  }

  /// Makes a predictor, which preprocesses images, runs the network and postprocesses its output.
  ///
  /// - Parameters:
  ///   - backend: The backend that runs the network.
  ///   - options: The options of compilation.
  public func predictor(on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()) -> Predictor {
    let name = input.port.name
    let model = Model(
      name: file.path, inputNames: [name], outputNames: [output.name], on: backend, options: options
    ) { [self] shapes in
      guard let shape = shapes[name] else {
        throw GraphError.missingInput(name: name, expected: TensorSpec([1, 1, 1, 1]))
      }
      return try graph(for: shape)
    }
    var predictor = Predictor(model, preprocessing: preprocessing, postprocessing: postprocessing)
    predictor.classList = classList
    return predictor
  }

  /// Builds the network's graph from images `[1, height, width, channels]` to the segmentation
  /// `[1, height, width, classes]`.
  ///
  /// - Parameter size: The height and width of the images, in pixels.
  /// - Throws: ``ONNXError`` if the size contradicts the file or does not fit the network.
  public func graph(for size: Extent2D) throws -> Graph {
    try graph(for: [1, size.height, size.width, inputChannels])
  }

  private func graph(for shape: Shape) throws -> Graph {
    try file.segmentationGraph(
      input, shape, output, scaling: outputScaling, isLabels: outputMeaning == .labels)
  }

  /// Builds the graph from images `[batch, height, width, channels]` to a value that has the axes of the segmentation, with the initialisers
  /// of some names as parameters.
  func logitsGraph(for size: Extent2D, batch: Int, named name: String, weights: [String]) throws -> Graph {
    try file.segmentationGraph(
      input, [batch, size.height, size.width, inputChannels], output, named: name, scaling: .none, isLabels: false,
      weights: weights)
  }

  /// The transformation of the output's elements to values with the meaning ``outputMeaning``.
  private var outputScaling: OutputReading.Scaling {
    if outputMeaning == .multilabel { return output.reading.meaning == .logits ? .sigmoid : output.reading.scaling }
    return outputMeaning == output.reading.meaning ? output.reading.scaling : .none
  }

  // MARK: Derivation from the file

  /// Returns the number of channels of the image input, from the file, else from the settings, else 3 as an assumption.
  private static func channels(
    of input: ONNXImageInput, _ settings: PredictionSettings, _ assumptions: inout [ONNXAssumption]
  ) throws -> Int {
    if let channels = input.channels { return channels }
    switch settings.channels {
    case "grey": return 1
    case "rgb", "bgr": return 3
    default: break
    }
    if let mean = settings.mean, mean.count > 1 { return mean.count }
    if let deviation = settings.deviation, deviation.count > 1 { return deviation.count }
    assumptions.append(.init("input \(input.port.name): it is assumed to have three channels", .channels))
    return 3
  }

  /// Returns the preprocessing, and adds the range, mean and deviation that follow from the file to the settings.
  private static func preprocessing(
    _ input: ONNXImageInput, _ channels: Int, _ scaling: ONNXInputScaling?, _ settings: inout PredictionSettings,
    _ assumptions: inout [ONNXAssumption]
  ) throws -> Preprocessing {
    guard input.port.type != nil else {
      throw SettingsError("its image input is of a type that is not read")
    }
    if input.takesIntegers {
      guard settings.mean.map({ $0.allSatisfy { $0 == 0 } }) ?? true,
        settings.deviation.map({ $0.allSatisfy { $0 == 1 } }) ?? true, settings.range ?? "step" == "step"
      else { throw SettingsError("the network takes whole numbers from 0 to 255: no mean, deviation or range") }
      (settings.mean, settings.deviation, settings.range) = ([0], [1], "step")
    } else if settings.mean == nil, settings.deviation == nil, settings.range == nil, let scaling {
      // The network normalises its input itself.
      (settings.mean, settings.deviation, settings.range) = ([0], [1], scaling.takesSteps ? "step" : "white")
    } else if settings.mean == nil, settings.deviation == nil, settings.range == nil, channels == 3 {
      assumptions.append(
        .init("images are normalised with ImageNet's mean and deviation, since the settings give none", .normalization))
    }
    var preprocessing = try settings.preprocessing(inputChannels: channels)
    preprocessing.elementType = input.port.type?.elementType ?? .float32
    return preprocessing
  }

  /// Returns the outputs that are maps of the image, with the graph that they were found in.
  ///
  /// If the file does not declare the image's size, the graph is built for an image that is not square, so that height
  /// and width can be distinguished; if that fails, for a larger square one.
  private static func maps(
    of file: ONNXModel, _ input: ONNXImageInput, channels: Int, _ preprocessing: Preprocessing
  ) throws -> (maps: [ONNXMapOutput], graph: Graph) {
    var failure: (any Error)?
    for size in [Extent2D(height: 192, width: 256), Extent2D(height: 512, width: 512)] {
      let fitted = Placement(of: size, fit: preprocessing.fit).networkSize
      let image = Extent2D(height: input.extent(.height) ?? fitted.height, width: input.extent(.width) ?? fitted.width)
      do {
        let shape: Shape = [1, image.height, image.width, channels]
        let graph = try file.imageGraph(input, shape)
        let axes = [
          AxisMeaning(.batch, 1), AxisMeaning(.height, image.height), AxisMeaning(.width, image.width),
          AxisMeaning(.channel, channels),
        ]
        // The range of uint8 samples is known; that of other types is not.
        let range = input.port.type == .uint8 ? ValueRange(0, 255) : .everything
        let properties = graph.outputProperties(ofInputs: [
          input.port.name: ValueProperties(range: range, isInteger: input.takesIntegers, axes: axes)
        ])
        let maps = zip(graph.outputs, properties).compactMap { port, properties in
          ONNXMapOutput(port.name, graph[port.value].spec, properties, image: image)
        }
        return (maps, graph)
      } catch {
        failure = failure ?? error
      }
    }
    throw failure!
  }

  /// Returns the output with the name, or the best one if no name is given.
  private static func output(
    of file: ONNXModel, among maps: [ONNXMapOutput], named name: String?
  ) throws -> ONNXMapOutput {
    guard let name else {
      guard let best = ONNXMapOutput.best(of: maps) else {
        throw ONNXError(
          file.path,
          .segmentation(
            reason: "none of its outputs (\(file.outputs.joined(separator: ", "))) is a map of the image"))
      }
      return best
    }
    guard file.outputs.contains(name) else {
      throw SettingsError("output name: there is no output \(name); there are \(file.outputs.joined(separator: ", "))")
    }
    guard let map = maps.first(where: { $0.name == name }) else {
      throw SettingsError("output name: \(name) is no map of the image")
    }
    return map
  }
}

extension ONNXMapOutput {
  /// Returns whether it could be the segmentation instead of `other`: it has the same size, and differs in channels or
  /// meaning. Side outputs of deep supervision do not differ in these.
  fileprivate func isRival(of other: ONNXMapOutput) -> Bool {
    size == other.size && (channels != other.channels || reading != other.reading)
  }
}
