import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg onnx`: examines an ONNX file.
struct ONNXCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "onnx", abstract: "Looks into ONNX files.", subcommands: [Inspect.self])

  /// The command `seg onnx inspect`: shows inputs, outputs, operators, cost, and what is not supported.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect", abstract: "Lists a file's inputs, outputs, operators and cost.")

    @Argument(help: "The ONNX file.")
    var file: String

    @Option(help: "Height and width of the input, as 512x256 or 512, where the file leaves them open.")
    var size: SizeArgument?

    @Flag(help: "Print JSON.")
    var json = false

    private struct Report: Encodable {
      struct Port: Encodable {
        let name: String
        let shape: [Int?]?
        let elementType: String?
      }
      let producer: String
      let opset: Int
      let inputs: [Port]
      let outputs: [String]
      let operators: [String: Int]
      let unsupported: [String]
      let parameters: Int?
      let macs: Int?
      /// Why the cost is not known, if it is not.
      let unknownCost: String?
      /// The number of operators in the engine's graph, and how many of them move axes.
      let engineOperators: Int?
      let transposes: Int?
      /// The nodes that the slow evaluator computes in each run.
      let evaluated: [String]?
      /// How the network would segment images; omitted if it cannot.
      let segmentation: Segmentation?
    }

    /// The properties of the file as a network that segments images.
    private struct Segmentation: Encodable {
      let layout: String
      let channels: Int
      let size: [Int]?
      let output: String
      let meaning: String
      let outputChannels: Int
      let assumptions: [String]

      init?(_ model: ONNXModel) {
        guard let segmentation = try? ONNXSegmentation(model) else { return nil }
        layout = segmentation.inputLayout
        channels = segmentation.inputChannels
        size = segmentation.settings.size
        output = segmentation.outputName
        meaning = segmentation.outputMeaning.rawValue
        outputChannels = segmentation.outputChannels
        assumptions = segmentation.replaceableAssumptions.map(\.withOption)
      }
    }

    func run() throws {
      let model = try ONNXModel(contentsOf: file)
      let unsupported = model.unsupportedOperators
      var summary: GraphSummary?
      var unknownCost: String?
      if unsupported.isEmpty {
        do {
          summary = try GraphSummary(model.graph(forImagesOf: size?.extent, channelsLast: false))
        } catch let error as ONNXError {
          // A size that contradicts the file is a mistake of the caller; without one the cost just is not known.
          if size != nil, case .input = error.cause { throw error }
          unknownCost = error.reason
        }
      }
      let report = Report(
        producer: model.producer, opset: model.opset,
        inputs: model.inputs.map { .init(name: $0.name, shape: $0.shape, elementType: $0.elementType?.rawValue) },
        outputs: model.outputs, operators: model.operatorCounts, unsupported: unsupported.map(\.description),
        parameters: model.parameterCount, macs: summary?.total.macs, unknownCost: unknownCost,
        engineOperators: summary?.layers.count,
        transposes: summary?.layers.filter { $0.operation == "Transpose" }.count,
        evaluated: summary?.layers.filter { $0.operation == "Host" }.map { "\($0.attributes) \($0.name)" },
        segmentation: Segmentation(model))
      if json { return try printJSON(report) }
      print("\(file): operator set \(report.opset), written by \(report.producer.isEmpty ? "?" : report.producer)")
      for port in report.inputs {
        let shape =
          port.shape.map { "[" + $0.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]" } ?? "[…]"
        print("input  \(port.name) \(port.elementType ?? "?") \(shape)")
      }
      for output in report.outputs { print("output \(output)") }
      var table = TextTable(["operator", "count"])
      for (name, count) in report.operators.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
        table.add([name, count.grouped])
      }
      print(table.text)
      if let parameters = report.parameters { print("\(parameters.grouped) parameters") }
      if let macs = report.macs, let count = report.engineOperators, let transposes = report.transposes {
        print("\((Double(macs) / 1e9).fixed(3)) GMAC; \(count) operators here, \(transposes) of them transposes")
      }
      if let reason = report.unknownCost { print("cost not known: \(reason)") }
      if let evaluated = report.evaluated, !evaluated.isEmpty {
        print("computed by the slow evaluator: \(evaluated.joined(separator: ", "))")
      }
      if let segmentation = report.segmentation {
        let size = segmentation.size.map { "\($0[0])×\($0[$0.count - 1])" } ?? "any size"
        print(
          "segments images: \(segmentation.layout), \(segmentation.channels) channels, \(size); output \(segmentation.output): "
            + "\(segmentation.meaning), \(segmentation.outputChannels) channels")
        for assumption in segmentation.assumptions { print("assumed: \(assumption)") }
      }
      if !unsupported.isEmpty { print("not supported: \(unsupported.map(\.description).joined(separator: ", "))") }
    }
  }
}
