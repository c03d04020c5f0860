import SegEngine
import SegModels

/// A file as a network that segments images: which input is the image, which output the segmentation, how their axes lie and what
/// their values are. What the file itself does not prove and no setting says is taken for granted, and listed.
public struct ONNXSegmentation: Sendable {
  /// The file.
  public let file: ONNXModel
  /// How images go in and labels come out: what was given, completed by what the file says.
  public let settings: PredictionSettings
  /// What was taken for granted, a line each.
  public let assumptions: [String]
  /// The name of the output that is the segmentation.
  public var outputName: String { output.name }
  /// What its values are.
  public let outputMeaning: OutputMeaning
  /// Its channels.
  public var outputChannels: Int { output.channels }
  /// Labels lie below this.
  public let classes: Int
  /// The names and colours of the labels, if the settings state them.
  public let classList: ClassList?
  /// The image input's order of axes, such as `nchw`.
  public var inputLayout: String { input.layout }
  /// The channels that the network takes.
  public let inputChannels: Int

  private let input: ONNXImageInput
  private let output: ONNXMapOutput
  private let preprocessing: Preprocessing
  private let postprocessing: Postprocessing

  /// Looks at a file.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - settings: What is known about it.
  /// - Throws: ``ONNXError`` where it has operators that are not supported, more than one input, or no output that is a map of the
  ///   image; `SettingsError` where settings do not fit it.
  public init(_ file: ONNXModel, settings: PredictionSettings = .init()) throws {
    try settings.validate()
    let ports = file.dataInputs
    guard let port = ports.first, ports.count == 1 else {
      throw ONNXError(
        file.path,
        .malformed(
          reason:
            "it has \(ports.count) inputs (\(ports.map(\.name).joined(separator: ", "))), not one image: use `seg run`")
      )
    }
    let input: ONNXImageInput
    do {
      input = try ONNXImageInput(port, of: file.graph, layout: settings.layout)
    } catch {
      throw ONNXError(file.path, .input(name: port.name, reason: "\(error.reason); use `seg run`"))
    }
    var settings = settings
    settings.layout = input.layout
    if settings.size == nil, let height = input.extent(.height), let width = input.extent(.width) {
      settings.size = [height, width]
    }
    let isOpen = settings.size == nil && settings.multiple == nil
    var assumptions: [String] = []
    if input.evidence == .assumed {
      assumptions.append("input \(port.name): its axes are taken for \(input.layout) (--image-layout)")
    }
    let channels = try ONNXSegmentation.channels(of: input, settings, &assumptions)
    var preprocessing = try ONNXSegmentation.preprocessing(
      input, channels, ONNXInputScaling(of: port.name, in: file.graph), &settings, &assumptions)
    let (maps, graph) = try ONNXSegmentation.maps(of: file, input, channels: channels, preprocessing)
    if isOpen, let period = try graph.stridePeriod() {
      // A map that is halved so often wants so many pixels, and no more.
      settings.multiple = period
      preprocessing.fit = .keep(multipleOf: period)
    }
    self.preprocessing = preprocessing
    let output = try ONNXSegmentation.output(of: file, among: maps, named: settings.outputName)
    let others = maps.map(\.name).filter { $0 != output.name }
    if settings.outputName == nil, maps.contains(where: { $0.name != output.name && $0.isRival(of: output) }) {
      assumptions.append(
        "output \(output.name) is taken for the segmentation, not \(others.joined(separator: ", ")) (--output-name)")
    }
    if !output.isCertain {
      assumptions.append("output \(output.name): its axes are taken for \(output.layout)")
    }
    let reading = output.reading
    if settings.output == nil {
      if let assumption = reading.assumption {
        assumptions.append("output \(output.name): \(assumption) (--output-kind)")
      }
    }
    outputMeaning = settings.output ?? reading.meaning
    settings.output = outputMeaning
    if outputMeaning == .multilabel, reading.meaning == .logits {
      assumptions.append(
        "output \(output.name): its values are taken for logits (--output-kind multilabelProbabilities)")
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
    self.assumptions = assumptions
    inputChannels = channels
  }

  /// What prepares images for the network, runs it and reads its output.
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

  /// The network from images `[1, height, width, channels]` of a size to its segmentation `[1, height, width, classes]`.
  ///
  /// - Throws: ``ONNXError``.
  public func graph(for size: Extent2D) throws -> Graph {
    try graph(for: [1, size.height, size.width, inputChannels])
  }

  private func graph(for shape: Shape) throws -> Graph {
    try file.segmentationGraph(
      input, shape, output, scaling: outputScaling, isLabels: outputMeaning == .labels)
  }

  /// What makes of the file's output what its meaning says.
  private var outputScaling: OutputReading.Scaling {
    if outputMeaning == .multilabel { return output.reading.meaning == .logits ? .sigmoid : output.reading.scaling }
    return outputMeaning == output.reading.meaning ? output.reading.scaling : .none
  }

  // MARK: What the file says

  private static func channels(
    of input: ONNXImageInput, _ settings: PredictionSettings, _ assumptions: inout [String]
  ) throws -> Int {
    if let channels = input.channels { return channels }
    switch settings.channels {
    case "grey": return 1
    case "rgb", "bgr": return 3
    default: break
    }
    if let mean = settings.mean, mean.count > 1 { return mean.count }
    if let deviation = settings.deviation, deviation.count > 1 { return deviation.count }
    assumptions.append("input \(input.port.name): the network is taken to want three channels (--channels)")
    return 3
  }

  private static func preprocessing(
    _ input: ONNXImageInput, _ channels: Int, _ scaling: ONNXInputScaling?, _ settings: inout PredictionSettings,
    _ assumptions: inout [String]
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
      // The file has the preparation in itself.
      (settings.mean, settings.deviation, settings.range) = ([0], [1], scaling.takesSteps ? "step" : "white")
    } else if settings.mean == nil, settings.deviation == nil, settings.range == nil, channels == 3 {
      assumptions.append(
        "images go in with ImageNet's mean and deviation; a settings file or --mean, --deviation and --range say otherwise"
      )
    }
    var preprocessing = try settings.preprocessing(inputChannels: channels)
    preprocessing.elementType = input.port.type?.elementType ?? .float32
    return preprocessing
  }

  /// The outputs that are maps of the image, for an image that is no square where the file leaves its size open, and the graph for it.
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
        // Samples are finite, and whole numbers of 8 bits are bounded.
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

  private static func output(
    of file: ONNXModel, among maps: [ONNXMapOutput], named name: String?
  ) throws -> ONNXMapOutput {
    guard let name else {
      guard let best = ONNXMapOutput.best(of: maps) else {
        throw ONNXError(
          file.path,
          .malformed(
            reason: "none of its outputs (\(file.outputs.joined(separator: ", "))) is a map of the image: use `seg run`"
          ))
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
  /// Whether it could as well be the segmentation, being neither smaller nor the same kind of map again, as deep supervision gives.
  fileprivate func isRival(of other: ONNXMapOutput) -> Bool {
    size == other.size && (channels != other.channels || reading != other.reading)
  }
}
